r"""Slopes: a claimed gradient against differences of the value.

Along a direction :math:`u` the slope :math:`\langle g, u \rangle` is compared with the
fourth-order central difference

.. math:: \frac{F(-2h) - 8 F(-h) + 8 F(h) - F(2h)}{12 h}, \qquad
          F(s) = F(\theta + s u)

at a step :math:`h` of 1e-3. If they disagree, steps of 1e-4 and 1e-5 are tried as well,
and the best one counts: a smaller step may lie on one side of a kink that a larger one
straddles, and a function that bends sharply needs a smaller step, too. At the
smallest step, the difference of the two inner points alone counts as well: a kink may
lie between them and the outer ones.

The relative error is :math:`|a - n| / \max(|a|, |n|, f)`. The floor :math:`f` follows
from the rounding of the value: differences of a value of size :math:`|F|` are accurate
to about :math:`20\, \varepsilon |F| / h`, and an error of this size counts as ``rtol``.

A slope that still disagrees is left out, and does not count as wrong, if there is a
kink: the slopes to the left and to the right differ by an amount that does not shrink
with the step, and the claimed slope lies between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sknet._numerics import Array
from sknet.testing.parts import Section
from sknet.testing.report import ArrayCheck, Worst


_STEPS = (1e-3, 1e-4, 1e-5)
_ROUNDING = 20.0 * float(np.finfo(np.float64).eps)
# At a tenth of the step, the left and right slopes of a smooth function differ by a
# tenth as much.
_SHRINKS = 0.15
# Largest error of the difference at a kink of height 1, with some margin.
_INSIDE_KINK = 0.75


@dataclass(frozen=True)
class Surface:
    """A function of a vector for each member, and its claimed gradient.

    Parameters
    ----------
    value : callable
        Maps vectors (K, n) to values (K,).
    origin : ndarray of shape (K, n)
        The point of the claimed gradient.
    gradient : ndarray of shape (K, n)
        The claimed gradient.
    may_kink : bool, default=True
        Whether slopes at kinks are left out; if False, they count as wrong.
    size : float, default=0.0
        Size of the terms that the value is computed from, if they may be larger than
        the value.
    """

    value: Callable[[Array], Array]
    origin: Array
    gradient: Array
    may_kink: bool = True
    size: float = 0.0


class Slopes(NamedTuple):
    """Slopes along one direction, each of shape (K,)."""

    analytic: Array
    numeric: Array
    error: Array
    left_out: Array


def slopes_along(
    surface: Surface,
    direction: Array,
    rtol: float,
    steps: Sequence[float] = _STEPS,
) -> Slopes:
    """Compare the claimed slopes with differences along a direction.

    Parameters
    ----------
    surface : Surface
        The function and its claimed gradient.
    direction : ndarray of shape (n,) or (K, n)
        The direction.
    rtol : float
        Largest relative error allowed.
    steps : sequence of float, optional
        Step sizes, from large to small.

    Returns
    -------
    slopes : Slopes
        The slopes of each member.
    """
    analytic = (surface.gradient * direction).sum(axis=1)
    middle = surface.value(surface.origin)
    numeric, error = np.zeros_like(analytic), np.full_like(analytic, np.inf)
    bends = []
    for step in steps:
        low, near_low, near_high, high = (
            surface.value(surface.origin + factor * step * direction)
            for factor in (-2, -1, 1, 2)
        )
        height = np.maximum(np.maximum(np.abs(low), np.abs(high)), surface.size)
        noise = _ROUNDING * height / step
        inner = (near_high - near_low) / (2.0 * step)
        outer = (low - 8.0 * near_low + 8.0 * near_high - high) / (12.0 * step)
        for now in (inner, outer) if step == steps[-1] else (outer,):
            size = np.maximum(np.abs(analytic), np.abs(now))
            scale = np.maximum(np.maximum(size, noise / rtol), np.finfo(float).tiny)
            error_now = np.abs(analytic - now) / scale
            better = error_now < error  # False for NaN
            numeric[better], error[better] = now[better], error_now[better]
        bends.append(np.abs(low - 2.0 * middle + high) / (2.0 * step))
        if (error <= rtol).all():
            return Slopes(analytic, numeric, error, np.zeros(len(error), dtype=bool))
    kink = (bends[-1] > _SHRINKS * bends[-2]) & (bends[-1] > rtol * size + noise)
    inside = np.abs(analytic - now) <= _INSIDE_KINK * bends[-1]
    left_out = (error > rtol) & kink & inside & surface.may_kink
    return Slopes(analytic, numeric, error, left_out)


class Survey:
    """Comparison of the slopes of a surface, array by array.

    Parameters
    ----------
    surface : Surface
        The function and its claimed gradient.
    rtol : float
        Largest relative error allowed.
    stream : RandomState
        Determines coordinates and directions.

    Attributes
    ----------
    worst : Worst or None
        The slope with the largest error so far.
    """

    def __init__(
        self, surface: Surface, rtol: float, stream: np.random.RandomState
    ) -> None:
        self._surface = surface
        self._rtol = rtol
        self._stream = stream
        self.worst: Worst | None = None

    def coordinates(self, section: Section, n_wanted: int) -> ArrayCheck:
        """Compare along the coordinates of one array: all, or a random choice."""
        columns = section.columns.ravel()
        order = np.arange(len(columns))
        if n_wanted < len(columns):
            order = np.sort(self._stream.permutation(len(columns))[:n_wanted])
        found = []
        for place in order:
            direction = np.zeros(self._surface.origin.shape[1])
            direction[columns[place]] = 1.0
            index = np.unravel_index(place, section.columns.shape)
            name = f"{section.name}[{', '.join(str(i) for i in index)}]"
            found.append(self._compare(direction, name))
        return _summary(section.name, section.kind, section.columns.shape, found)

    def directions(self, sections: Sequence[Section], n_wanted: int) -> ArrayCheck:
        """Compare along random unit directions in some arrays."""
        columns = np.concatenate([section.columns.ravel() for section in sections])
        found = []
        for i in range(n_wanted):
            direction = np.zeros_like(self._surface.origin)
            shape = (len(direction), len(columns))
            direction[:, columns] = self._stream.standard_normal(shape)
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            found.append(self._compare(direction, f"random direction {i}", True))
        return _summary("random directions", "", (len(columns),), found)

    def _compare(self, direction: Array, name: str, mixed: bool = False) -> Slopes:
        """Compare along one direction, and record the worst slope.

        A wrong slope in a single coordinate is reported in preference to a mixed one.
        """
        slopes = slopes_along(self._surface, direction, self._rtol)
        counted = np.where(slopes.left_out, 0.0, slopes.error)
        k = int(np.argmax(counted))
        reported = self.worst is not None and mixed and self.worst.error > self._rtol
        if self.worst is None or (counted[k] > self.worst.error and not reported):
            member = f" of member {k}" if len(counted) > 1 else ""
            analytic, numeric = float(slopes.analytic[k]), float(slopes.numeric[k])
            self.worst = Worst(name + member, analytic, numeric, float(counted[k]))
        return slopes


def _summary(
    name: str, kind: str, shape: tuple[int, ...], found: Sequence[Slopes]
) -> ArrayCheck:
    """Return one line of a report."""
    left_out = sum(int(slopes.left_out.sum()) for slopes in found)
    errors = [np.where(s.left_out, 0.0, s.error).max() for s in found]
    n_all = sum(len(slopes.error) for slopes in found)
    largest = float(max(errors, default=0.0))
    return ArrayCheck(name, kind, shape, largest, n_all - left_out, left_out)
