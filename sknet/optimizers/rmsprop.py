"""RMSprop, with and without momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, Scalar
from sknet._rows import is_in_use, power, rounded
from sknet.fields import real
from sknet.optimizers._base import OPTIMIZERS, Optimizer


@OPTIMIZERS.register("rmsprop")
@dataclass(frozen=True, repr=False)
class RMSprop(Optimizer):
    r"""RMSprop: steps scaled by a running root mean square of the gradient.

    This is Adam without a first moment: it needs less memory, and lags less if the loss
    changes over time, as with noise in the layers or data that arrive gradually.

    .. math::
        v_t = \rho v_{t-1} + (1 - \rho) g_t^2, \qquad
        \Delta_t = \mu \Delta_{t-1} + \eta \frac{g_t}{\sqrt{v_t} + \epsilon}

    with ``rho`` :math:`\rho`, ``momentum`` :math:`\mu`, ``epsilon``
    :math:`\epsilon`, the gradient :math:`g` and the learning rate :math:`\eta`.

    Parameters
    ----------
    rho : float in [0, 1), default=0.9
        Decay rate of the mean square.
    epsilon : float in (0, inf), default=1e-8
        Keeps the quotient finite; it is added outside the root.
    momentum : float in [0, 1), default=0.0
        Share of the last step that is added to the next, as in :class:`SGD`.
    weight_decay : float in [0, inf), default=0.0
        Decoupled weight decay, multiplied by the learning rate.

    Notes
    -----
    The slot holds :math:`v / (1 - \rho)`, which saves a pass over the parameters. It
    starts at 0 without bias correction: the first step has the length
    :math:`\eta / \sqrt{1 - \rho}` in each coordinate.

    References
    ----------
    .. [1] T. Tieleman and G. Hinton, "Lecture 6.5: rmsprop", COURSERA: Neural
       networks for machine learning, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import RMSprop
    >>> grad, square = np.array([[0.3, -20.0]]), np.zeros((1, 2))
    >>> scratch = np.empty((1, 2))
    >>> RMSprop(rho=0.75).step(grad, [square], t=1, rate=0.1, scratch=scratch)
    >>> grad.round(6)
    array([[ 0.2, -0.2]])
    """

    rows: ClassVar[tuple[str, ...]] = ("rho", "epsilon", "momentum", "weight_decay")

    rho: float = real(0.9, "[0, 1)")
    epsilon: float = real(1e-8, "(0, inf)")
    momentum: float = real(0.0, "[0, 1)")
    weight_decay: float = real(0.0, "[0, inf)")

    @property
    def n_slots(self) -> int:
        """One, the sum behind the mean square; with momentum, also the last step."""
        return 2 if is_in_use(self.momentum) else 1

    def step(
        self,
        grad: Array,
        slots: Sequence[Array],
        t: Scalar,
        rate: Scalar,
        scratch: Array,
    ) -> None:
        """Update the sum and write the step."""
        del t
        square, dtype = slots[0], grad.dtype
        np.multiply(grad, grad, out=scratch)
        square *= rounded(self.rho, dtype)
        square += scratch
        np.sqrt(square, out=scratch)
        stretch = power(1.0 - self.rho, -0.5)
        scratch += rounded(self.epsilon * stretch, dtype)
        grad /= scratch
        grad *= rounded(rate * stretch, dtype)
        if is_in_use(self.momentum):
            velocity = slots[1]
            velocity *= rounded(self.momentum, dtype)
            velocity += grad
            np.copyto(grad, velocity)
