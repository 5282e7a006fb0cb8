r"""Optimizers: from a gradient to a step.

An optimizer rewrites a gradient into the step that is subtracted from the parameters.
It holds hyperparameters; its memory lives in *slots*, arrays as large as the
gradient. Clipping, decay and the course of the learning rate are not its business,
but the rate of the moment is handed in: momentum as scikit-learn defines it
accumulates *steps*, each with the rate it was made at, and Adam folds its bias
correction and the rate into one factor, which saves a pass over the parameters.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sknet._component import Component, Registry
from sknet._numerics import Array, Scalar


class Optimizer(Component):
    """Base of the optimizers; all are elementwise, so they may run block by block."""

    @property
    @abstractmethod
    def n_slots(self) -> int:
        """How many arrays like the gradient the optimizer remembers."""

    @abstractmethod
    def step(
        self,
        grad: Array,
        slots: Sequence[Array],
        t: int,
        rate: Scalar,
        tmp: Array,
    ) -> None:
        """Rewrite ``grad`` into the step to subtract, in place.

        ``t`` counts steps from 1. ``grad``, ``tmp`` (overwritten) and every slot have
        shape (K, block); ``rate`` is a float or has shape (K, 1).
        """


OPTIMIZERS: Registry[Optimizer] = Registry("solver")


@OPTIMIZERS.register("sgd")
@dataclass(frozen=True, repr=False)
class SGD(Optimizer):
    r"""Gradient descent with momentum.

    .. math::
        v_t = \mu v_{t-1} + \eta g_t, \qquad
        \Delta_t = \begin{cases} \mu v_t + \eta g_t & \text{nesterov} \\
                                 v_t & \text{else} \end{cases}

    with the gradient :math:`g`, the rate :math:`\eta` and the ``momentum``
    :math:`\mu`; :math:`\Delta` is subtracted from the parameters.

    Parameters
    ----------
    momentum : float in [0, 1], default=0.9
        How much of the last step goes on.
    nesterov : bool, default=True
        Whether the gradient counts as taken after the momentum step.

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
    >>> tmp = np.empty((1, 1))
    >>> SGD(nesterov=False).step(grad, [velocity], t=1, rate=0.1, tmp=tmp)
    >>> grad
    array([[0.55]])
    """

    momentum: float = 0.9
    nesterov: bool = True

    @property
    def n_slots(self) -> int:
        """One: the velocity."""
        return 1

    def step(
        self,
        grad: Array,
        slots: Sequence[Array],
        t: int,
        rate: Scalar,
        tmp: Array,
    ) -> None:
        """Add to the velocity and write the step."""
        del t
        (velocity,) = slots
        grad *= rate
        velocity *= self.momentum
        velocity += grad
        if self.nesterov:
            np.multiply(velocity, self.momentum, out=tmp)
            grad += tmp
        else:
            np.copyto(grad, velocity)


@OPTIMIZERS.register("adam")
@dataclass(frozen=True, repr=False)
class Adam(Optimizer):
    r"""Steps scaled by running moments of the gradient.

    .. math::
        m_t = \beta_1 m_{t-1} + (1 - \beta_1) g_t, \quad
        v_t = \beta_2 v_{t-1} + (1 - \beta_2) g_t^2, \quad
        \Delta_t = \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}
                   \frac{m_t}{\sqrt{v_t} + \epsilon}

    with ``beta_1`` :math:`\beta_1`, ``beta_2`` :math:`\beta_2`, ``epsilon``
    :math:`\epsilon`, the gradient :math:`g` and the rate :math:`\eta`.

    Parameters
    ----------
    beta_1 : float in [0, 1), default=0.9
        Memory of the first moment.
    beta_2 : float in [0, 1), default=0.999
        Memory of the second moment.
    epsilon : float in (0, inf), default=1e-8
        Keeps the quotient finite.

    Notes
    -----
    The slots hold :math:`m / (1 - \beta_1)` and :math:`v / (1 - \beta_2)`: two fewer
    passes over the parameters, and less underflow. As in scikit-learn, and unlike in
    the paper's Algorithm 1, :math:`\epsilon` is added before the bias correction of
    :math:`v` (the form in the text after it).

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
    >>> Adam().step(grad, slots, t=1, rate=0.001, tmp=np.empty((1, 2)))
    >>> grad.round(6)
    array([[ 0.001, -0.001]])
    """

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    @property
    def n_slots(self) -> int:
        """Two: the sums behind the first and the second moment."""
        return 2

    def step(
        self,
        grad: Array,
        slots: Sequence[Array],
        t: int,
        rate: Scalar,
        tmp: Array,
    ) -> None:
        """Update both sums and write the step."""
        del tmp
        first, second = slots
        first *= self.beta_1
        first += grad
        grad *= grad
        second *= self.beta_2
        second += grad
        np.sqrt(second, out=grad)
        root = (1.0 - self.beta_2) ** 0.5
        grad += self.epsilon / root
        np.divide(first, grad, out=grad)
        correction = (1.0 - self.beta_2**t) ** 0.5 / (1.0 - self.beta_1**t)
        grad *= rate * (correction * (1.0 - self.beta_1) / root)
