"""The initializer: draws the weights a network starts from.

It draws in float64 from a member's stream and in scikit-learn's order (a layer's
weights, then its biases), so that equal seeds give equal networks.
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
        Whether it stands for another parametrisation, by a :meth:`scale` that is not 1.
    adapts : bool
        Whether dense layers fit what was drawn to the data, by a ``fit_bias``.
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

        ``gain`` is that of the activation behind the layer, 1 for a linear one.
        """

    def for_bias(self) -> Initializer:
        """Return what the biases of the layer are drawn by: zeros unless overridden."""
        return Constant(0.0)

    def for_output(self) -> Initializer:
        """Return what the output layer is drawn by: the same unless overridden."""
        return self

    def scale(self, fan: tuple[int, int]) -> float:
        """Return a fixed factor on the product ``x W``; used if ``rescales``."""
        del fan
        return 1.0

    def fit_bias(self, drawn: Array, mean: Array) -> Array:
        """Return biases for pre-activations of deviation one; used if ``adapts``.

        Parameters
        ----------
        drawn : ndarray of shape (K, 1, H)
            What ``for_bias`` drew.
        mean : ndarray of shape (K, 1, H)
            Means of the pre-activations over the data, without biases.

        Returns
        -------
        bias : ndarray of shape (K, 1, H)
            What was drawn, unless overridden.
        """
        del mean
        return drawn


INITIALIZERS: Registry[Initializer] = Registry("initializer", Initializer)


@INITIALIZERS.register("constant")
@dataclass(frozen=True, repr=False)
class Constant(Initializer):
    r"""One number everywhere.

    .. math:: W_{ij} = \mathrm{value}

    All units of a layer then learn alike, so that it is of use for layers without
    hidden units, for biases and for gates.

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
        """Return the constant; nothing is drawn."""
        del stream, fan, gain
        return np.full(shape, float(self.value))
