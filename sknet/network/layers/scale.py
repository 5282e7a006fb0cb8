"""A trainable factor for each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.initializers import Constant
from sknet.network.layers._base import Layer, Training
from sknet.network.layout import FREE, Declaration


@dataclass(frozen=True, repr=False)
class Scale(Layer):
    r"""Each column times a factor of its own.

    .. math:: y = s \odot x

    with trainable factors :math:`s`, all one to start from. In front of a network it is
    a soft selection of features: with a large learning rate (``rate_factors``) the
    factors of useless columns shrink faster than weights would.

    Notes
    -----
    Pullback: :math:`ds = \sum dy \odot x`, over rows, and :math:`dx = s \odot dy`.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       arXiv:2407.04491.
    """

    def build(self, declare: Declaration, n_in: int) -> int:
        """Declare ``scale`` (1, n_in), the output and scratch."""
        declare.parameter("scale", (1, n_in), FREE, Constant(1.0), (n_in, n_in))
        declare.buffer("y", n_in)
        declare.scratch("tmp", n_in, training=True)
        return n_in

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``scale * x``."""
        del training
        cache.x = x
        return np.multiply(x, p.scale, out=cache.y)

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Write the gradient of the factors; turn ``dy`` into ``dx`` in place."""
        np.multiply(dy, cache.x, out=cache.tmp)
        np.matmul(cache.ones, cache.tmp, out=grad.scale)
        dy *= p.scale
        return dy
