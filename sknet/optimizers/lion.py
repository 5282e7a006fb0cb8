"""Lion: steps along the sign of a momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, Scalar
from sknet._rows import rounded
from sknet.fields import real
from sknet.optimizers._base import OPTIMIZERS, Optimizer


@OPTIMIZERS.register("lion")
@dataclass(frozen=True, repr=False)
class Lion(Optimizer):
    r"""Lion: steps of equal size in each coordinate, along the sign of a momentum.

    It needs half of Adam's memory. Since all steps are as long as the learning rate,
    use a rate that is three to ten times smaller than Adam's and that decreases at the
    end ("cosine"), with a weight decay that is larger by the same factor.

    .. math::
        \Delta_t = \eta \operatorname{sign}
                   \bigl(\beta_1 m_{t-1} + (1 - \beta_1) g_t\bigr), \qquad
        m_t = \beta_2 m_{t-1} + (1 - \beta_2) g_t

    with ``beta_1`` :math:`\beta_1`, ``beta_2`` :math:`\beta_2`, the gradient
    :math:`g` and the learning rate :math:`\eta`.

    Parameters
    ----------
    beta_1 : float in [0, 1), default=0.9
        Weight of the momentum relative to the newest gradient in a step.
    beta_2 : float in [0, 1), default=0.99
        Decay rate of the momentum.
    weight_decay : float in [0, inf), default=0.0
        Decoupled weight decay, multiplied by the learning rate.

    Notes
    -----
    The slot holds :math:`m / (1 - \beta_2)`, which saves two passes over the
    parameters. The sign of 0 is 0: a parameter without any gradient does not change.

    References
    ----------
    .. [1] X. Chen et al., "Symbolic discovery of optimization algorithms",
       NeurIPS 2023, arXiv:2302.06675.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.optimizers import Lion
    >>> grad, momentum = np.array([[0.3, -20.0, 0.0]]), np.zeros((1, 3))
    >>> scratch = np.empty((1, 3))
    >>> Lion().step(grad, [momentum], t=1, rate=0.001, scratch=scratch)
    >>> grad
    array([[ 0.001, -0.001,  0.   ]])
    """

    rows: ClassVar[tuple[str, ...]] = ("beta_1", "beta_2", "weight_decay")

    beta_1: float = real(0.9, "[0, 1)")
    beta_2: float = real(0.99, "[0, 1)")
    weight_decay: float = real(0.0, "[0, inf)")

    @property
    def n_slots(self) -> int:
        """One: the sum behind the momentum."""
        return 1

    def step(
        self,
        grad: Array,
        slots: Sequence[Array],
        t: Scalar,
        rate: Scalar,
        scratch: Array,
    ) -> None:
        """Write the step and update the sum."""
        del t
        (momentum,) = slots
        share = self.beta_1 * (1.0 - self.beta_2) / (1.0 - self.beta_1)
        np.multiply(momentum, rounded(share, grad.dtype), out=scratch)
        scratch += grad
        momentum *= rounded(self.beta_2, grad.dtype)
        momentum += grad
        np.sign(scratch, out=grad)
        grad *= rounded(rate, grad.dtype)
