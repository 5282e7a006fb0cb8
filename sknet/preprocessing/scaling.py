"""Scaling of numbers: centre, factor and smooth clip for each column."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sknet._numerics import Array


# So many clips away the clipped value is the clip, and the square still a number.
FAR = 1e12


def robust(center: Array, half: Array) -> tuple[Array, Array]:
    """Return the centre, and one over the spread.

    Where there is no spread, the column is constant, and its factor is 0: whatever
    comes later becomes 0.

    Parameters
    ----------
    center, half : ndarray of shape (D,)
        Centres of the columns, and half their spreads.

    Returns
    -------
    center, factor : ndarray of shape (D,)
        Column x becomes ``(x - center) * factor``.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.
    """
    with np.errstate(divide="ignore", over="ignore"):
        factor = np.where(half > 0, 0.5 / half, 0.0)
    factor = np.where(np.isfinite(factor), factor, 0.0)
    return np.where(factor > 0, center, 0.0), factor


def unscaled(center: Array, half: Array) -> tuple[Array, Array]:
    """Return centres and factors that change nothing."""
    return np.zeros(len(center)), np.ones(len(half))


#: How numbers are scaled, by name: from centres and half spreads to what is subtracted
#: and what is multiplied with.
SCALINGS: dict[str | None, Callable[[Array, Array], tuple[Array, Array]]] = {
    "robust": robust,
    None: unscaled,
}


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
