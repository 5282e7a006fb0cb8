"""The initializer of random signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.fields import real
from sknet.initializers._base import INITIALIZERS, Initializer


@INITIALIZERS.register("random_signs")
@dataclass(frozen=True, repr=False)
class RandomSigns(Initializer):
    r"""One size everywhere, with a random sign.

    For factors rather than for weight matrices: a column that is multiplied with it
    keeps its size, and is a different one for each of several copies.

    .. math:: W_{ij} = \pm\, \mathrm{size}

    with equal chances. Biases start at zero.

    Parameters
    ----------
    size : float in (0, inf), default=1.0
        The absolute value. In a weight matrix the root of one over its inputs keeps
        the size of a signal.

    Notes
    -----
    Neither the fans nor the activation's gain are looked at.

    References
    ----------
    .. [1] Y. Wen, D. Tran and J. Ba, "BatchEnsemble: an alternative approach to
       efficient ensemble and lifelong learning", ICLR 2020, arXiv:2002.06715.
    .. [2] Y. Gorishniy, A. Kotelnikov and A. Babenko, "TabM: advancing tabular deep
       learning with parameter-efficient ensembling", ICLR 2025, arXiv:2410.24210.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import RandomSigns
    >>> signs = RandomSigns().draw(np.random.RandomState(0), (2, 3), (3, 3), 1.0)
    >>> np.unique(signs).tolist()
    [-1.0, 1.0]
    """

    size: float = real(1.0, "(0, inf)")

    def draw(
        self,
        stream: np.random.RandomState,
        shape: tuple[int, ...],
        fan: tuple[int, int],
        gain: float,
    ) -> Array:
        """Draw one bit for each element."""
        del fan, gain
        return float(self.size) * (2.0 * stream.randint(2, size=shape) - 1.0)
