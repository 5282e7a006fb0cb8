"""Scaling of numeric columns: centre, factor and smooth clipping."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sknet._numerics import Array


# At this multiple of the clip, the result equals the clip, and squares do not overflow.
FAR = 1e12


def robust(center: Array, half: Array) -> tuple[Array, Array]:
    """Return the centre and the reciprocal of the spread of each column.

    Constant columns have no spread. Their factor is 0, so that all later values become
    0.

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


#: Scaling methods by name: functions from centres and half spreads to the numbers to
#: subtract and to multiply by.
SCALINGS: dict[str | None, Callable[[Array, Array], tuple[Array, Array]]] = {
    "robust": robust,
    None: unscaled,
}


def smooth_clip(x: Array, clip: float) -> Array:
    r"""Compute :math:`x / \sqrt{1 + (x / c)^2}` in place.

    Parameters
    ----------
    x : ndarray
        Input, which is overwritten; may be infinite.
    clip : float in (0, inf)
        The limit c on both sides.

    Returns
    -------
    x : ndarray
        Values in [-c, c]; small numbers hardly change.
    """
    far = clip * FAR
    np.minimum(x, far, out=x)
    np.maximum(x, -far, out=x)
    root = x / clip
    root *= root
    root += 1.0
    np.sqrt(root, out=root)
    return np.divide(x, root, out=x)
