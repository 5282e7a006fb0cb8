"""Entries of the table of parameters, and values that differ between classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


REQUIRED = object()  # the default of a parameter that must be given


class ByClass:
    """A value that depends on the estimator class, chosen by a part of its name.

    Parameters
    ----------
    **values : object
        Values by "Simple", "Tabular", "Classifier" or "Regressor"; a value may itself
        be a :class:`ByClass`.

    Examples
    --------
    >>> width = ByClass(Simple=100, Tabular=ByClass(Classifier=128, Regressor=256))
    >>> value_for("TabularMLPRegressor", width)
    256
    """

    def __init__(self, **values: Any) -> None:
        self._values = values

    def of(self, class_name: str) -> Any:
        """Return the value for a class."""
        (value,) = [v for part, v in self._values.items() if part in class_name]
        return value_for(class_name, value)


def value_for(class_name: str, value: Any) -> Any:
    """Return the value of a table entry for one class.

    Parameters
    ----------
    class_name : str
        Name of the class, e.g. "SimpleMLPClassifier".
    value : object
        The value for all classes, or a :class:`ByClass`.

    Returns
    -------
    value : object
        The value for this class.
    """
    return value.of(class_name) if isinstance(value, ByClass) else value


@dataclass(frozen=True)
class Parameter:
    """Declaration of a parameter of the estimators.

    Values that differ between classes are given as :class:`ByClass`.

    Parameters
    ----------
    name : str
        Its name in the constructor.
    kind : str or ByClass
        Types and range, as the docstring states them.
    words : str or ByClass
        Its description; line breaks and indentation do not matter.
    default : object or ByClass
        Its default value, a literal; or ``REQUIRED``.
    constraint : list or ByClass
        Its valid values, as constraints of scikit-learn's parameter validation.
    classes : str, default=""
        Substring of the names of the classes that have the parameter.
    positional : bool, default=False
        Whether it may be passed by position.
    changes_result : bool, default=True
        Whether the fitted numbers depend on it. If not, training may resume from a
        checkpoint with another value.
    needs_steps : str, default=""
        Why solvers without minibatch steps do not support it; empty if they do.
    kept_by_conversion : bool, default=False
        Whether scikit-learn's class, which does not have it, loses nothing: it is part
        of the fitted network, concerns ensembles, which have no counterpart, or changes
        neither the result nor when training ends. If not, ``to_sklearn`` warns.
    """

    name: str
    kind: Any
    words: Any
    default: Any
    constraint: Any
    classes: str = ""
    positional: bool = False
    changes_result: bool = True
    needs_steps: str = ""
    kept_by_conversion: bool = False


@dataclass(frozen=True)
class Attribute:
    """A fitted attribute of the estimators.

    Parameters
    ----------
    name : str
        Its name, or "a_, b_" for two attributes that are described together.
    kind : str or ByClass
        Type and shape, as the docstring states them.
    words : str or ByClass
        Its description.
    classes : str, default=""
        Substring of the names of the classes that have the attribute.
    """

    name: str
    kind: Any
    words: Any
    classes: str = ""
