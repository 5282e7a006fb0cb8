"""The table of all parameters and fitted attributes, by class.

Each parameter is declared once, in one of the other files of this package. The
constructors and docstrings of the estimators are generated from the table and
committed: ``make write`` updates them, and ``make lint`` checks that they are up to
date.
"""

from __future__ import annotations

from typing import Any

from sknet.config.attributes import ATTRIBUTES
from sknet.config.image_parameters import IMAGE_PARAMETERS
from sknet.config.own_parameters import OWN_PARAMETERS
from sknet.config.parameter import Attribute, Parameter, value_for
from sknet.config.sklearn_parameters import SKLEARN_PARAMETERS
from sknet.config.table_parameters import TABLE_PARAMETERS


PARAMETERS: tuple[Parameter, ...] = (
    *SKLEARN_PARAMETERS,
    *OWN_PARAMETERS,
    *TABLE_PARAMETERS,
    *IMAGE_PARAMETERS,
)


def parameters_of(class_name: str) -> tuple[Parameter, ...]:
    """Return the parameters of a class, in the order of its constructor."""
    return tuple(p for p in PARAMETERS if p.classes in class_name)


def attributes_of(class_name: str) -> tuple[Attribute, ...]:
    """Return the fitted attributes of a class, in the order of its docstring."""
    return tuple(a for a in ATTRIBUTES if a.classes in class_name)


def constraints_of(class_name: str) -> dict[str, list[Any]]:
    """Return the constraints of a class, for scikit-learn's parameter validation."""
    return {
        p.name: value_for(class_name, p.constraint) for p in parameters_of(class_name)
    }


# Parameters that need minibatch steps, and why other solvers do not support them.
NEED_STEPS = {p.name: p.needs_steps for p in PARAMETERS if p.needs_steps}

# Parameters that do not change the fitted numbers, but at most how long a fit takes.
WITHOUT_RESULT = frozenset(p.name for p in PARAMETERS if not p.changes_result)
