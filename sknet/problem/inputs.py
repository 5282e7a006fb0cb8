"""Inputs: what a network reads its columns from, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sknet.preprocessing import TabularPreprocessor
from sknet.preprocessing.columns import check_table
from sknet.problem.precision import type_of_rows
from sknet.problem.validation import check_features


@dataclass(frozen=True)
class Columns:
    """Features that are the columns of the network.

    Parameters
    ----------
    n_columns : int
        Features.
    """

    n_columns: int

    def read(self, estimator: BaseEstimator, X: Any) -> tuple[Any, np.dtype[Any]]:
        """Return the columns of rows to predict for, and the type of predictions.

        Parameters
        ----------
        estimator : BaseMLP
            Fitted; the features must be those of its fit.
        X : {array-like, sparse matrix, dataframe} of shape (N, D)
            Features.

        Returns
        -------
        columns : ndarray or CSR matrix of shape (N, n_columns)
            What the network takes.
        dtype : dtype
            float32 or float64.
        """
        columns = check_features(estimator, X)
        return columns, type_of_rows(columns)


@dataclass(frozen=True)
class Table:
    """A table that a preprocessor encodes.

    Parameters
    ----------
    encoder : TabularPreprocessor
        Fitted.
    """

    encoder: TabularPreprocessor

    @property
    def n_columns(self) -> int:
        """Columns that the preprocessor makes."""
        encoder = self.encoder
        return encoder.n_numeric_ + encoder.n_flags_ + len(encoder.n_levels_)

    def read(self, estimator: BaseEstimator, X: Any) -> tuple[Any, np.dtype[Any]]:
        """Return the columns and the type of predictions, as :class:`Columns` does.

        The type is that of the table: that of its columns is the network's own.
        """
        columns = self.encoder.encode_checked(check_table(estimator, X, False))
        return columns, type_of_rows(X)


@dataclass(frozen=True)
class Encoded:
    """Columns that come as the network takes them, as a scorer in a fit has them.

    Parameters
    ----------
    n_columns : int
        Columns of the network.
    """

    n_columns: int

    def read(self, estimator: BaseEstimator, X: Any) -> tuple[Any, np.dtype[Any]]:
        """Return the columns, and double precision for what is predicted."""
        del estimator
        return X, np.dtype(np.float64)
