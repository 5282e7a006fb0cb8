"""The version, and the stamp of it in everything that is saved.

scikit-learn stamps pickles of its own estimators only, so that sknet's say themselves
which version they are from. A file of another version loads with a warning: its arrays
are what they were, but what is made of them may have changed.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning


__version__ = "0.1.0"

_STAMP = "_sknet_version"


class VersionStamp:
    """Mixin: what is saved says its version, and is told when it is loaded.

    ``pickle``, ``joblib``, ``copy`` and skops all go through the two methods.
    """

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, and the version."""
        return stamped(super().__getstate__())  # type: ignore[arg-type]  # a dict

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes; warn if another version has written them.

        Parameters that came later have their defaults.
        """
        super().__setstate__(restored(type(self), state))  # type: ignore[misc]  # scikit-learn's


def stamped(state: dict[str, Any]) -> dict[str, Any]:
    """Return attributes, and the version that writes them."""
    return {**state, _STAMP: __version__}


def read_stamp(cls: type, state: dict[str, Any]) -> dict[str, Any]:
    """Return attributes without the stamp; warn if it is of another version."""
    version = state.get(_STAMP, "unknown")
    if version != __version__:
        warnings.warn(
            InconsistentVersionWarning(
                estimator_name=cls.__name__,
                current_sklearn_version=f"sknet {__version__}",
                original_sklearn_version=f"sknet {version}",
            ),
            stacklevel=3,
        )
    return {name: value for name, value in state.items() if name != _STAMP}


def restored(cls: type, state: dict[str, Any]) -> dict[str, Any]:
    """Return stored attributes; parameters that came later have their defaults."""
    return {**_defaults(cls), **read_stamp(cls, state)}


def _defaults(cls: type) -> dict[str, Any]:
    """Return the defaults of a class's parameters, where there are any."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}
