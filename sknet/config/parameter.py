"""One entry of the table of parameters, and values that differ between classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class ByClass:
    """A value that depends on the class, chosen by a part of the class's name.

    Parameters
    ----------
    **values : object
        By "Simple", "Tabular", "Classifier" or "Regressor"; a value may again be a
        :class:`ByClass`.

    Examples
    --------
    >>> width = ByClass(Simple=100, Tabular=ByClass(Classifier=128, Regressor=256))
    >>> value_for("TabularMLPRegressor", width)
    256
    """

    def __init__(self, **values: Any) -> None:
        self._values = values

    def of(self, class_name: str) -> Any:
        """Return the value of a class."""
        (value,) = [v for part, v in self._values.items() if part in class_name]
        return value_for(class_name, value)


def value_for(class_name: str, value: Any) -> Any:
    """Return a value of the table as it is for one class.

    Parameters
    ----------
    class_name : str
        Such as "SimpleMLPClassifier".
    value : object
        The value of all classes, or a :class:`ByClass`.

    Returns
    -------
    value : object
        That of the class.
    """
    return value.of(class_name) if isinstance(value, ByClass) else value


@dataclass(frozen=True)
class Parameter:
    """A parameter of the estimators: the only place where it is declared.

    What differs between classes is a :class:`ByClass`.

    Parameters
    ----------
    name : str
        Its name in the constructor.
    kind : str or ByClass
        Types and range, as the docstring states them.
    words : str or ByClass
        Its description; line breaks and indentation do not matter.
    default : object or ByClass
        A literal.
    constraint : list or ByClass
        What it may be, in the terms of scikit-learn's parameter validation.
    classes : str, default="MLP"
        Part of the names of the classes that have it.
    positional : bool, default=False
        Whether it may be passed without its name.
    changes_result : bool, default=True
        Whether the fitted numbers depend on it. If not, a checkpoint may be taken up
        with another value.
    needs_steps : str, default=""
        Why a solver that makes no minibatch steps refuses it; empty if it does not.
    """

    name: str
    kind: Any
    words: Any
    default: Any
    constraint: Any
    classes: str = "MLP"
    positional: bool = False
    changes_result: bool = True
    needs_steps: str = ""


@dataclass(frozen=True)
class Attribute:
    """A fitted attribute of the estimators.

    Parameters
    ----------
    name : str
        Its name; "a_, b_" for two that are described together.
    kind : str or ByClass
        Type and shape, as the docstring states them.
    words : str or ByClass
        Its description.
    classes : str, default="MLP"
        Part of the names of the classes that have it.
    """

    name: str
    kind: Any
    words: Any
    classes: str = "MLP"
