"""Initializers that scale random weights by the fan-in and fan-out of a layer."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array
from sknet.fields import choice, real
from sknet.initializers._base import INITIALIZERS, Initializer


@INITIALIZERS.register("glorot_uniform", "xavier_uniform")
@dataclass(frozen=True, repr=False)
class GlorotUniform(Initializer):
    r"""Uniform weights that keep the variance of signals and gradients constant.

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


class _ScaledNormal(Initializer):
    """Base of the initializers that draw normal weights scaled by the fans."""

    @abstractmethod
    def _deviation(self, fan: tuple[int, int], gain: float) -> float:
        """Return the standard deviation for a layer of ``fan = (n_in, n_out)``."""

    def draw(
        self,
        stream: np.random.RandomState,
        shape: tuple[int, ...],
        fan: tuple[int, int],
        gain: float,
    ) -> Array:
        """Draw from the normal distribution around 0."""
        drawn = stream.standard_normal(shape)
        drawn *= self._deviation(fan, gain)  # in place: saves a copy of large layers
        return drawn


@INITIALIZERS.register("glorot_normal", "xavier_normal")
@dataclass(frozen=True, repr=False)
class GlorotNormal(_ScaledNormal):
    r"""Normal weights that keep the variance of signals and gradients constant.

    .. math::
        W_{ij} \sim N\left(0,\, \frac{2 g}{n_{in} + n_{out}}\right)

    with the activation's gain :math:`g`. The variance is that of
    :class:`GlorotUniform`, but biases start at zero.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import GlorotNormal
    >>> w = GlorotNormal().draw(np.random.RandomState(0), (90, 110), (90, 110), 1.0)
    >>> float(w.std().round(2))
    0.1
    """

    def _deviation(self, fan: tuple[int, int], gain: float) -> float:
        """Return the square root of twice the gain over the sum of both fans."""
        return float((2.0 * gain / (fan[0] + fan[1])) ** 0.5)


@INITIALIZERS.register("he_normal", "kaiming_normal")
@dataclass(frozen=True, repr=False)
class HeNormal(_ScaledNormal):
    r"""Normal weights that keep the size of signals constant through rectifiers.

    For deep networks with "relu" and similar activations: the factor 2 compensates for
    the half of the signal that they cut off.

    .. math:: W_{ij} \sim N\left(0,\, \frac{2}{n_{in}}\right)

    Biases start at zero.

    Notes
    -----
    The activation's gain is ignored, because the factor 2 takes its place. The normal
    distribution is not truncated.

    References
    ----------
    .. [1] K. He et al., "Delving deep into rectifiers: surpassing human-level
       performance on ImageNet classification", ICCV 2015, arXiv:1502.01852.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import HeNormal
    >>> w = HeNormal().draw(np.random.RandomState(0), (200, 50), (200, 50), 1.0)
    >>> float(w.std().round(2))
    0.1
    """

    def _deviation(self, fan: tuple[int, int], gain: float) -> float:
        """Return the square root of two over the number of inputs."""
        del gain
        return float((2.0 / fan[0]) ** 0.5)


@INITIALIZERS.register("he_uniform", "kaiming_uniform")
@dataclass(frozen=True, repr=False)
class HeUniform(Initializer):
    r"""Uniform weights with the variance of :class:`HeNormal`.

    .. math::
        W_{ij} \sim U(-r, r), \qquad r = \sqrt{\frac{6}{n_{in}}}

    Biases start at zero.

    Notes
    -----
    The activation's gain is ignored, because a factor 2 takes its place.

    References
    ----------
    .. [1] K. He et al., "Delving deep into rectifiers: surpassing human-level
       performance on ImageNet classification", ICCV 2015, arXiv:1502.01852.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import HeUniform
    >>> w = HeUniform().draw(np.random.RandomState(0), (6, 4), (6, 4), 1.0)
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
        del gain
        bound = (6.0 / fan[0]) ** 0.5
        return stream.uniform(-bound, bound, shape)


@INITIALIZERS.register("lecun_normal")
@dataclass(frozen=True, repr=False)
class LeCunNormal(_ScaledNormal):
    r"""Normal weights that map inputs of unit variance to outputs of unit variance.

    For linear layers, and for "selu", whose self-normalisation requires it.

    .. math:: W_{ij} \sim N\left(0,\, \frac{1}{n_{in}}\right)

    Biases start at zero.

    Notes
    -----
    The activation's gain is ignored. The normal distribution is not truncated.

    References
    ----------
    .. [1] Y. LeCun et al., "Efficient BackProp", Neural Networks: Tricks of the
       Trade, 1998.
    .. [2] G. Klambauer et al., "Self-normalizing neural networks", NIPS 2017,
       arXiv:1706.02515.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import LeCunNormal
    >>> w = LeCunNormal().draw(np.random.RandomState(0), (100, 99), (100, 99), 1.0)
    >>> float(w.std().round(2))
    0.1
    """

    def _deviation(self, fan: tuple[int, int], gain: float) -> float:
        """Return one over the square root of the number of inputs."""
        del gain
        return float(fan[0] ** -0.5)


@INITIALIZERS.register("ntk")
@dataclass(frozen=True, repr=False)
class NTK(_ScaledNormal):
    r"""Standard normal weights in a layer that divides by the root of its input count.

    The neural tangent kernel parametrisation, in which RealMLP is trained. At first the
    layer computes the same as with :class:`LeCunNormal`, but the effect of the steps of
    an optimizer with scaled steps, such as Adam, no longer depends on the width, and
    suitable learning rates are larger by about its square root.

    .. math::
        y = \frac{1}{\sqrt{n_{in}}}\, x W + b, \qquad W_{ij}, b_j \sim N(0, 1)

    Notes
    -----
    The activation's gain is ignored. A penalty or weight decay acts on the stored
    :math:`W`, before the factor.

    References
    ----------
    .. [1] A. Jacot, F. Gabriel and C. Hongler, "Neural tangent kernel: convergence
       and generalization in neural networks", NeurIPS 2018, arXiv:1806.07572.
    .. [2] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       arXiv:2407.04491.

    Examples
    --------
    >>> from sknet.initializers import NTK
    >>> NTK().scale((16, 8)), NTK().for_bias()
    (0.25, NTK())
    """

    rescales: ClassVar[bool] = True

    def _deviation(self, fan: tuple[int, int], gain: float) -> float:
        """Return 1."""
        del fan, gain
        return 1.0

    def for_bias(self) -> Initializer:
        """Return the initializer itself: biases are also standard normal."""
        return self

    def scale(self, fan: tuple[int, int]) -> float:
        """Return one over the square root of the number of inputs."""
        return float(fan[0] ** -0.5)


@INITIALIZERS.register("normal")
@dataclass(frozen=True, repr=False)
class Normal(_ScaledNormal):
    r"""Normal weights whose standard deviation is a power of a fan.

    For studies of how the size of the initial weights and the width interact; for
    training on data, the named initializers are the better choice.

    .. math::
        W_{ij} \sim N(0, \sigma^2), \qquad \sigma = n^{\mathrm{exponent}}

    with :math:`n` the number of inputs or of outputs of the layer, as set by ``fan``.

    Parameters
    ----------
    exponent : float in [-2, 2], default=-0.5
        The power: -0.5 keeps the size of signals constant, -1 is used in mean-field
        limits, 0 draws standard normal weights.
    fan : {"in", "out"}, default="in"
        Which fan is raised to the power.
    biases : {"zero", "normal"}, default="zero"
        Whether biases start at zero or are drawn like the weights.

    Notes
    -----
    The activation's gain is ignored.

    References
    ----------
    .. [1] B. Poole et al., "Exponential expressivity in deep neural networks through
       transient chaos", NIPS 2016, arXiv:1606.05340.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.initializers import Normal
    >>> w = Normal(-1.0).draw(np.random.RandomState(0), (10, 999), (10, 999), 1.0)
    >>> float(w.std().round(2))
    0.1
    """

    exponent: float = real(-0.5, "[-2, 2]")
    fan: str = choice("in", ("in", "out"))
    biases: str = choice("zero", ("zero", "normal"))

    def _deviation(self, fan: tuple[int, int], gain: float) -> float:
        """Return the power of the chosen fan."""
        del gain
        n_units = fan[0] if self.fan == "in" else fan[1]
        return float(n_units**self.exponent)

    def for_bias(self) -> Initializer:
        """Return the initializer itself if biases are drawn like the weights."""
        return self if self.biases == "normal" else super().for_bias()
