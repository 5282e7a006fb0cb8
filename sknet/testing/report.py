"""The report of a gradient check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


# Largest share of slopes left out at kinks; above it, too little was checked.
MOST_LEFT_OUT = 0.2


class ArrayCheck(NamedTuple):
    """The result for one parameter array.

    Parameters
    ----------
    name : str
        Path in the tree of layers, e.g. ``"0.weight"``.
    layer : str
        Class of the layer that the array belongs to.
    shape : tuple of int
        Its shape for one member.
    error : float
        Largest relative error.
    n_checked : int
        Number of slopes compared, over all members.
    n_left_out : int
        Number of slopes left out because the differences straddle a kink.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    error: float
    n_checked: int
    n_left_out: int


class Worst(NamedTuple):
    """The slope with the largest relative error.

    Parameters
    ----------
    name : str
        For example ``"0.weight[3, 1]"``, or ``"random direction 0"``; with several
        members, followed by the index of the member.
    analytic : float
        The slope by backpropagation.
    numeric : float
        The slope by finite differences.
    error : float
        The relative error.
    """

    name: str
    analytic: float
    numeric: float
    error: float


@dataclass(frozen=True)
class GradientReport:
    """The result of a gradient check; ``str`` formats it as a table.

    Parameters
    ----------
    what : str
        Description of the object that was checked.
    rtol : float
        Largest relative error allowed.
    arrays : tuple of ArrayCheck
        One entry for each parameter array, and a last one for random directions.
    worst : Worst or None
        The slope with the largest error; None if nothing could be compared.
    surrogate : bool, default=False
        Whether a part has a surrogate gradient. Differences are then meaningful
        for the output layer only, and the other arrays are not checked.

    Examples
    --------
    >>> from sknet.testing import ArrayCheck, GradientReport, Worst
    >>> worst = Worst("0.weight[0]", 1.0, 1.0, 0.0)
    >>> array = ArrayCheck("0.weight", "Dense", (1,), 0.0, 1, 0)
    >>> GradientReport("my network", 1e-6, (array,), worst).passed
    True
    """

    what: str
    rtol: float
    arrays: tuple[ArrayCheck, ...]
    worst: Worst | None
    surrogate: bool = False

    @property
    def n_checked(self) -> int:
        """Number of slopes that were compared."""
        return sum(array.n_checked for array in self.arrays)

    @property
    def n_left_out(self) -> int:
        """Number of slopes that were left out at kinks."""
        return sum(array.n_left_out for array in self.arrays)

    @property
    def passed(self) -> bool:
        """Whether all slopes agree, and enough of them were compared."""
        return not self.complaint

    @property
    def complaint(self) -> str:
        """Description of the failure; an empty string if the check passed."""
        n_all = self.n_checked + self.n_left_out
        if self.worst is not None and not self.worst.error <= self.rtol:
            worst = self.worst
            return (
                f"the gradient at {worst.name} is {worst.analytic:.10g}, but "
                f"differences give {worst.numeric:.10g}"
            )
        if self.n_left_out > MOST_LEFT_OUT * n_all:
            return (
                f"{self.n_left_out} of {n_all} differences straddle a kink, too many "
                "to decide; try another random_state, or an unfitted estimator"
            )
        if not n_all and not self.surrogate:
            return "there is nothing to compare"
        return ""

    def __str__(self) -> str:
        """Return a table with one line for each array, and the worst slope."""
        verdict = f"FAILED: {self.complaint}" if self.complaint else "passed"
        head = ("array", "layer", "shape", "checked", "left out", "largest error")
        rows = [head, *(_cells(array) for array in self.arrays)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        lines = [f"Gradient of {self.what}", f"{verdict} (rtol={self.rtol:g})"]
        if self.surrogate:
            lines.append(
                "A part has a surrogate gradient, which is not the derivative: "
                "only the output layer is checked."
            )
        for row in rows:
            cells = [
                cell.ljust(width) if i < 3 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
        if self.worst is not None:
            name, analytic, numeric, error = self.worst
            lines.append(
                f"worst: {name}: gradient {analytic:.10g}, difference {numeric:.10g}, "
                f"relative error {error:.1e}"
            )
        return "\n".join(lines)


def _cells(array: ArrayCheck) -> tuple[str, ...]:
    """Return the cells of one line of the table."""
    none = not array.n_checked
    error = "not checked" if none else f"{array.error:.1e}"
    counts = (str(array.n_checked), str(array.n_left_out))
    return (array.name, array.layer, str(array.shape), *counts, error)
