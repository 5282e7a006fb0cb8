"""Quantiles: what a regressor has learned beside its mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.estimators.outputs.pooling import mean_link
from sknet.estimators.outputs.precision import in_type
from sknet.losses import MeanQuantiles


class QuantilePredictions:
    """Mixin: a regressor that may have learned quantiles beside its mean."""

    def predict(
        self, X: Any, return_std: bool = False, *, quantiles: Any = None
    ) -> Any:
        """Predict values.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The table.
        return_std : bool, default=False
            Whether to return standard deviations too: those that ``loss="gaussian"``
            gives, the spread of the networks, or of both the root of the sum of their
            squares.
        quantiles : float or array-like of float, default=None
            Levels to predict in place of the mean: some of those that the estimator's
            ``quantiles`` named at the fit.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, flat for one output. Several quantiles stand along a last axis.
        y_std : ndarray of the shape of y
            Standard deviations, only if ``return_std``.

        Raises
        ------
        ValueError
            If ``return_std``, and there is no standard deviation, or for levels that
            were not trained.
        """
        if quantiles is None:
            return super().predict(X, return_std)  # type: ignore[misc]  # a mixin
        if return_std:
            raise ValueError("return_std=True and quantiles do not go together.")
        target = self._fitted_target()
        levels = np.atleast_1d(np.asarray(quantiles, dtype=float)).tolist()
        trained = list(getattr(target.loss, "levels", ()))
        unknown = [level for level in levels if level not in trained]
        if target.loss.name != MeanQuantiles.name and trained:
            raise ValueError(
                f"quantiles={quantiles!r} are levels beside a mean; with "
                f"loss={target.loss!r}, predict(X) gives the levels {trained}."
            )
        if unknown or target.loss.name != MeanQuantiles.name:
            raise ValueError(
                f"quantiles={quantiles!r}: this network was not trained for the levels "
                f"{unknown or levels}. Fit it with "
                f"quantiles={tuple(sorted({*trained, *levels}))!r}."
            )
        raw = self._raw_members(X)
        with np.errstate(all="ignore"):
            everything = target.decode(mean_link(target.loss, raw))
        chosen = [1 + trained.index(level) for level in levels]
        found: Array = in_type(everything[..., chosen], raw.dtype)
        return found[..., 0] if np.ndim(quantiles) == 0 else found
