r"""Blocks: what a hidden layer is made of.

A block turns a width, an entry of ``hidden_layer_sizes``, into layers. Some need
something in front of the first of them (a stem) or behind the last one (a head), too.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from sknet._component import Component, Registry, choice, real, whole
from sknet.activations import Activation, Logistic
from sknet.initializers import Constant, Initializer
from sknet.network import layers
from sknet.network.layers import Layer


__all__ = [
    "BLOCKS",
    "Aggregated",
    "Block",
    "Highway",
    "Plain",
    "Preactivation",
    "Residual",
    "Style",
    "TabularResNet",
]

Layers = tuple[Layer, ...]

_NORMALIZATIONS = (None, "batch", "layer")
_SHORTCUTS = ("projection", "zero_pad", "identity")
_IDENTITY = layers.Sequential(())


@dataclass(frozen=True)
class Style:
    """What a block is told about its hidden layer, apart from the widths.

    Parameters
    ----------
    activation : Activation
        The activation.
    dropout : float
        Rate of the dropout behind it.
    initializer : Initializer
        Draws the initial parameters of dense layers.
    use_bias : bool
        Whether dense layers have biases.
    """

    activation: Activation
    dropout: float
    initializer: Initializer
    use_bias: bool

    def dense(self, units: int, activated: bool = True, shifts: bool = True) -> Layer:
        """Return a dense layer.

        ``activated`` says whether an activation follows, at once or behind a
        normalisation; ``shifts`` is False where a batch normalisation follows, which
        would take a bias away again.
        """
        gain = self.activation.gain if activated else 1.0
        return layers.Dense(units, gain, self.initializer, self.use_bias and shifts)

    def activate(self, in_place: bool = True) -> Layer:
        """Return the activation; in place, it overwrites what comes in."""
        return layers.activation_layer(self.activation, in_place)

    def drop(self, rate: float | None = None) -> Layers:
        """Return dropout, or nothing where the rate is zero."""
        rate = self.dropout if rate is None else rate
        return (layers.Dropout(rate),) if rate else ()

    def weigh(
        self, units: int, normalization: str | None, activated: bool = True
    ) -> Layers:
        """Return a dense layer, and the normalisation behind it."""
        shifts = normalization != "batch"
        return self.dense(units, activated, shifts), *normalize(normalization)


def normalize(normalization: str | None) -> Layers:
    """Return the normalisation of a name, or nothing for None."""
    if normalization is None:
        return ()
    return (layers.BatchNorm() if normalization == "batch" else layers.LayerNorm(),)


def shortcut(kind: str, n_in: int, width: int, style: Style) -> Layer:
    """Return what leads past a body: nothing but the input, where the widths agree."""
    if n_in == width or kind == "identity":
        return _IDENTITY
    if kind == "zero_pad":
        return layers.ZeroPad(width)
    return style.dense(width, activated=False)


class Block(Component):
    """Base of the blocks."""

    def stem(self, width: int, style: Style) -> Layers:
        """Return what stands in front of the first block."""
        del width, style
        return ()

    @abstractmethod
    def hidden(self, n_in: int, width: int, style: Style) -> Layers:
        """Return the layers of one entry of ``hidden_layer_sizes``.

        ``n_in`` is the number of columns that come in.
        """

    def head(self, style: Style) -> Layers:
        """Return what stands behind the last block, before the output layer."""
        del style
        return ()


BLOCKS: Registry[Block] = Registry("block", Block)


@BLOCKS.register("plain")
@dataclass(frozen=True, repr=False)
class Plain(Block):
    r"""The classic hidden layer: weigh, normalise if asked for, activate.

    .. math:: y = f(\mathrm{norm}(x W + b))

    Parameters
    ----------
    normalization : {None, "batch", "layer"}, default=None
        What stands between weights and activation.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.network.blocks import Plain
    >>> SimpleMLPClassifier(block=Plain(normalization="batch")).block
    Plain(normalization='batch')
    """

    normalization: str | None = choice(None, _NORMALIZATIONS)

    def hidden(self, n_in: int, width: int, style: Style) -> Layers:
        """Dense, normalisation, activation, dropout."""
        del n_in
        weigh = style.weigh(width, self.normalization)
        return (*weigh, style.activate(), *style.drop())


@BLOCKS.register("residual")
@dataclass(frozen=True, repr=False)
class Residual(Block):
    r"""The original residual block: a shortcut past two layers, then the activation.

    .. math:: y = f\bigl(S(x) + \mathrm{norm}(f(\mathrm{norm}(x W_1)) W_2)\bigr)

    with the shortcut :math:`S`, which is the identity where the widths agree.

    Parameters
    ----------
    normalization : {"batch", "layer", None}, default="batch"
        What stands behind each dense layer. Without any, the signal grows from block
        to block, and deep networks are hard to train.
    shortcut : {"projection", "zero_pad", "identity"}, default="projection"
        What leads past the body where the widths differ: a dense layer, zeros for the
        columns that are missing, or nothing, which needs equal widths everywhere.
    bottleneck : int in [1, inf) or None, default=None
        With a number, the body has three layers, the inner two of that width.

    References
    ----------
    .. [1] K. He et al., "Deep residual learning for image recognition", CVPR 2016,
       arXiv:1512.03385.
    """

    normalization: str | None = choice("batch", _NORMALIZATIONS)
    shortcut: str = choice("projection", _SHORTCUTS)
    bottleneck: int | None = whole(None, "[1, inf)")

    def hidden(self, n_in: int, width: int, style: Style) -> Layers:
        """Body beside shortcut, then the activation."""
        norm = self.normalization
        if self.bottleneck is None:
            inner = (*style.weigh(width, norm), style.activate(), *style.drop())
        else:
            narrow = (*style.weigh(self.bottleneck, norm), style.activate())
            inner = (*narrow, *narrow, *style.drop())
        body = layers.Sequential((*inner, *style.weigh(width, norm)))
        beside = shortcut(self.shortcut, n_in, width, style)
        return layers.Residual(body, beside), style.activate()


@BLOCKS.register("preactivation")
@dataclass(frozen=True, repr=False)
class Preactivation(Block):
    r"""The pre-activation residual block: normalise, activate, weigh, twice.

    .. math:: y = S(x) + f(\mathrm{norm}(f(\mathrm{norm}(x)) W_1)) W_2

    Nothing stands on the way past the bodies, from the dense layer in front of the
    first block to the normalisation and activation behind the last one: hundreds of
    blocks can be trained.

    Parameters
    ----------
    normalization : {"batch", "layer", None}, default="batch"
        What stands in front of each activation.
    shortcut : {"projection", "zero_pad", "identity"}, default="projection"
        :math:`S` where the widths differ; see :class:`Residual`.

    References
    ----------
    .. [1] K. He et al., "Identity mappings in deep residual networks", ECCV 2016,
       arXiv:1603.05027.
    """

    normalization: str | None = choice("batch", _NORMALIZATIONS)
    shortcut: str = choice("projection", _SHORTCUTS)

    def stem(self, width: int, style: Style) -> Layers:
        """Return a dense layer without activation."""
        return (style.dense(width, activated=False),)

    def hidden(self, n_in: int, width: int, style: Style) -> Layers:
        """Body beside shortcut; the sum is left as it is."""
        first = (*self._activate(style), *style.weigh(width, self.normalization))
        second = (style.activate(), *style.drop(), style.dense(width))
        body = layers.Sequential((*first, *second))
        return (layers.Residual(body, shortcut(self.shortcut, n_in, width, style)),)

    def head(self, style: Style) -> Layers:
        """Normalise and activate what has come through."""
        return self._activate(style)

    def _activate(self, style: Style) -> Layers:
        """Normalise and activate; the input is kept, for it leads past as well."""
        kept = self.normalization is None
        return (*normalize(self.normalization), style.activate(in_place=not kept))


@BLOCKS.register("highway")
@dataclass(frozen=True, repr=False)
class Highway(Block):
    r"""A layer with a gate that says, unit by unit, what is changed and what passes.

    .. math:: y = T(x)\, f(x W + b) + (1 - T(x))\, S(x), \qquad
              T(x) = \sigma(x W_T + b_T)

    with the logistic function :math:`\sigma`; :math:`S` is the identity, or a dense
    layer where the widths differ.

    Parameters
    ----------
    gate_bias : float in (-inf, inf), default=-2.0
        Initial :math:`b_T`. The more negative, the more passes unchanged at first;
        deeper networks want -3 or -4. The gate has a bias even with
        ``use_bias=False``.
    normalization : {None, "batch", "layer"}, default=None
        What stands between :math:`W` and :math:`f`.

    References
    ----------
    .. [1] R. K. Srivastava, K. Greff and J. Schmidhuber, "Training very deep networks",
       NIPS 2015, arXiv:1507.06228.
    """

    gate_bias: float = real(-2.0, "(-inf, inf)")
    normalization: str | None = choice(None, _NORMALIZATIONS)

    def hidden(self, n_in: int, width: int, style: Style) -> Layers:
        """Body, gate and carry in one layer."""
        weigh = style.weigh(width, self.normalization)
        body = layers.Sequential((*weigh, style.activate(), *style.drop()))
        bias = Constant(self.gate_bias)
        switch = layers.Dense(width, 1.0, style.initializer, True, bias)
        sigmoid = layers.Activate(Logistic(), in_place=True)
        gate = layers.Sequential((switch, sigmoid))
        carry = shortcut("projection", n_in, width, style)
        return (layers.Highway(body, gate, carry),)


@BLOCKS.register("aggregated")
@dataclass(frozen=True, repr=False)
class Aggregated(Block):
    r"""A residual block whose body is the sum of many narrow branches.

    .. math:: y = f\Bigl(S(x) + \sum_{c=1}^{C} f(f(x U_c) V_c) W_c\Bigr)

    with ``cardinality`` :math:`C` branches of ``branch_width`` units; a normalisation
    stands behind each product.

    Parameters
    ----------
    cardinality : int in [1, inf), default=8
        Number of branches.
    branch_width : int in [1, inf), default=4
        Units of each of the two inner layers of a branch.
    normalization : {"batch", "layer", None}, default="batch"
        What stands behind each dense layer.
    shortcut : {"projection", "zero_pad", "identity"}, default="projection"
        :math:`S` where the widths differ; see :class:`Residual`.

    Notes
    -----
    The branches are computed at once, as a dense layer, a grouped one and a dense one:
    weights of :math:`C (n d + d^2 + d h)` numbers, for :math:`n` inputs, branches of
    width :math:`d` and a block of width :math:`h`.

    References
    ----------
    .. [1] S. Xie et al., "Aggregated residual transformations for deep neural
       networks", CVPR 2017, arXiv:1611.05431.
    """

    cardinality: int = whole(8, "[1, inf)")
    branch_width: int = whole(4, "[1, inf)")
    normalization: str | None = choice("batch", _NORMALIZATIONS)
    shortcut: str = choice("projection", _SHORTCUTS)

    def hidden(self, n_in: int, width: int, style: Style) -> Layers:
        """Branches beside shortcut, then the activation."""
        norm = self.normalization
        grouped = layers.GroupedDense(
            self.cardinality,
            self.branch_width,
            style.activation.gain,
            style.initializer,
            style.use_bias and norm != "batch",
        )
        enter = style.weigh(self.cardinality * self.branch_width, norm)
        inner = (grouped, *normalize(norm), style.activate(), *style.drop())
        body = (*enter, style.activate(), *inner, *style.weigh(width, norm))
        beside = shortcut(self.shortcut, n_in, width, style)
        return layers.Residual(layers.Sequential(body), beside), style.activate()


@BLOCKS.register("tabular_resnet")
@dataclass(frozen=True, repr=False)
class TabularResNet(Block):
    r"""The residual network for tables of Gorishniy et al.

    .. math:: y = x + \mathrm{drop}(f(\mathrm{norm}(x) W_1) W_2)

    between a dense layer in front and normalisation and activation at the end. The
    estimator's ``dropout`` stands behind the activation.

    Parameters
    ----------
    multiplier : float in (0, inf), default=2.0
        Width of the inner layer, relative to that of the block; rounded down.
    residual_dropout : float in [0, 1), default=0.0
        Rate of the dropout behind :math:`W_2`.
    normalization : {"batch", "layer", None}, default="batch"
        What stands in front of :math:`W_1`.

    References
    ----------
    .. [1] Y. Gorishniy et al., "Revisiting deep learning models for tabular data",
       NeurIPS 2021, arXiv:2106.11959.
    """

    multiplier: float = real(2.0, "(0, inf)")
    residual_dropout: float = real(0.0, "[0, 1)")
    normalization: str | None = choice("batch", _NORMALIZATIONS)

    def stem(self, width: int, style: Style) -> Layers:
        """Return a dense layer without activation."""
        return (style.dense(width, activated=False),)

    def hidden(self, n_in: int, width: int, style: Style) -> Layers:
        """Body beside shortcut."""
        inner = max(1, int(width * self.multiplier))
        first = (*normalize(self.normalization), style.dense(inner))
        last = (style.dense(width, activated=False), *style.drop(self.residual_dropout))
        body = layers.Sequential((*first, style.activate(), *style.drop(), *last))
        return (layers.Residual(body, shortcut("projection", n_in, width, style)),)

    def head(self, style: Style) -> Layers:
        """Normalise and activate."""
        kept = self.normalization is None
        return (*normalize(self.normalization), style.activate(in_place=not kept))
