"""Layers that hand something else than the gradient back to the layers below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sknet._numerics import Array
from sknet.fields import part
from sknet.initializers import INITIALIZERS, GlorotUniform, Initializer
from sknet.network.layers.dense import Dense
from sknet.network.layers.sequential import Sequential
from sknet.network.layout import STATISTIC, Declaration, Shape


@dataclass(frozen=True, repr=False)
class FeedbackDense(Dense):
    r"""A dense layer that hands back through a fixed random matrix.

    The map is that of :class:`Dense`. The matrix :math:`B` is drawn once and never
    trained; it is a column range of ``theta`` behind the trainable parameters.

    Parameters
    ----------
    feedback : Initializer, default=GlorotUniform()
        Draws :math:`B`.

    Notes
    -----
    The other parameters are those of :class:`Dense`. :math:`dW = x^T dy` and
    :math:`db = 1^T dy` are those of the pullback, but :math:`dx = dy\, B`.
    """

    surrogate: ClassVar[bool] = True

    feedback: Initializer = part(GlorotUniform(), INITIALIZERS)

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare ``feedback`` (units, n_in), unless the layer is the first one."""
        if self.initializer.rescales:
            raise ValueError(
                f"{self.initializer!r} puts a factor on the weights, which a feedback "
                "matrix does not have: use another initializer, such as "
                "'glorot_uniform', or learning_rule='gradient'."
            )
        fan = (shape[-1], self.units)
        if not declare.at_input:  # declared first: the biases remain the last entry
            rule, matrix = self.feedback, (self.units, shape[-1])
            declare.parameter("feedback", matrix, STATISTIC, rule, fan, self.gain)
        return super().build(declare, shape)

    def feedback_matrix(self, p: Any) -> Array:
        """Return the fixed matrix."""
        matrix: Array = p.feedback
        return matrix


@dataclass(frozen=True, repr=False)
class ErrorUnits(Sequential):
    r"""A dense layer and its activation, which hand back errors without slopes.

    The map is that of the two layers, one after the other. An *error* is what arrives
    from above, before it is multiplied by the slope of the activation.

    Parameters
    ----------
    layers : tuple of Layer
        A :class:`Dense` layer and its activation layer; the dense layer alone at the
        output, whose activation is part of the loss.

    Notes
    -----
    With the error :math:`e` and the slope :math:`f'`, the steps
    :math:`dW = x^T (e \odot f')` and :math:`db = 1^T (e \odot f')` are those of the
    pullback, but :math:`dx = e\, W^T`. At the output, ``cache.error`` is the error if
    the loss has one; see :meth:`sknet.losses._base.Loss.error`.
    """

    surrogate: ClassVar[bool] = True

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Build both layers, and declare a buffer for the error if it is needed."""
        out = super().build(declare, shape)
        units = (*shape[:-1], self._dense.units)
        if out != units:
            raise ValueError(
                f"{self.layers[-1]!r} joins units, so that an error without its slope "
                "belongs to none of them: use an activation of each unit alone, or "
                "learning_rule='gradient'."
            )
        if len(self.layers) == 1:
            declare.reads_error = True
        elif not declare.at_input:
            declare.buffer("error", out, training=True)
        return out

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Write both gradients from ``dy`` times the slope; hand back ``dy W^T``."""
        views, grads, buffers = p.children, grad.children, cache.children
        error = getattr(cache, "error", None)
        if len(self.layers) > 1:
            if error is not None:
                np.copyto(error, dy)
            dy = self.layers[1].backward(views[1], grads[1], dy, buffers[1])  # type: ignore[assignment]  # no activation is the input
        elif error is None:
            error = dy
        dense, dx = self._dense, None
        if error is not None:
            # before the gradients, which may scale dy, and with it the error, in place
            dx = dense.hand_back(views[0], error, buffers[0])
        if dx is not None and dense.initializer.rescales:
            dx *= dense.initializer.scale(views[0].weight.shape[-2:])
        dense.write_gradient(views[0], grads[0], dy, buffers[0])
        return dx

    @property
    def _dense(self) -> Dense:
        """The dense layer."""
        layer = self.layers[0]
        assert isinstance(layer, Dense)
        return layer
