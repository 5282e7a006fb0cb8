"""The highway layer: a gate between a body and a carried input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, SparseRows
from sknet.network.layers._base import Layer, Training
from sknet.network.layout import Declaration, Shape


@dataclass(frozen=True, repr=False)
class Highway(Layer):
    r"""A gated combination of a body and a carried input.

    .. math:: y = T(x)\, H(x) + (1 - T(x))\, C(x)

    Parameters
    ----------
    body : Layer
        :math:`H`.
    gate : Layer
        :math:`T`, with outputs in [0, 1].
    carry : Layer
        :math:`C`; an empty ``Sequential`` is the identity. All three layers must have
        the same number of outputs.

    Notes
    -----
    Pullback: :math:`dH = T\, dy`, :math:`dT = (H - C)\, dy`, :math:`dC = (1 - T)\, dy`.

    References
    ----------
    .. [1] R. K. Srivastava, K. Greff and J. Schmidhuber, "Training very deep networks",
       NIPS 2015, arXiv:1507.06228.
    """

    body: Layer
    gate: Layer
    carry: Layer

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Build all three layers; declare buffers for the sum and the gradients."""
        parts = (self.body, self.gate, self.carry)
        outs = [part.build(declare.child(at_input=True), shape) for part in parts]
        out = outs[0]
        if outs != [out] * 3:
            raise ValueError(
                "Body, gate and carry of a highway layer must have outputs of the same "
                f"shape, got {outs}. An activation that joins columns cannot be used "
                "in it."
            )
        declare.buffer("y", out)
        for name in ("dgate", "dcarry"):
            declare.buffer(name, out, training=True)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the gated sum."""
        parts = (self.body, self.gate, self.carry)
        cache.h, cache.t, cache.c = (
            part.forward(p.children[i], x, cache.children[i], training)
            for i, part in enumerate(parts)
        )
        if isinstance(cache.c, SparseRows):  # the identity at the network's input
            cache.c = cache.c.to_dense()
        y: Array = cache.y
        np.subtract(cache.h, cache.c, out=y)
        y *= cache.t
        y += cache.c
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Pull back through all three layers and add the gradients."""
        dgate, dcarry = cache.dgate, cache.dcarry
        np.subtract(cache.h, cache.c, out=dgate)
        dgate *= dy
        np.copyto(dcarry, dy)
        dy *= cache.t
        dcarry -= dy
        views, grads, kept = p.children, grad.children, cache.children
        dx = self.body.backward(views[0], grads[0], dy, kept[0])
        for i, (part, d) in enumerate(((self.gate, dgate), (self.carry, dcarry)), 1):
            more = part.backward(views[i], grads[i], d, kept[i])
            dx = None if dx is None or more is None else np.add(dx, more, out=dx)
        return dx
