"""The residual layer, and the zero-padding shortcut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array, SparseRows
from sknet.fields import whole
from sknet.network.layers._base import Layer, Training
from sknet.network.layout import Declaration, Shape


@dataclass(frozen=True, repr=False)
class Residual(Layer):
    r"""The sum of a body and a shortcut.

    .. math:: y = \mathrm{shortcut}(x) + \mathrm{body}(x)

    With a body that is zero and an empty shortcut, it is the identity.

    Parameters
    ----------
    body : Layer
        The learned part.
    shortcut : Layer
        Must have as many outputs as the body; an empty ``Sequential`` is the identity.

    References
    ----------
    .. [1] K. He et al., "Deep residual learning for image recognition", CVPR 2016,
       arXiv:1512.03385.
    """

    body: Layer
    shortcut: Layer

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Build both layers; declare buffers for the sum and a second gradient."""
        out = self.body.build(declare.child(at_input=True), shape)
        beside = self.shortcut.build(declare.child(at_input=True), shape)
        if beside != out:
            raise ValueError(
                f"The body of a residual block has output shape {out}, but its "
                f"shortcut has {beside}. Use shortcut='projection' or 'zero_pad', or "
                "equal numbers of inputs and outputs: equal hidden_layer_sizes, which "
                "also equal the number of features if the block has no stem."
            )
        declare.buffer("y", out)
        declare.buffer("dy", out, training=True)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the sum."""
        (body, beside), (kept, kept_beside) = p.children, cache.children
        out = self.body.forward(body, x, kept, training)
        same = self.shortcut.forward(beside, x, kept_beside, training)
        if isinstance(same, SparseRows):  # the identity at the network's input
            same = same.to_dense()
        return np.add(out, same, out=cache.y)

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Pull back through both layers and add the gradients."""
        (body, beside), (kept, kept_beside) = p.children, cache.children
        # A pullback may overwrite its gradient, so each gets its own copy.
        np.copyto(cache.dy, dy)
        dx = self.body.backward(body, grad.children[0], dy, kept)
        same = self.shortcut.backward(beside, grad.children[1], cache.dy, kept_beside)
        if dx is None or same is None:
            return None
        dx += same
        return dx


@dataclass(frozen=True, repr=False)
class ZeroPad(Layer):
    """A shortcut without weights: the first columns, padded with zeros.

    Parameters
    ----------
    units : int
        Number of outputs.

    References
    ----------
    .. [1] K. He et al., "Deep residual learning for image recognition", CVPR 2016,
       arXiv:1512.03385 (option A).
    """

    units: int = whole(1, "[1, inf)")

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare the output and a gradient."""
        out = (*shape[:-1], self.units)
        declare.buffer("y", out)
        if not declare.at_input:
            declare.buffer("dx", shape, training=True)
        return out

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return the first columns of ``x`` and zeros."""
        del p, training
        if isinstance(x, SparseRows):
            x = SparseRows([rows[:, : self.units] for rows in x.members]).to_dense()
        y: Array = cache.y
        both = min(x.shape[-1], self.units)
        y[..., :both] = x[..., :both]
        y[..., both:] = 0.0
        return y

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Return the first columns of ``dy`` and zeros, or None at the input."""
        del p, grad
        dx: Array | None = getattr(cache, "dx", None)
        if dx is None:
            return None
        both = min(dx.shape[-1], self.units)
        dx[..., :both] = dy[..., :both]
        dx[..., both:] = 0.0
        return dx
