"""Uniform weights with a fixed range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.fields import real
from sknet.initializers._base import INITIALIZERS, Initializer


@INITIALIZERS.register("uniform")
@dataclass(frozen=True, repr=False)
class Uniform(Initializer):
    r"""Uniform weights whose range does not depend on the layer.

    For small textbook networks, and for the parameters of embeddings.

    .. math:: W_{ij} \sim U(-\mathrm{bound}, \mathrm{bound})

    Parameters
    ----------
    bound : float in (0, inf), default=0.5
        The largest magnitude. Biases start at zero.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import Uniform
    >>> w = Uniform(0.1).draw(np.random.RandomState(0), (10, 99), (10, 99), 1.0)
    >>> bool(abs(w).max() <= 0.1)
    True
    """

    bound: float = real(0.5, "(0, inf)")

    def draw(
        self,
        stream: np.random.RandomState,
        shape: tuple[int, ...],
        fan: tuple[int, int],
        gain: float,
    ) -> Array:
        """Draw from the interval (-bound, bound)."""
        del fan, gain
        return stream.uniform(-self.bound, self.bound, shape)
