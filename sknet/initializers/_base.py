"""The initializer: draws the weights a network starts from.

Draws are made in float64 from a member's random stream, in scikit-learn's order (a
layer's weights, then its biases), so that equal seeds give equal networks.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._component import Component, Registry
from sknet._numerics import Array
from sknet.fields import real


class Initializer(Component):
    """Base of the initializers.

    Attributes
    ----------
    rescales : bool
        Whether it changes the parametrisation, with a :meth:`scale` other than 1.
    adapts : bool
        Whether dense layers fit the initial values to the data, using ``fit_bias``.
    """

    rescales: ClassVar[bool] = False
    adapts: ClassVar[bool] = False

    @abstractmethod
    def draw(
        self,
        stream: np.random.RandomState,
        shape: tuple[int, ...],
        fan: tuple[int, int],
        gain: float,
    ) -> Array:
        """Draw an array for a layer of ``fan = (n_in, n_out)``, in float64.

        ``gain`` is the gain of the activation after the layer, 1 for a linear layer.
        """

    def for_bias(self) -> Initializer:
        """Return the initializer of the layer's biases: zeros unless overridden."""
        return Constant(0.0)

    def for_output(self) -> Initializer:
        """Return the initializer of the output layer: itself unless overridden."""
        return self

    def scale(self, fan: tuple[int, int]) -> float:
        """Return the fixed factor on the product ``x W``; used if ``rescales``."""
        del fan
        return 1.0

    def fit_bias(self, drawn: Array, mean: Array) -> Array:
        """Return biases for pre-activations of deviation one; used if ``adapts``.

        Parameters
        ----------
        drawn : ndarray of shape (K, 1, H)
            The values that ``for_bias`` drew.
        mean : ndarray of shape (K, 1, H)
            Means of the pre-activations over the data, without biases.

        Returns
        -------
        bias : ndarray of shape (K, 1, H)
            The drawn values, unless overridden.
        """
        del mean
        return drawn


INITIALIZERS: Registry[Initializer] = Registry("initializer", Initializer)


@INITIALIZERS.register("constant")
@dataclass(frozen=True, repr=False)
class Constant(Initializer):
    r"""The same number for every weight.

    .. math:: W_{ij} = \mathrm{value}

    All units of a layer then learn the same thing, so it is useful only for networks
    without hidden units, for biases and for gates.

    Parameters
    ----------
    value : float in (-inf, inf), default=0.0
        The number.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import Constant
    >>> Constant(0.5).draw(np.random.RandomState(0), (1, 2), (1, 2), 1.0)
    array([[0.5, 0.5]])
    """

    value: float = real(0.0, "(-inf, inf)")

    def draw(
        self,
        stream: np.random.RandomState,
        shape: tuple[int, ...],
        fan: tuple[int, int],
        gain: float,
    ) -> Array:
        """Return an array of the constant; nothing is drawn."""
        del stream, fan, gain
        return np.full(shape, float(self.value))
