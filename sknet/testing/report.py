"""The report of a gradient check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


# Share of the slopes that may be left out for kinks; more, and little was checked.
MOST_LEFT_OUT = 0.2


class ArrayCheck(NamedTuple):
    """What was found for one parameter array.

    Parameters
    ----------
    name : str
        Path in the tree of layers, e.g. ``"0.weight"``.
    layer : str
        Class of the layer it belongs to.
    shape : tuple of int
        Its shape for one member.
    error : float
        Largest relative error.
    n_checked : int
        Slopes compared, over all members.
    n_left_out : int
        Slopes left out, because the differences straddle a kink.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    error: float
    n_checked: int
    n_left_out: int


class Worst(NamedTuple):
    """The slope of the largest relative error.

    Parameters
    ----------
    name : str
        For example ``"0.weight[3, 1]"``, or ``"random direction 0"``; of several
        members, with the number of the member.
    analytic : float
        What backpropagation says.
    numeric : float
        What differences say.
    error : float
        The relative error.
    """

    name: str
    analytic: float
    numeric: float
    error: float


@dataclass(frozen=True)
class GradientReport:
    """What a gradient check has found; ``str`` makes it a table.

    Parameters
    ----------
    what : str
        What was checked.
    rtol : float
        The relative error that is fine.
    arrays : tuple of ArrayCheck
        One for each parameter array, then one for random directions.
    worst : Worst or None
        The slope of the largest error; None if nothing could be compared.
    surrogate : bool, default=False
        Whether an activation has a surrogate gradient. Differences then say something
        about the output layer alone, and the other arrays are not checked.

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
        """Slopes that were compared."""
        return sum(array.n_checked for array in self.arrays)

    @property
    def n_left_out(self) -> int:
        """Slopes that were left out at kinks."""
        return sum(array.n_left_out for array in self.arrays)

    @property
    def passed(self) -> bool:
        """Whether every slope agrees, and enough of them were compared."""
        return not self.complaint

    @property
    def complaint(self) -> str:
        """What is wrong, in words; empty if nothing is."""
        n_all = self.n_checked + self.n_left_out
        if self.worst is not None and not self.worst.error <= self.rtol:
            worst = self.worst
            return (
                f"the gradient at {worst.name} is {worst.analytic:.10g}, but "
                f"differences say {worst.numeric:.10g}"
            )
        if self.n_left_out > MOST_LEFT_OUT * n_all:
            return (
                f"{self.n_left_out} of {n_all} differences straddle a kink, too many "
                "to tell; try another random_state, or an estimator that is not fitted"
            )
        if not n_all and not self.surrogate:
            return "there is nothing to compare"
        return ""

    def __str__(self) -> str:
        """Show a table: an array a line, and the worst slope."""
        verdict = f"FAILED: {self.complaint}" if self.complaint else "passed"
        head = ("array", "layer", "shape", "checked", "left out", "largest error")
        rows = [head, *(_cells(array) for array in self.arrays)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        lines = [f"Gradient of {self.what}", f"{verdict} (rtol={self.rtol:g})"]
        if self.surrogate:
            lines.append(
                "An activation has a surrogate gradient, which is not the derivative: "
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
    """Return the texts of one line of the table."""
    none = not array.n_checked
    error = "not checked" if none else f"{array.error:.1e}"
    counts = (str(array.n_checked), str(array.n_left_out))
    return (array.name, array.layer, str(array.shape), *counts, error)
