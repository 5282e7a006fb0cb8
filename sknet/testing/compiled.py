"""The check that a component is compiled, and the comparison of whole networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sknet._component import Component
from sknet._numerics import Array
from sknet._rng import noise_state
from sknet.activations import Activation
from sknet.engine.machine import machine
from sknet.losses import Loss
from sknet.network.layers import Layer
from sknet.network.layout import Shape
from sknet.objective import Batch, Objective
from sknet.optimizers import Optimizer
from sknet.testing.activation import activation_trials
from sknet.testing.layer import layer_trials
from sknet.testing.loss import loss_trials
from sknet.testing.optimizer import optimizer_trials
from sknet.testing.recorded import (
    Given,
    Named,
    Trial,
    disagreement,
    numbers_of,
    require_agreement,
    scaled,
    with_numbers,
)
from sknet.training.recording import check_recordable


def check_compiled(
    component: Component, input_shape: int | Shape = 4, *, random_state: Any = 0
) -> None:
    """Check that a component is compiled, and computes the same as in NumPy.

    It is recorded in float32 and in float64, and repeated by the engine: on the
    recorded data, on other data with other noise and other numbers in ``rows``, and on
    extreme data. The results are compared with NumPy's.

    The check of a family makes the same comparison if the component can be recorded,
    and says nothing if it cannot, since NumPy then computes, which is slower, but not
    wrong. This function is for components that are meant to be compiled: it raises an
    error with the reason if NumPy would compute. A component with
    ``recordable = False`` therefore does not pass.

    Nothing is checked where the engine is not installed.

    Parameters
    ----------
    component : Activation, Layer, Loss or Optimizer
        The component, which has passed the check of its family.
    input_shape : int or tuple of int, default=4
        For a layer, the shape of one input row; an int is the number of columns.
    random_state : int, RandomState or None, default=0
        Determines the data.

    Raises
    ------
    AssertionError
        If the component cannot be recorded, or if the results differ; the message is
        the reason.

    Examples
    --------
    >>> from sknet.activations import Tanh
    >>> from sknet.testing import check_compiled
    >>> check_compiled(Tanh())
    """
    stream = check_random_state(random_state)
    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    reason = require_agreement(component, _trials(component, shape, stream))
    if reason:
        raise AssertionError(f"{component!r} is not compiled: {reason}")


def _trials(component: Component, shape: Shape, stream: Any) -> Iterator[Trial]:
    """Return the trials of a component."""
    match component:
        case Activation():
            return activation_trials(component, stream)
        case Layer():
            return layer_trials(component, shape, stream)
        case Loss():
            return loss_trials(component, stream)
        case Optimizer():
            return optimizer_trials(component, stream)
    raise TypeError(
        "check_compiled takes an instance of an activation, a layer, a loss or an "
        f"optimizer, got {component!r}."
    )


# ---------------------------------------------------------------------- whole networks


def compiled_complaint(
    objective: Objective,
    theta: Array,
    batch: Batch,
    noise: Sequence[np.random.Generator],
) -> str:
    """Return how the engine differs from NumPy in value and gradient of an objective.

    Parameters
    ----------
    objective : Objective
        Network, loss and penalty.
    theta : ndarray of shape (K, P)
        The parameters in float64. The first member is recorded, with its rows; the
        others are repeated.
    batch : Batch
        The rows, which are not sparse.
    noise : sequence of Generator
        One noise stream for each member, if the network draws noise; they are not
        advanced.

    Returns
    -------
    complaint : str
        The difference; an empty string if there is none, or if there is no engine.

    Raises
    ------
    NotRecordable
        If the objective cannot be recorded; the message is the reason.
    """
    compiled = machine()
    if compiled is None:
        return ""
    check_recordable((objective.network.root, objective.loss))

    def compute(a: Named, numbers: Named, streams: Sequence[Any]) -> dict[str, Any]:
        """Compute value and gradient."""
        loss, alpha = with_numbers(objective.loss, numbers), numbers.get("alpha", 0.0)
        own = replace(objective, loss=loss, alpha=alpha)
        point = own.point(a["theta"], streams)
        weight, total = a.get("weight", batch.weight), a.get("total", batch.total)
        rows = Batch(a["x"], a["y"], weight, total, batch.n_rows)
        data, penalty = own.value_and_gradient(point, rows)
        found = {"loss": data, "penalty": penalty, "gradient": point.grad}
        return {**found, "parameters": a["theta"]}

    given = [_member(objective, theta, batch, noise, k) for k in range(len(theta))]
    if noise:
        ahead = given[-1].streams()[0]
        ahead.random()
        given.append(given[-1]._replace(what="other noise", noise=noise_state(ahead)))
    given += scaled(given[-1], "x", (-0.5, 1e3))
    with np.errstate(all="ignore"):
        return disagreement(compiled, Trial("", compute, given))


def _member(
    objective: Objective,
    theta: Array,
    batch: Batch,
    noise: Sequence[np.random.Generator],
    k: int,
) -> Given:
    """Return what the objective of one member is given."""
    arrays = {"x": batch.x, "y": batch.y, "weight": batch.weight, "total": batch.total}
    own = {
        name: array[k % len(array)][None]
        for name, array in arrays.items()
        if isinstance(array, np.ndarray)
    }
    numbers = numbers_of(objective.loss)
    if objective.alpha:
        numbers["alpha"] = float(objective.alpha)
    what = f"member {k}" if k else "the recorded data"
    state = noise_state(noise[k]) if noise else None
    return Given(what, {"theta": theta[k : k + 1], **own}, numbers, state)
