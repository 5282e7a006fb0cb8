"""Inputs: how the rows to predict for become columns of the network."""

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
    """Numeric features, which are used as columns of the network unchanged.

    Parameters
    ----------
    n_columns : int
        Number of features.
    """

    n_columns: int

    def read(self, estimator: BaseEstimator, X: Any) -> tuple[Any, np.dtype[Any]]:
        """Return the columns of rows to predict for, and the type of predictions.

        Parameters
        ----------
        estimator : BaseMLP
            A fitted estimator; the features must be those seen during fit.
        X : {array-like, sparse matrix, dataframe} of shape (N, D)
            Features.

        Returns
        -------
        columns : ndarray or CSR matrix of shape (N, n_columns)
            Columns of the network.
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
        The fitted preprocessor.
    """

    encoder: TabularPreprocessor

    @property
    def n_columns(self) -> int:
        """Number of columns that the preprocessor outputs."""
        encoder = self.encoder
        return encoder.n_numeric_ + encoder.n_flags_ + len(encoder.n_levels_)

    def read(self, estimator: BaseEstimator, X: Any) -> tuple[Any, np.dtype[Any]]:
        """Return the columns and the type of predictions, as :class:`Columns` does.

        The type is that of the table, since the type of the encoded columns depends on
        the network only.
        """
        columns = self.encoder.encode_checked(check_table(estimator, X, False))
        return columns, type_of_rows(X)


@dataclass(frozen=True)
class Encoded:
    """Columns that are already encoded, such as those passed to a scorer during fit.

    Parameters
    ----------
    n_columns : int
        Number of columns of the network.
    """

    n_columns: int

    def read(self, estimator: BaseEstimator, X: Any) -> tuple[Any, np.dtype[Any]]:
        """Return the columns unchanged, and float64 as the type of predictions."""
        del estimator
        return X, np.dtype(np.float64)
