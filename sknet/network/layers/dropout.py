"""Dropout: elements set to zero at random during training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sknet._numerics import Array, Scalar
from sknet._rows import rounded
from sknet.fields import real
from sknet.network.layers._base import Layer, Training
from sknet.network.layout import Declaration, Shape


@dataclass(frozen=True, repr=False)
class Dropout(Layer):
    r"""Sets elements to zero at random during training, and scales up the rest.

    .. math:: y = \frac{x\, [u \ge \mathrm{rate}]}{1 - \mathrm{rate}}, \qquad
              u \sim U(0, 1)

    so that the mean is unchanged, and prediction is the identity.

    Parameters
    ----------
    rate : float in [0, 1), default=0.5
        Probability of a zero.

    Notes
    -----
    Every member draws from its own noise stream, used for nothing else, so that the
    order of the rows is the same with and without dropout.

    Each row has its own noise, unless training sets ``shares_noise``: then a step drops
    the same columns in all rows, and trains one sub-network. The estimators set it if
    all rows form one small batch. The result of training then depends neither on the
    order nor on the number of rows, so that a row of weight two is the same as two
    rows. In a shared backbone each submodel drops its own columns.

    References
    ----------
    .. [1] N. Srivastava et al., "Dropout: a simple way to prevent neural networks from
       overfitting", JMLR 15, 2014.
    """

    rows: ClassVar[tuple[str, ...]] = ("rate",)

    rate: float = real(0.5, "[0, 1)")

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare the mask, the output and the use of noise."""
        declare.draws_noise = True
        declare.buffer("mask", shape, training=True)
        declare.buffer("y", shape, training=True)
        return shape

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return ``x`` times a new mask, or ``x`` itself at prediction."""
        del p
        cache.dropped = training is not None
        if training is None:
            return x
        mask: Array = cache.mask
        draw_uniform(mask, training)
        np.greater_equal(mask, self._across(self.rate, mask), out=mask)
        mask *= self._across(1.0 / (1.0 - self.rate), mask)
        return np.multiply(x, mask, out=cache.y)

    @staticmethod
    def _across(value: Scalar, mask: Array) -> Scalar:
        """Return one number, or one per member, in a shape that fits the mask."""
        value = rounded(value, mask.dtype)
        if not isinstance(value, np.ndarray):
            return value
        return value.reshape(len(value), *[1] * (mask.ndim - 1))

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array:
        """Multiply ``dy`` by the mask, if one was drawn."""
        del p, grad
        if cache.dropped:
            dy *= cache.mask
        return dy


def draw_uniform(out: Array, training: Training) -> None:
    """Draw uniform numbers in [0, 1), each member from its own noise stream.

    Parameters
    ----------
    out : ndarray of shape (K, B, ..., n)
        Overwritten.
    training : Training
        The streams, and whether all rows of a copy of the batch get the same numbers.
    """
    for rows, stream in zip(out, training.streams, strict=True):
        if not training.shares_noise:
            stream.random(out=rows, dtype=rows.dtype.type)
            continue
        for of_copy in rows.reshape(training.n_copies, -1, *rows.shape[1:]):
            stream.random(out=of_copy[0], dtype=rows.dtype.type)
            of_copy[1:] = of_copy[0]
