"""The check of a layer: the laws stated in the module of the base class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from sknet._numerics import Array, Scalar
from sknet._rng import noise_from_state, noise_state, noise_stream
from sknet.network.layers import Layer, Training
from sknet.network.layout import Declaration, Layout, Shape
from sknet.network.workspace import Workspace
from sknet.testing.checker import DTYPES, Checker
from sknet.testing.parts import Section, is_surrogate, parts_of, sections_of
from sknet.testing.recorded import (
    Compute,
    Given,
    Named,
    Trial,
    require_agreement,
    scaled,
)
from sknet.testing.report import GradientReport
from sknet.testing.slopes import Surface, Survey


_N_ROWS = 5


class _Pass(NamedTuple):
    """The results of one forward and backward pass."""

    y: Array
    grad: Array
    dx: Array | None


class _LayerTrial:
    """A layer with the parameters, input and noise that it is tried on."""

    def __init__(
        self, layer: Layer, input_shape: Shape, n_members: int, stream: Any
    ) -> None:
        self.layer = layer
        self.declaration = Declaration(at_input=False)
        output_shape = layer.build(self.declaration, input_shape)
        self.layout = Layout(self.declaration)
        self.at_input = Declaration(at_input=True)
        layer.build(self.at_input, input_shape)
        self.theta = np.zeros((n_members, self.layout.n_parameters))
        for p in self.layout.parameters:
            for view in self.layout.view(self.theta, p):
                view[...] = p.initializer.draw(stream, p.shape, p.fan, p.gain)
        n_trainable = self.layout.n_trainable
        shape = (n_members, n_trainable)
        self.theta[:, :n_trainable] += 0.3 * stream.standard_normal(shape)
        self.x = stream.standard_normal((n_members, _N_ROWS, *input_shape))
        self.n_heads = max(node.n_heads for node in self.declaration.walk())
        n_out, n_rows = self.n_heads * n_members, self.declaration.n_copies * _N_ROWS
        self.dy = stream.standard_normal((n_out, n_rows, *output_shape))
        weight = stream.uniform(0.1, 1.0, size=(n_members, _N_ROWS, 1))
        self.weight = weight / weight.sum(axis=1, keepdims=True)
        self.noise = []
        if any(node.draws_noise for node in self.declaration.walk()):
            for _ in range(n_members):
                self.noise.append(noise_state(noise_stream(stream)))
                stream.random_sample()  # a normal number may be left from before

    def modes(self) -> Iterator[tuple[str, Scalar | None]]:
        """Iterate over prediction, and training with either kind of weights."""
        yield "in prediction", None
        yield "in training", 1.0 / _N_ROWS
        yield "in training with weights", self.weight

    def member(self, k: int) -> _LayerTrial:
        """Return the trial of one member."""
        one, alone = slice(k, k + 1), object.__new__(_LayerTrial)
        vars(alone).update(vars(self))
        for name in ("theta", "x", "weight", "noise"):
            setattr(alone, name, getattr(self, name)[one])
        alone.dy = self.dy[self.going_out(k)]
        return alone

    def going_out(self, k: int) -> slice:
        """Return the slice of a member's outputs: one, or one for each submodel."""
        return slice(k * self.n_heads, (k + 1) * self.n_heads)

    def run(self, weight: Scalar | None, theta: Array, x: Array, **how: Any) -> _Pass:
        """Run forward and backward on fresh buffers; ``theta`` may be written to."""
        if isinstance(weight, np.ndarray):
            weight = weight.astype(theta.dtype)
        training = None
        if weight is not None:
            training = Training([noise_from_state(s) for s in self.noise], weight)
        dy = np.array(self.dy, dtype=theta.dtype)
        y, grad, dx = self.passes(training, theta, x, dy, **how)
        return _Pass(y, grad, None if dx is None else dx.copy())

    def passes(
        self, training: Training | None, theta: Any, x: Any, dy: Any, **how: Any
    ) -> _Pass:
        """Run both passes on arrays that may be traced; ``dy`` may be written to."""
        declaration = self.at_input if how.get("at_input") else self.declaration
        workspace = Workspace(declaration, len(theta), theta.dtype, True, theta)
        views, cache = self.layout.bind(theta), workspace.cache(_N_ROWS)
        y = self.layer.forward(views, x, cache, training).copy()
        shape = (len(theta), self.layout.n_trainable)
        grad = np.empty(shape, dtype=theta.dtype, like=theta)
        grad.fill(np.nan)  # reveals elements that are never written
        dx = self.layer.backward(views, self.layout.bind(grad), dy, cache)
        return _Pass(y, grad, dx)


def check_layer(
    layer: Layer,
    input_shape: int | Shape = 4,
    n_members: int = 3,
    *,
    random_state: Any = 0,
    rtol: float = 1e-6,
) -> None:
    """Check that a layer satisfies the laws of layers.

    Both pullbacks, to the parameters and to the input, are compared with differences,
    in prediction and in training, unless the layer holds an activation with a surrogate
    gradient. Input and parameters are not modified, and in prediction neither are
    statistics; every element of the gradient is written; types are kept; members give
    the same bits together as alone; one input shared by all members gives the same as
    a copy for each; and finite input gives neither NaN nor infinity. If the layer can
    be compiled, it computes the same in this way; see :func:`check_compiled`.

    Parameters
    ----------
    layer : Layer
        The layer to check.
    input_shape : int or tuple of int, default=4
        The shape of one input row; an int is the number of columns.
    n_members : int, default=3
        Number of networks in the stack.
    random_state : int, RandomState or None, default=0
        Determines parameters and input.
    rtol : float, default=1e-6
        Largest relative error allowed for the gradients.

    Raises
    ------
    AssertionError
        If a law is violated; the message states which one, and where.

    Examples
    --------
    >>> from sknet.network.layers import Dense
    >>> from sknet.testing import check_layer
    >>> check_layer(Dense(3))
    """
    checker = Checker(layer)
    for part in parts_of(layer):
        arrays = [n for n, v in vars(part).items() if isinstance(v, np.ndarray)]
        checker.require(not arrays, f"{part!r} holds arrays: {arrays}")
    stream = check_random_state(random_state)
    shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
    with checker.converting_errors(f"build on rows of shape {shape}"):
        trial = _LayerTrial(layer, shape, n_members, stream)
    with np.errstate(all="ignore"):
        for dtype in DTYPES:
            for mode, weight in trial.modes():
                _check_laws(trial, weight, dtype, mode, checker)
                _check_shared_input(trial, weight, dtype, mode, checker)
                _check_members(trial, weight, dtype, mode, checker)
                _check_extremes(trial, weight, dtype, mode, checker)
        for mode, weight in trial.modes():
            if not is_surrogate(layer):
                _check_pullback(trial, weight, mode, stream, checker, rtol)
    require_agreement(layer, layer_trials(layer, shape, stream))


def layer_trials(layer: Layer, shape: Shape, stream: Any) -> Iterator[Trial]:
    """Iterate over both passes for each type, in prediction and kinds of training.

    Parameters
    ----------
    layer : Layer
        The layer, which has passed the other checks.
    shape : tuple of int
        The shape of one input row.
    stream : RandomState
        Determines parameters and input.

    Yields
    ------
    trial : Trial
        A trial.
    """
    made = _LayerTrial(layer, shape, 2, stream)
    modes = [(mode, weight, False) for mode, weight in made.modes()]
    if made.noise:
        modes.append(("in training with shared noise", 1.0 / _N_ROWS, True))
    for dtype in DTYPES:
        for mode, weight, shares_noise in modes:
            given = []
            for k, what in enumerate(["the recorded data", "other data"]):
                one = made.member(k)
                arrays = {"theta": one.theta, "x": one.x, "dy": one.dy}
                if isinstance(weight, np.ndarray):
                    arrays["weight"] = one.weight
                arrays = {name: array.astype(dtype) for name, array in arrays.items()}
                noise = one.noise[0] if made.noise else None
                given.append(Given(what, arrays, {}, noise))
            given += scaled(given[1], "x", (-1.0, 0.0, 1e3))
            for at_input in (False, True):
                how = _Mode(weight is not None, shares_noise, at_input)
                yield Trial(f" {mode}", _computation(made, how), given)


class _Mode(NamedTuple):
    """How a layer is recorded."""

    is_training: bool
    shares_noise: bool
    at_input: bool


def _computation(made: _LayerTrial, mode: _Mode) -> Compute:
    """Return the computation of both passes."""

    def compute(a: Named, numbers: Named, streams: Sequence[Any]) -> dict[str, Any]:
        """Compute them for arrays that may be traced."""
        del numbers
        training = None
        if mode.is_training:
            training = Training(streams, a.get("weight", 1.0 / _N_ROWS))
            training.shares_noise = mode.shares_noise
        y, grad, dx = made.passes(
            training, a["theta"], a["x"], a["dy"], at_input=mode.at_input
        )
        found = {"output": y, "gradient": grad, "input gradient": dx}
        found["parameters"] = a["theta"]
        return {name: v for name, v in found.items() if v is not None}

    return compute


def _check_laws(
    trial: _LayerTrial, weight: Scalar | None, dtype: Any, mode: str, checker: Checker
) -> None:
    """Check which arrays are written or left unmodified, and their types."""
    theta, x = trial.theta.astype(dtype), trial.x.astype(dtype)
    first = trial.run(weight, theta, x)
    n_kept = trial.layout.n_parameters if weight is None else trial.layout.n_trainable
    started = trial.theta.astype(dtype)
    checker.same_bits(x, trial.x.astype(dtype), f"the input is changed {mode}")
    checker.same_bits(
        theta[:, :n_kept], started[:, :n_kept], f"parameters are changed {mode}"
    )
    shape = trial.dy.shape
    checker.require(
        first.y.shape == shape and first.y.dtype == dtype,
        f"{mode}, forward returns {first.y.dtype} {first.y.shape}, not {dtype} {shape}",
    )
    checker.require(first.dx is not None, f"{mode}, backward returns no gradient")
    assert first.dx is not None
    checker.require(
        first.dx.shape == x.shape and first.dx.dtype == dtype,
        f"{mode}, backward returns {first.dx.dtype} {first.dx.shape}, "
        f"not {dtype} {x.shape}",
    )
    for section in sections_of(trial.layout, trial.layer):
        written = first.grad[:, section.columns]
        checker.require(
            not np.isnan(written).any(),
            f"{mode}, backward does not write every element of {section.name}",
        )
    again = trial.run(weight, started.copy(), x)
    checker.same_bits(again.y, first.y, f"{mode}, two calls of forward differ")
    checker.same_bits(again.grad, first.grad, f"{mode}, two calls of backward differ")
    bottom = trial.run(weight, started.copy(), x, at_input=True)
    checker.same_bits(bottom.grad, first.grad, f"{mode}, the gradient differs at_input")


def _check_shared_input(
    trial: _LayerTrial, weight: Scalar | None, dtype: Any, mode: str, checker: Checker
) -> None:
    """Compare one input shared by all members with a copy for each member."""
    theta, x = trial.theta.astype(dtype), trial.x.astype(dtype)
    shared = np.broadcast_to(x[:1], x.shape).copy()
    apart = trial.run(weight, theta.copy(), shared)
    at_once = trial.run(weight, theta.copy(), shared[:1].copy(), at_input=True)
    checker.same_bits(
        at_once.y, apart.y, f"{mode}, a shared input gives another output"
    )
    checker.same_bits(
        at_once.grad, apart.grad, f"{mode}, a shared input gives another gradient"
    )


def _check_members(
    trial: _LayerTrial, weight: Scalar | None, dtype: Any, mode: str, checker: Checker
) -> None:
    """Compare members in a stack with each member alone, including statistics."""
    theta = trial.theta.astype(dtype)
    together = trial.run(weight, theta, trial.x.astype(dtype))
    for k in range(len(theta)):
        one, member = slice(k, k + 1), trial.member(k)
        share = member.weight if isinstance(weight, np.ndarray) else weight
        own = member.theta.astype(dtype)
        alone = member.run(share, own, member.x.astype(dtype))
        for name, whole, part in (
            ("output", together.y, alone.y),
            ("gradient", together.grad, alone.grad),
            ("input gradient", together.dx, alone.dx),
            ("statistics", theta, own),
        ):
            if whole is not None:
                what = f"{mode}, the {name} of member {k} differs from that alone"
                place = trial.going_out(k) if whole is together.y else one
                checker.same_bits(whole[place], part, what)


def _check_extremes(
    trial: _LayerTrial, weight: Scalar | None, dtype: Any, mode: str, checker: Checker
) -> None:
    """Check that huge input gives neither NaN nor infinity."""
    huge = 1e15 if dtype == np.float32 else 1e30
    for size in (0.0, 1e3, huge):
        x = np.sign(trial.x).astype(dtype) * dtype.type(size)
        made = trial.run(weight, trial.theta.astype(dtype), x)
        where = f"{mode} for input of size {size:g} ({dtype})"
        checker.finite(made.y, f"the output is not finite {where}")
        checker.finite(made.grad, f"the gradient is not finite {where}")
        if made.dx is not None:
            checker.finite(made.dx, f"the input gradient is not finite {where}")


def _check_pullback(
    trial: _LayerTrial,
    weight: Scalar | None,
    mode: str,
    stream: np.random.RandomState,
    checker: Checker,
    rtol: float,
) -> None:
    """Compare both pullbacks with differences of the output's product with dy."""
    n_trainable, n_members = trial.layout.n_trainable, len(trial.theta)

    def at(vectors: Array) -> _Pass:
        """Run with the parameters and the input in the vectors."""
        theta = trial.theta.copy()
        theta[:, :n_trainable] = vectors[:, :n_trainable]
        x = vectors[:, n_trainable:].reshape(trial.x.shape).copy()
        return trial.run(weight, theta, x)

    def value(vectors: Array) -> Array:
        """Return the product of the output with dy."""
        return (at(vectors).y * trial.dy).reshape(n_members, -1).sum(axis=1)

    flat = trial.x.reshape(n_members, -1)
    origin = np.hstack([trial.theta[:, :n_trainable], flat])
    claimed = at(origin)
    assert claimed.dx is not None
    gradient = np.hstack([claimed.grad, claimed.dx.reshape(n_members, -1)])
    survey = Survey(Surface(value, origin, gradient), rtol, stream)
    inputs = n_trainable + np.arange(flat.shape[1]).reshape(trial.x.shape[1:])
    sections = [
        *sections_of(trial.layout, trial.layer),
        Section("input", "", inputs),
    ]
    rows = [survey.coordinates(section, 30) for section in sections]
    rows.append(survey.directions(sections, 2))
    complaint = GradientReport(mode, rtol, tuple(rows), survey.worst).complaint
    checker.require(not complaint, f"{mode}, {complaint}")
