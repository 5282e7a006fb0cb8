"""A trainable factor for each column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.initializers import Constant
from sknet.network.layers._base import Layer, Training, ones_for, rows_of
from sknet.network.layout import FREE, Declaration, Shape


@dataclass(frozen=True, repr=False)
class Scale(Layer):
    r"""Each column multiplied by its own trainable factor.

    .. math:: y = s \odot x

    with trainable factors :math:`s`, which all start at one. At the input of a network
    it is a soft feature selection: with a large learning rate
    (``learning_rate_multipliers``), the factors of useless columns shrink faster than
    weights would.

    Notes
    -----
    Pullback: :math:`ds = \sum dy \odot x`, summed over rows, and
    :math:`dx = s \odot dy`.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       arXiv:2407.04491.
    """

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare ``scale`` (1, n_in), the output and scratch."""
        n_in = shape[-1]
        declare.parameter("scale", (1, n_in), FREE, Constant(1.0), (n_in, n_in))
        declare.buffer("y", shape)
        declare.scratch("scratch", shape, training=True)
        return shape

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``scale * x``."""
        del training
        cache.x = rows_of(x)
        np.multiply(cache.x, p.scale, out=rows_of(cache.y))
        y: Array = cache.y
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Write the gradient of the factors; turn ``dy`` into ``dx`` in place."""
        d, scratch = rows_of(dy), rows_of(cache.scratch)
        np.multiply(d, cache.x, out=scratch)
        np.matmul(ones_for(d, cache), scratch, out=grad.scale)
        d *= p.scale
        return dy
