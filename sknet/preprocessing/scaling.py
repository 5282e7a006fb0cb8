"""Scaling of numbers: centre, factor and smooth clip for each column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sknet._numerics import Array


# Spread below this share of the largest value is rounding.
_ROUNDING = 10 * np.finfo(np.float64).eps

# So many clips away the clipped value is the clip, and the square still a number.
FAR = 1e12


def robust(quantiles: Array) -> tuple[Array, Array]:
    """Return the median, and one over the spread.

    The spread is the interquartile range; where it is zero, half the range. Where this
    is zero, too, the column is constant, and its factor is 0: whatever comes later
    becomes 0.

    Parameters
    ----------
    quantiles : ndarray of shape (5, D)
        Least values, quartiles and largest values of the columns.

    Returns
    -------
    center, factor : ndarray of shape (D,)
        Column x becomes ``(x - center) * factor``.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.
    """
    least, low, median, high, largest = quantiles
    factor = _one_over_spread(low, high)
    of_range = _one_over_spread(least / 2, largest / 2)
    factor = np.where(factor > 0, factor, of_range)
    return np.where(factor > 0, median, 0.0), factor


def unscaled(quantiles: Array) -> tuple[Array, Array]:
    """Return centres and factors that change nothing."""
    n_columns = quantiles.shape[1]
    return np.zeros(n_columns), np.ones(n_columns)


#: How numbers are scaled, by name: a function from quantiles to centres and factors.
SCALINGS: dict[str | None, Callable[[Array], tuple[Array, Array]]] = {
    "robust": robust,
    None: unscaled,
}


def _one_over_spread(low: Array, high: Array) -> Array:
    """Return ``1 / (high - low)``, and 0 where there is no spread to speak of."""
    with np.errstate(all="ignore"):
        half = high / 2 - low / 2  # does not overflow
        rounding = _ROUNDING * np.maximum(abs(high), abs(low)) / 2
        factor = np.where(half > rounding, 0.5 / half, 0.0)
    return np.where(np.isfinite(factor), factor, 0.0)


def smooth_clip(x: Array, clip: float) -> Array:
    r"""Compute :math:`x / \sqrt{1 + (x / c)^2}` in place.

    Parameters
    ----------
    x : ndarray
        Overwritten; may be infinite.
    clip : float in (0, inf)
        The limit c on both sides.

    Returns
    -------
    x : ndarray
        In [-c, c]; small numbers stay what they are.
    """
    far = clip * FAR
    np.minimum(x, far, out=x)
    np.maximum(x, -far, out=x)
    root = x / clip
    root *= root
    root += 1.0
    np.sqrt(root, out=root)
    return np.divide(x, root, out=x)
