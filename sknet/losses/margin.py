"""Margin losses: hinge and perceptron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknet._numerics import Array, Scalar
from sknet._operations import first_largest
from sknet.fields import flag
from sknet.losses._base import CLASS_LOSSES, ClassLoss, LossBuffers


def _independent(
    raw: Array, y: Array, margin: float, out: Array, buffers: LossBuffers
) -> None:
    """Write ``max(0, margin - t r)`` and its gradient, with ``t`` one or minus one."""
    sign = buffers.named("sign", raw.shape[-1])
    np.multiply(y, -2.0, out=sign)
    sign += 1.0
    np.multiply(sign, raw, out=buffers.full)
    buffers.full += margin
    # active at the kink, too: otherwise training would never leave zero weights
    np.greater_equal(buffers.full, 0.0, out=out)
    buffers.full *= out
    np.matmul(buffers.full, buffers.ones_column, out=buffers.rows)
    out *= sign


def _exclusive(
    raw: Array, y: Array, margin: float, out: Array, buffers: LossBuffers
) -> None:
    """Write ``max(0, margin + max_{c != y} r_c - r_y)`` and its gradient."""
    rival, own = buffers.full, buffers.sums
    np.multiply(raw, y, out=rival)
    np.matmul(rival, buffers.ones_column, out=own)
    # a huge number excludes the true class; if it is the only one, -inf gives nan
    np.multiply(y, float(np.finfo(raw.dtype).max) / 4.0, out=rival)
    np.subtract(raw, rival, out=rival)
    columns = np.intp(0).itemsize // raw.itemsize
    first_largest(rival, out=out, scratch=buffers.named("first", columns))
    rival *= out
    np.matmul(rival, buffers.ones_column, out=buffers.rows)
    buffers.rows -= own
    buffers.rows += margin
    active = np.greater_equal(buffers.rows, 0.0, out=own)
    buffers.rows *= active
    out -= y
    out *= active


class _MarginLoss(ClassLoss):
    """Base of both margin losses: the raw outputs are the margins."""

    kinks: ClassVar[bool] = True
    threshold: ClassVar[float] = 0.0
    gives_probability: ClassVar[bool] = False
    _margin: ClassVar[float]

    @property
    def link_name(self) -> str:
        """The identity."""
        return "identity"

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write the weighted subgradient and return the mean loss."""
        reduce = _exclusive if self.exclusive else _independent
        reduce(raw, y, self._margin, out, buffers)
        out *= weight
        return buffers.weighted_sum(weight)

    def link(self, raw: Array) -> Array:
        """Return a copy of ``raw``: margins, not probabilities."""
        return raw.copy()

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the margin for classes with over half the weight, else the least."""
        frequency = np.average(y, axis=0, weights=weight)
        low = 0.0 if self.exclusive else -self._margin
        return np.where(frequency > 0.5, self._margin, low)


@CLASS_LOSSES.register("hinge")
@dataclass(frozen=True, repr=False)
class Hinge(_MarginLoss):
    r"""The hinge loss of support vector machines, which demands a margin of one.

    .. math::
        \ell = \max(0, 1 + \max_{c \ne y} r_c - r_y), \qquad
        \ell = \sum_c \max(0, 1 - t_c r_c)

    for exclusive classes (Crammer and Singer) and for independent columns,
    respectively, with :math:`t` one or minus one and the raw outputs :math:`r`.

    Parameters
    ----------
    exclusive : bool, default=True
        Whether a sample has exactly one class; set by the estimator.

    Notes
    -----
    There are no probabilities. At the kink the loss counts as active.

    References
    ----------
    .. [1] K. Crammer and Y. Singer, "On the algorithmic implementation of multiclass
       kernel-based vector machines", JMLR 2, 2001.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> hasattr(SimpleMLPClassifier(loss="hinge"), "predict_proba")
    False
    """

    _margin: ClassVar[float] = 1.0

    exclusive: bool = flag(True)


@CLASS_LOSSES.register("perceptron")
@dataclass(frozen=True, repr=False)
class PerceptronLoss(_MarginLoss):
    r"""The loss behind Rosenblatt's rule, which penalises errors by their size.

    .. math::
        \ell = \max(0, \max_{c \ne y} r_c - r_y), \qquad
        \ell = \sum_c \max(0, - t_c r_c)

    for exclusive classes and for independent columns, respectively, with :math:`t` one
    or minus one. Without hidden layers, with batches of one row, learning rate 1 and
    zero initial weights, this is the perceptron.

    Parameters
    ----------
    exclusive : bool, default=True
        Whether a sample has exactly one class; set by the estimator.

    Notes
    -----
    There are no probabilities. A tie counts as an error: otherwise training would never
    leave zero weights.

    References
    ----------
    .. [1] F. Rosenblatt, "The perceptron: a probabilistic model for information storage
       and organization in the brain", Psychological Review 65, 1958.

    Examples
    --------
    >>> from sknet import SimpleMLPClassifier
    >>> gate = SimpleMLPClassifier(
    ...     (), loss="perceptron", solver="sgd", momentum=0.0, alpha=0.0,
    ...     learning_rate_init=1.0, initializer="constant", batch_size=1, shuffle=False,
    ... )
    >>> gate.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1]).predict([[1, 1]])
    array([1])
    """

    _margin: ClassVar[float] = 0.0

    exclusive: bool = flag(True)
