"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, Scalar
from sknet._rows import power, rounded
from sknet.fields import real
from sknet.optimizers._base import OPTIMIZERS, Optimizer


@OPTIMIZERS.register("adam")
@dataclass(frozen=True, repr=False)
class Adam(Optimizer):
    r"""Adam: steps scaled by running moments of the gradient.

    .. math::
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \quad
        v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \quad
        \Delta_t = \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
                   \frac{m_t}{\sqrt{v_t} + \epsilon}

    with ``beta_1`` :math:`\beta_1`, ``beta_2`` :math:`\beta_2`, ``epsilon``
    :math:`\epsilon`, the gradient :math:`g` and the learning rate :math:`\eta`.

    Parameters
    ----------
    beta_1 : float in [0, 1), default=0.9
        Decay rate of the first moment.
    beta_2 : float in [0, 1), default=0.999
        Decay rate of the second moment.
    epsilon : float in (0, inf), default=1e-8
        Keeps the quotient finite.
    weight_decay : float in [0, inf), default=0.0
        Decoupled weight decay, multiplied by the learning rate.

    Notes
    -----
    The slots hold :math:`m / (1 - \beta_1)` and :math:`v / (1 - \beta_2)`, which saves
    two passes over the parameters and reduces underflow. As in scikit-learn, and unlike
    in the paper's Algorithm 1, :math:`\epsilon` is added before the bias correction of
    :math:`v` (the form in the text after the algorithm).

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization",
       ICLR 2015, arXiv:1412.6980.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import Adam
    >>> grad = np.array([[0.3, -20.0]])
    >>> slots = [np.zeros((1, 2)), np.zeros((1, 2))]
    >>> Adam().step(grad, slots, t=1, rate=0.001, scratch=np.empty((1, 2)))
    >>> grad.round(6)
    array([[ 0.001, -0.001]])
    """

    rows: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2", "epsilon", "weight_decay")

    beta_1: float = real(0.9, "[0, 1)")
    beta_2: float = real(0.999, "[0, 1)")
    epsilon: float = real(1e-8, "(0, inf)")
    weight_decay: float = real(0.0, "[0, inf)")

    @property
    def n_slots(self) -> int:
        """Two: the sums behind the first and the second moment."""
        return 2

    def step(
        self,
        grad: Array,
        slots: Sequence[Array],
        t: Scalar,
        rate: Scalar,
        scratch: Array,
    ) -> None:
        """Update both sums and write the step."""
        del scratch
        _step_by_moments(self, grad, slots, t, rate)


@OPTIMIZERS.register("adamw")
@dataclass(frozen=True, repr=False)
class AdamW(Optimizer):
    r"""Adam with decoupled weight decay.

    The solver to use against overfitting instead of "adam", whose penalty is a term of
    the loss: its gradient is divided by the size of the whole gradient, so it has
    little effect on weights with large gradients.

    .. math::
        w_t = (1 - \eta \lambda)\, w_{t-1} - \Delta_t

    with the learning rate :math:`\eta`, ``weight_decay`` :math:`\lambda` and the step
    :math:`\Delta` of :class:`Adam`. Biases and other free parameters do not decay.

    Parameters
    ----------
    beta_1 : float in [0, 1), default=0.9
        Decay rate of the first moment.
    beta_2 : float in [0, 1), default=0.999
        Decay rate of the second moment.
    epsilon : float in (0, inf), default=1e-8
        Keeps the quotient finite.
    weight_decay : float in [0, inf), default=0.01
        Decoupled weight decay, multiplied by the learning rate.

    Notes
    -----
    The decay is independent of the batch size, unlike the penalty ``alpha`` of the
    estimators, which is divided by it and remains active unless it is set to 0. The
    step itself is identical to that of :class:`Adam`, to the last bit.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization",
       ICLR 2019, arXiv:1711.05101.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.optimizers import AdamW
    >>> SimpleMLPClassifier(solver=AdamW(weight_decay=0.1), alpha=0.0).solver
    AdamW(weight_decay=0.1)
    """

    rows: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2", "epsilon", "weight_decay")

    beta_1: float = real(0.9, "[0, 1)")
    beta_2: float = real(0.999, "[0, 1)")
    epsilon: float = real(1e-8, "(0, inf)")
    weight_decay: float = real(0.01, "[0, inf)")

    @property
    def n_slots(self) -> int:
        """Two: the sums behind the first and the second moment."""
        return 2

    def step(
        self,
        grad: Array,
        slots: Sequence[Array],
        t: Scalar,
        rate: Scalar,
        scratch: Array,
    ) -> None:
        """Update both sums and write the step."""
        del scratch
        _step_by_moments(self, grad, slots, t, rate)


def _step_by_moments(
    moments: Adam | AdamW, grad: Array, slots: Sequence[Array], t: Scalar, rate: Scalar
) -> None:
    """Write Adam's step into ``grad``; arrays have shape (K, block)."""
    first, second = slots
    beta_1, beta_2, dtype = moments.beta_1, moments.beta_2, grad.dtype
    first *= rounded(beta_1, dtype)
    first += grad
    grad *= grad
    second *= rounded(beta_2, dtype)
    second += grad
    np.sqrt(second, out=grad)
    root = power(1.0 - beta_2, 0.5)
    grad += rounded(moments.epsilon / root, dtype)
    np.divide(first, grad, out=grad)
    correction = power(1.0 - power(beta_2, t), 0.5) / (1.0 - power(beta_1, t))
    grad *= rounded(rate * (correction * (1.0 - beta_1) / root), dtype)
