"""The plain block."""

from __future__ import annotations

from dataclasses import dataclass

from sknet.fields import choice
from sknet.network.blocks._base import BLOCKS, NORMALIZATIONS, Block, Layers, Style
from sknet.network.layout import Shape


@BLOCKS.register("plain")
@dataclass(frozen=True, repr=False)
class Plain(Block):
    r"""The classic hidden layer: dense, optional normalisation, activation.

    .. math:: y = f(\mathrm{norm}(x W + b))

    Parameters
    ----------
    normalization : {None, "batch", "layer"}, default=None
        The normalisation between the dense layer and the activation.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.network.blocks import Plain
    >>> SimpleMLPClassifier(block=Plain(normalization="batch")).block
    Plain(normalization='batch')
    """

    normalization: str | None = choice(None, NORMALIZATIONS)

    def hidden(self, shape: Shape, width: int, style: Style) -> Layers:
        """Return dense layer, normalisation, activation and dropout."""
        del shape
        if self.normalization is None:
            return (*style.units(width), *style.drop())
        weigh = style.weigh(width, self.normalization)
        return (*weigh, style.activate(), *style.drop())
