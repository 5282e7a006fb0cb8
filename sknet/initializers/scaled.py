"""Initializers that scale random weights by the fans of a layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.initializers._base import INITIALIZERS, Initializer


@INITIALIZERS.register("glorot_uniform")
@dataclass(frozen=True, repr=False)
class GlorotUniform(Initializer):
    r"""Uniform weights that keep the variance of signals and gradients level.

    .. math::
        W_{ij} \sim U(-r, r), \qquad r = \sqrt{\frac{6\,g}{n_{in} + n_{out}}}

    with the activation's gain :math:`g`. Biases come from the same interval, as in
    scikit-learn.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import GlorotUniform
    >>> w = GlorotUniform().draw(np.random.RandomState(0), (2, 4), (2, 4), 1.0)
    >>> bool(abs(w).max() <= 1.0)
    True
    """

    def draw(
        self,
        stream: np.random.RandomState,
        shape: tuple[int, ...],
        fan: tuple[int, int],
        gain: float,
    ) -> Array:
        """Draw from the interval (-r, r)."""
        bound = np.sqrt(6.0 * gain / (fan[0] + fan[1]))
        return stream.uniform(-bound, bound, shape)

    def for_bias(self) -> Initializer:
        """Return the initializer itself: biases come from the same interval."""
        return self
