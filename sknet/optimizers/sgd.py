"""Stochastic gradient descent, with and without momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, Scalar
from sknet._rows import is_in_use, rounded
from sknet.fields import flag, real
from sknet.optimizers._base import OPTIMIZERS, Optimizer


@OPTIMIZERS.register("sgd")
@dataclass(frozen=True, repr=False)
class SGD(Optimizer):
    r"""Stochastic gradient descent with momentum.

    .. math::
        v_t = \mu v_{t-1} + \eta g_t, \qquad
        \Delta_t = \begin{cases} \mu v_t + \eta g_t & \text{nesterov} \\
                                 v_t & \text{else} \end{cases}

    with the gradient :math:`g`, the learning rate :math:`\eta` and ``momentum``
    :math:`\mu`; :math:`\Delta` is subtracted from the parameters.

    Parameters
    ----------
    momentum : float in [0, 1], default=0.9
        Share of the last step that is added to the next.
    nesterov : bool, default=True
        Whether to use Nesterov's momentum, in which the gradient counts as taken after
        the momentum step.
    weight_decay : float in [0, inf), default=0.0
        Decoupled weight decay, multiplied by the learning rate.

    References
    ----------
    .. [1] Y. Nesterov, "A method for solving the convex programming problem with
       convergence rate O(1/k^2)", Doklady AN USSR 269, 1983.
    .. [2] I. Sutskever et al., "On the importance of initialization and momentum in
       deep learning", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import SGD
    >>> grad, velocity = np.array([[1.0]]), np.array([[0.5]])
    >>> scratch = np.empty((1, 1))
    >>> SGD(nesterov=False).step(grad, [velocity], t=1, rate=0.1, scratch=scratch)
    >>> grad
    array([[0.55]])
    """

    rows: ClassVar[tuple[str, ...]] = ("momentum", "weight_decay")

    momentum: float = real(0.9, "[0, 1]")
    nesterov: bool = flag(True)
    weight_decay: float = real(0.0, "[0, inf)")

    @property
    def n_slots(self) -> int:
        """One, the velocity; none without momentum."""
        return 1 if is_in_use(self.momentum) else 0

    def step(
        self,
        grad: Array,
        slots: Sequence[Array],
        t: Scalar,
        rate: Scalar,
        scratch: Array,
    ) -> None:
        """Update the velocity and write the step."""
        del t
        grad *= rounded(rate, grad.dtype)
        if not is_in_use(self.momentum):
            return
        (velocity,) = slots
        momentum = rounded(self.momentum, grad.dtype)
        velocity *= momentum
        velocity += grad
        if self.nesterov:
            np.multiply(velocity, momentum, out=scratch)
            grad += scratch
        else:
            np.copyto(grad, velocity)
