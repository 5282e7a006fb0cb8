"""Recorded computations: repeated by the engine on other data, compared with NumPy.

A component that branches on data, or keeps numbers outside of the arrays that it is
given, may be recorded without an error. What is repeated then suits the recorded data
only, so that a comparison on the same data finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sknet._component import C, Component
from sknet._numerics import Array
from sknet._rng import noise_from_state
from sknet.engine.lower import lower
from sknet.engine.machine import Machine, aligned, bit_generator, machine
from sknet.engine.memory import Memory
from sknet.engine.operations import NUMBERS
from sknet.engine.record import Recorder
from sknet.engine.tape import NotRecordable, View, address_of
from sknet.engine.traced import Noise
from sknet.testing.parts import parts_of
from sknet.training.programs import failures_refused


# Largest difference, since sums are rounded in another order. It is relative to the
# largest element, or to that for the recorded data: saturated values nearly cancel.
_TOLERANCES = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}
_ADVICE = (
    "allocate arrays with like=, keep no writable array between calls, read no number "
    "from an array and do not branch on one, or set recordable = False"
)

# Maps arrays, numbers and noise streams to results, by name; may overwrite the arrays.
Named = Mapping[str, Any]
Compute = Callable[[Named, Named, Sequence[Any]], dict[str, Any]]


class Given(NamedTuple):
    """What a computation is given.

    Parameters
    ----------
    what : str
        Description, such as "other data".
    arrays : dict of str to ndarray
        The arrays, of one network.
    numbers : dict of str to float
        The numbers that may differ between networks and steps.
    noise : dict or None, default=None
        State of the noise stream.
    """

    what: str
    arrays: Mapping[str, Array]
    numbers: Mapping[str, float]
    noise: dict[str, Any] | None = None

    def streams(self) -> list[np.random.Generator]:
        """Return the noise stream, if there is one, in a list."""
        return [] if self.noise is None else [noise_from_state(self.noise)]

    def in_numpy(self, compute: Compute) -> dict[str, Array]:
        """Return what NumPy computes."""
        arrays = {name: array.copy() for name, array in self.arrays.items()}
        found = compute(arrays, self.numbers, self.streams())
        return {name: np.array(array) for name, array in found.items()}


class Trial(NamedTuple):
    """A computation, and what it is given: the first is recorded.

    Parameters
    ----------
    where : str
        Description of the computation, such as "in training"; may be empty.
    compute : callable
        The computation.
    given : sequence of Given
        All of one type, with arrays of the same shapes.
    """

    where: str
    compute: Compute
    given: Sequence[Given]


def scaled(given: Given, name: str, sizes: Iterable[float]) -> list[Given]:
    """Return copies in which one array is multiplied: branches go another way."""
    found = []
    for size in sizes:
        array = given.arrays[name] * given.arrays[name].dtype.type(size)
        arrays = {**given.arrays, name: array}
        found.append(given._replace(what=f"{name} times {size:g}", arrays=arrays))
    return found


def numbers_of(component: Component, factor: float = 1.0) -> dict[str, float]:
    """Return the fields of a component in ``rows``, multiplied, unless they are zero.

    Zeros are no numbers of a program, since they change what is computed.
    """
    values = {name: float(getattr(component, name)) for name in component.rows}
    return {name: factor * value for name, value in values.items() if value}


def with_numbers(component: C, numbers: Mapping[str, Any]) -> C:
    """Return a component with numbers in its ``rows``."""
    own = {name: numbers[name] for name in component.rows if name in numbers}
    return replace(component, **own) if own else component  # type: ignore[type-var]


class Recorded:
    """A computation that is recorded, and the engine's instructions for it.

    Parameters
    ----------
    compute : callable
        The computation.
    given : Given
        What it is recorded on.

    Attributes
    ----------
    recorder : Recorder
        The recorder, with the tape.
    results : dict of str to View
        Places of the results, without empty ones.

    Raises
    ------
    NotRecordable
        If it cannot be recorded; the message is the reason.
    """

    def __init__(self, compute: Compute, given: Given) -> None:
        (self._dtype,) = {array.dtype for array in given.arrays.values()}
        self.recorder = recorder = Recorder(self._dtype)
        with failures_refused():
            # each array is a region of its own, as the parameters are in training
            arrays = {
                name: recorder.adopt(array.copy(), name)
                for name, array in given.arrays.items()
            }
            numbers = {n: recorder.leaf(n, value) for n, value in given.numbers.items()}
            noise = [Noise(recorder, stream) for stream in given.streams()]
            results = compute(arrays, numbers, noise)
            self.results = {n: recorder.view(a) for n, a in results.items() if a.size}
            self._names = tuple(arrays)
            self._memory = Memory(recorder, ("work", "constant", *arrays))
            self._code = lower(recorder.tape, self._memory, self._dtype.itemsize).code
            for view in self.results.values():
                self._memory.place(view.block, view.start)

    def numbers(self, leaves: Mapping[str, float]) -> list[float]:
        """Return all numbers of the computation, for other values of the given ones."""
        values: list[float] = []
        for number in self.recorder.numbers:
            kind, *operands = number.key
            if kind == "leaf":
                values.append(leaves[operands[0]])
            elif kind == "constant":
                values.append(number.value)
            else:
                values.append(NUMBERS[kind](*(values[place] for place in operands)))
        return values

    def run(self, compiled: Machine, given: Given) -> dict[str, Array]:
        """Return what the machine computes."""
        work = aligned(self._memory.n_work + 1, self._dtype)
        work.fill(np.nan)  # nothing is left of an earlier step
        bound = [given.arrays[name].copy() for name in self._names]
        regions = [work, self._memory.constants(self._dtype), *bound]
        numbers = np.array([*self.numbers(given.numbers), 0.0])  # at least one
        streams = given.streams()
        n_bytes = compiled.scratch_bytes(self._code, self._dtype == np.float64)
        scratch = aligned(n_bytes // self._dtype.itemsize + 1, self._dtype)
        compiled.run(
            self._code,
            np.array([address_of(region) for region in regions], dtype=np.int64),
            numbers,
            bit_generator(streams[0]) if streams else 0,
            scratch,
        )
        return {name: self._part(regions, view) for name, view in self.results.items()}

    def _part(self, regions: Sequence[Array], view: View) -> Array:
        """Return the part of a region that a view describes."""
        number, start = self._memory.place(view.block, view.start)
        array = regions[number].reshape(-1)[start:]
        strides = [step * array.itemsize for step in view.strides]
        return as_strided(array, view.shape, strides)


def require_agreement(component: Component, trials: Iterable[Trial]) -> str:
    """Require that the engine repeats each trial as NumPy computes it.

    Nothing is checked if the engine is not installed.

    Parameters
    ----------
    component : Component
        What is tried; it begins the message.
    trials : iterable of Trial
        The trials.

    Returns
    -------
    reason : str
        Why the component cannot be recorded, which is no mistake: NumPy computes. An
        empty string if it can.

    Raises
    ------
    AssertionError
        If a result differs.
    """
    compiled = machine()
    if compiled is None:
        return ""
    for part in parts_of(component):
        if not part.recordable:
            return f"{type(part).__name__} says recordable = False."
    with np.errstate(all="ignore"):
        for trial in trials:
            try:
                complaint = disagreement(compiled, trial)
            except NotRecordable as reason:
                return str(reason)
            if complaint:
                raise AssertionError(f"{component!r}: {complaint}")
    return ""


def disagreement(compiled: Machine, trial: Trial) -> str:
    """Return how the machine differs from NumPy; an empty string if it does not.

    Raises
    ------
    NotRecordable
        If the computation cannot be recorded.
    """
    recorded = Recorded(trial.compute, trial.given[0])
    usual = trial.given[0].in_numpy(trial.compute)
    for given in trial.given:
        expected = given.in_numpy(trial.compute)
        for name, found in recorded.run(compiled, given).items():
            size = max(_largest(expected[name]), _largest(usual[name]))
            error = _error(found, expected[name])
            if (error > _TOLERANCES[found.dtype] * size).any():
                where = tuple(map(int, np.unravel_index(error.argmax(), error.shape)))
                return (
                    f"compiled, the {name} differs from NumPy's{trial.where} for "
                    f"{given.what} ({found.dtype}); the element {where} is "
                    f"{float(found[where]):.10g} instead of "
                    f"{float(expected[name][where]):.10g}: {_ADVICE}"
                )
    return ""


def _largest(array: Array) -> float:
    """Return the largest absolute value among the finite elements; 0.0 without any."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def _error(found: Array, expected: Array) -> Array:
    """Return the differences, infinite where only one of both is finite."""
    finite = np.isfinite(expected)
    error = np.where(finite == np.isfinite(found), 0.0, np.inf)
    both = finite & np.isfinite(found)
    error[both] = np.abs(found[both] - expected[both])
    return error
