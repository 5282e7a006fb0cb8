r"""Penalties: terms on the decayed weights that are added to the loss.

There is only one penalty and no option to choose another, hence no registry.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from sknet._component import Component
from sknet._numerics import Array, Scalar


class Penalty(Component):
    """Base of the penalties."""

    @abstractmethod
    def value_and_gradient(
        self, weights: Array, strength: Scalar, grad: Array, scratch: Array
    ) -> Array:
        """Add the gradient to ``grad`` and return the values, of shape (K,).

        ``weights``, ``grad`` and ``scratch`` have shape (K, W); ``scratch`` is
        overwritten. For a large network the weights are passed in parts, whose
        penalties are summed. It can be recorded; see ``recordable`` of
        :class:`Component`.
        """


@dataclass(frozen=True, repr=False)
class L2(Penalty):
    r"""The ridge penalty: half the squared norm.

    .. math:: \Omega(w) = \frac{\lambda}{2} \lVert w \rVert^2, \qquad
              \nabla \Omega = \lambda w

    with the ``strength`` :math:`\lambda`, in the estimators ``alpha`` divided by the
    weight of the batch.

    References
    ----------
    .. [1] A. Krogh and J. A. Hertz, "A simple weight decay can improve
       generalization", NIPS 1991.
    """

    def value_and_gradient(
        self, weights: Array, strength: Scalar, grad: Array, scratch: Array
    ) -> Array:
        """Add ``strength * weights`` and return half the weighted squared norms."""
        np.multiply(weights, strength, out=scratch)
        grad += scratch
        # (1, W) @ (W, 1) for each member is a BLAS dot product.
        products = np.matmul(scratch[:, None, :], weights[:, :, None])
        return 0.5 * products.reshape(-1)
