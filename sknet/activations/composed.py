"""Activations composed of another activation or of several columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array
from sknet.activations._base import ACTIVATIONS, Activation
from sknet.fields import part, real, whole


@ACTIVATIONS.register("maxout")
@dataclass(frozen=True, repr=False)
class Maxout(Activation):
    r"""The largest of several linear units: a learned convex function.

    .. math:: a_j = \max_{0 \le i < \mathrm{pieces}} z_{j \cdot \mathrm{pieces} + i}

    Neighbouring columns are joined, so that a layer of width h has ``h / pieces``
    outputs. Maxout works well with dropout, and needs ``pieces`` times the weights.

    Parameters
    ----------
    pieces : int in [2, inf), default=2
        Number of columns joined into one output. It must divide the width of the layer.

    Notes
    -----
    Pullback: the gradient goes to the largest piece; in a tie, to the first of them.

    References
    ----------
    .. [1] I. J. Goodfellow et al., "Maxout networks", ICML 2013, arXiv:1302.4389.

    Examples
    --------
    >>> from sknet.activations import Maxout
    >>> Maxout(pieces=3).n_outputs(12)
    4
    """

    needs_input: ClassVar[bool] = True
    forward_scratch: ClassVar[bool] = False

    pieces: int = whole(2, "[2, inf)")

    def n_outputs(self, n_inputs: int) -> int:
        """Return ``n_inputs / pieces``, or raise ValueError if it is not an integer."""
        if n_inputs % self.pieces:
            raise ValueError(
                f"activation={self!r} joins pieces={self.pieces} columns to one, but "
                f"a layer has {n_inputs}: choose widths in hidden_layer_sizes that are "
                f"multiples of {self.pieces}."
            )
        return n_inputs // self.pieces

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write the maximum of each group of columns."""
        del scratch
        np.copyto(out, z[..., :: self.pieces])
        for i in range(1, self.pieces):
            np.maximum(out, z[..., i :: self.pieces], out=out)

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Keep ``da`` in the first largest column of each group, zero elsewhere."""
        columns = [scratch[..., i :: self.pieces] for i in range(self.pieces)]
        for i, column in enumerate(columns):
            np.equal(z[..., i :: self.pieces], a, out=column)
        for i in range(1, self.pieces):
            for before in columns[:i]:
                np.greater(columns[i], before, out=columns[i])
        da *= scratch


@ACTIVATIONS.register("blend")
@dataclass(frozen=True, repr=False)
class Blend(Activation):
    r"""An activation blended with its input, with a trainable share for each unit.

    .. math:: y = z + a\, (f(z) - z)

    With :math:`a = 1` it is :math:`f`, with :math:`a = 0` the identity; training
    learns the share of each unit.

    Parameters
    ----------
    activation : str or Activation, default="relu"
        The activation :math:`f`.
    initial : float in (-inf, inf), default=1.0
        Initial value of the shares :math:`a`.

    Notes
    -----
    This class is the function at the initial shares; the trainable shares are the
    parameters of the layer ``Mix``. It is an activation so that ``activation="blend"``
    works like any other name: for all layers, for single ones, and in ONNX.
    Pullback: :math:`dz = (1 - a)\, dy + a f'(z)\, dy`.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       arXiv:2407.04491.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.activations import Blend
    >>> SimpleMLPClassifier(activation=Blend("selu")).activation
    Blend(activation='selu')
    """

    needs_input: ClassVar[bool] = True

    activation: str | Activation = part("relu", ACTIVATIONS)
    initial: float = real(1.0, "(-inf, inf)")

    @property
    def function(self) -> Activation:
        """The activation :math:`f` as an instance."""
        return ACTIVATIONS.make(self.activation)

    @property
    def kinks(self) -> tuple[float, ...]:  # type: ignore[override]  # here computed
        """The kinks of the activation."""
        return self.function.kinks

    @property
    def surrogate(self) -> bool:  # type: ignore[override]  # here computed
        """Whether the activation's gradient is a surrogate."""
        return self.function.surrogate

    @property
    def n_scratch(self) -> int:  # type: ignore[override]  # here computed
        """The activation's number, plus two for its output and gradient."""
        return self.function.n_scratch + 2

    def check(self) -> None:
        """Raise ValueError if the activation cannot be blended with its input."""
        super().check()
        if isinstance(self.function, (Maxout, Blend)):
            raise ValueError(
                f"{self!r}: activation must act on each column separately, and must "
                "not be a blend itself; use e.g. activation='relu'."
            )

    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write ``z + initial * (f(z) - z)``."""
        self.function.forward(z, out, _inner(scratch))
        out -= z
        out *= float(self.initial)
        out += z

    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Multiply ``da`` by ``1 - initial + initial * f'(z)``."""
        function, share, value, kept = self.function, float(self.initial), *scratch[:2]
        function.forward(z, value, _inner(scratch))
        np.multiply(da, share, out=kept)
        function.backward(z, value, kept, _inner(scratch))
        da *= 1.0 - share
        da += kept


def _inner(scratch: Array) -> Array:
    """Return the scratch arrays of the blended activation: all but the first two."""
    return scratch[2] if len(scratch) == 3 else scratch[2:]
