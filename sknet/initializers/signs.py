"""Random signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.fields import real
from sknet.initializers._base import INITIALIZERS, Initializer


@INITIALIZERS.register("random_signs")
@dataclass(frozen=True, repr=False)
class RandomSigns(Initializer):
    r"""The same magnitude for every weight, with a random sign.

    For factors rather than weight matrices: a column multiplied by such factors keeps
    its size, but differs between copies.

    .. math:: W_{ij} = \pm\, \mathrm{size}

    with equal probability. Biases start at zero.

    Parameters
    ----------
    size : float in (0, inf), default=1.0
        The absolute value. In a weight matrix, one over the square root of the number
        of inputs preserves the size of a signal.

    Notes
    -----
    The fans and the activation's gain are ignored.

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
