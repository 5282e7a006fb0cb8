"""What estimators do to be saved: a stamp of the version, and less to carry."""

from __future__ import annotations

import os
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from sknet._version import VersionStamp


class Saving(VersionStamp):
    """Mixin: estimators that files hold."""

    _training: dict[str, Any]

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes; a path as text, which other systems can read."""
        state = super().__getstate__()
        if isinstance(state.get("checkpoint"), os.PathLike):
            state["checkpoint"] = os.fsdecode(state["checkpoint"])
        return state

    def compact(self) -> Self:
        """Drop what only further training needs.

        A network that was trained by Adam carries two arrays as large as its
        parameters, and more after early stopping or with an average; then also the
        state of its random stream. Without them a pickle takes about the memory of
        ``theta_``. Predictions, scores and curves remain as they are.

        Returns
        -------
        self : object
            The estimator, changed in place. ``partial_fit`` and, with
            ``warm_start=True``, ``fit`` will refuse to go on; without it ``fit``
            begins anew, as always.

        Raises
        ------
        NotFittedError
            If there is nothing to keep yet.

        Examples
        --------
        >>> import pickle
        >>> from sknet import SimpleMLPRegressor
        >>> network = SimpleMLPRegressor(hidden_layer_sizes=(500, 50))
        >>> network = network.partial_fit([[0.0], [1.0]], [0.0, 1.0])
        >>> before = len(pickle.dumps(network))
        >>> len(pickle.dumps(network.compact())) < before / 2
        True
        """
        check_is_fitted(self)
        vars(self).pop("_training", None)
        return self
