"""The version, and its stamp in all saved objects.

scikit-learn stamps only pickles of its own estimators, so sknet adds its own version. A
file from another version loads with a warning: its arrays are unchanged, but the code
that uses them may have changed.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning


__version__ = "0.1.0"

_STAMP = "_sknet_version"


class VersionStamp:
    """Mixin that saves the version with an object and checks it on loading.

    ``pickle``, ``joblib``, ``copy`` and skops all use these two methods.
    """

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes and the version."""
        return stamped(super().__getstate__())  # type: ignore[arg-type]  # a dict

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the attributes; warn if they were written by another version.

        Parameters that were added later get their defaults.
        """
        super().__setstate__(restored(type(self), state))  # type: ignore[misc]  # scikit-learn's


def stamped(state: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes with the current version."""
    return {**state, _STAMP: __version__}


def read_stamp(cls: type, state: dict[str, Any]) -> dict[str, Any]:
    """Return attributes without the stamp; warn if it is from another version."""
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
    """Return stored attributes, with defaults for parameters that were added later."""
    return {**_defaults(cls), **read_stamp(cls, state)}


def _defaults(cls: type) -> dict[str, Any]:
    """Return the parameter defaults of a class."""
    parameters = inspect.signature(cls).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}
