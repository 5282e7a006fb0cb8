r"""Losses: from raw outputs to a number, its gradient, and predictions.

A loss works on raw outputs, before any link, so that it is exact where probabilities
saturate. Rows are reduced by a weighted mean only, over weights that sum to one.

Axes: ``raw`` and ``y`` have shape (K, B, C): K members, B rows, C outputs.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, xlogy

from sknet._component import Component, Registry
from sknet._numerics import Array, Scalar, constant_row, log_softmax, logistic, softplus


class LossBuffers:
    """Scratch arrays of a loss for one batch size.

    Parameters
    ----------
    n_members, n_rows, n_outputs : int
        K, B and C.
    dtype : dtype
        Type of the raw outputs.
    """

    def __init__(
        self, n_members: int, n_rows: int, n_outputs: int, dtype: np.dtype
    ) -> None:
        self.rows = np.empty((n_members, n_rows, 1), dtype=dtype)
        self.sums = np.empty((n_members, n_rows, 1), dtype=dtype)
        self.full = np.empty((n_members, n_rows, n_outputs), dtype=dtype)
        self.ones_column = constant_row(n_outputs, dtype, 1.0).swapaxes(-1, -2)
        self._shared_weight = 1.0
        self._weight_row = constant_row(n_rows, dtype, 1.0)

    def weighted_sum(self, weight: Scalar) -> Array:
        """Reduce the losses in ``rows`` to one number a member.

        Parameters
        ----------
        weight : float or ndarray of shape (K or 1, B, 1)
            Weights of the rows, or one for all.

        Returns
        -------
        sum : ndarray of shape (K,)
            The weighted sums: means, if the weights sum to one.
        """
        if isinstance(weight, float):
            if weight != self._shared_weight:
                n_rows, dtype = self.rows.shape[1], self.rows.dtype
                self._shared_weight = weight
                self._weight_row = constant_row(n_rows, dtype, weight)
            row = self._weight_row
        else:
            row = weight.swapaxes(-1, -2)
        return np.matmul(row, self.rows).reshape(-1)


def _overflow_shift(raw: Array, tmp: Array, work: LossBuffers) -> Array | None:
    """Return what to subtract from raw outputs before the exponential, if anything.

    The maximum of each row, as everybody does, but only for members with an output
    beyond what the exponential takes: rows are short, and a maximum over short rows
    takes longer than all else in the loss.

    Parameters
    ----------
    raw : ndarray of shape (K, B, C)
        Raw outputs.
    tmp : ndarray of shape (K, B, C)
        Overwritten.
    work : LossBuffers
        Its ``sums`` are overwritten, and returned.

    Returns
    -------
    shift : ndarray of shape (K, B, 1) or None
        The shifts; zeros for the members that need none, as if they were alone.
    """
    limit = 80.0 if raw.dtype == np.float32 else 700.0
    # No element is larger than the norm of all: one fast product mostly suffices.
    if np.vdot(raw, raw) < limit * limit:
        return None
    np.abs(raw, out=tmp)
    largest = np.maximum.reduce(tmp.reshape(len(tmp), -1), axis=1)
    if max(largest.tolist()) < limit:
        return None
    np.maximum.reduce(raw, axis=-1, keepdims=True, out=work.sums)
    work.sums[largest < limit] = 0.0
    return work.sums


class Loss(Component):
    """Base of the losses.

    Attributes
    ----------
    task : {'classification', 'regression'}
        Which estimators offer it.
    averages_outputs : bool
        Whether the value shown to users (``loss_``, ``loss_curve_``) is averaged over
        the outputs, as scikit-learn shows the squared error, while the sum over them
        is what is minimised.
    """

    task: ClassVar[str] = "regression"
    averages_outputs: ClassVar[bool] = False

    @property
    @abstractmethod
    def link_name(self) -> str:
        """Name of the function from raw outputs to predictions."""

    @abstractmethod
    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, work: LossBuffers
    ) -> Array:
        """Write the gradient with respect to ``raw`` and return values (K,)."""

    @abstractmethod
    def link(self, raw: Array) -> Array:
        """Return predictions, as a new array of the shape of ``raw``."""

    @abstractmethod
    def constant(self, y: Array, weight: Array) -> Array:
        """Return the best constant raw output, of shape (C,).

        ``y`` has shape (N, C) and ``weight`` (N,).
        """

    def check_target(self, y: Array) -> None:
        """Raise ValueError if ``y`` lies outside of the domain of the loss."""
        del y

    def report_factor(self, n_outputs: int) -> float:
        """Return what the minimised value is multiplied with to be shown."""
        return 1.0 / n_outputs if self.averages_outputs else 1.0


LOSSES: Registry[Loss] = Registry("loss")


@LOSSES.register("log_loss")
@dataclass(frozen=True, repr=False)
class LogLoss(Loss):
    r"""The negative log-likelihood of the classes, also called cross-entropy.

    For exclusive classes, with one-hot :math:`y` and the softmax :math:`p`,

    .. math:: \ell = \log \sum_c e^{r_c} - \sum_c y_c r_c, \qquad
              \nabla_r \ell = p - y

    and for independent outputs, with the logistic function :math:`p`,

    .. math:: \ell = \sum_c \log(1 + e^{r_c}) - y_c r_c, \qquad
              \nabla_r \ell = p - y

    with the raw outputs :math:`r`.

    Parameters
    ----------
    exclusive : bool, default=True
        Whether a sample has exactly one class. If not, every output is a yes-or-no
        question of its own: two classes, or several labels at once.

    References
    ----------
    .. [1] C. M. Bishop, "Pattern Recognition and Machine Learning", 2006, 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import LogLoss
    >>> LogLoss().link(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """

    task: ClassVar[str] = "classification"
    exclusive: bool = True

    @property
    def link_name(self) -> str:
        """Softmax, or logistic."""
        return "softmax" if self.exclusive else "logistic"

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, work: LossBuffers
    ) -> Array:
        """Write ``weight * (p - y)`` and return the mean log-loss."""
        reduce = self._exclusive if self.exclusive else self._independent
        reduce(raw, y, out, work)
        out -= y
        out *= weight
        return work.weighted_sum(weight)

    @staticmethod
    def _exclusive(raw: Array, y: Array, out: Array, work: LossBuffers) -> None:
        """Write the softmax into ``out`` and the losses into ``work.rows``."""
        shift = _overflow_shift(raw, out, work)
        z = raw if shift is None else np.subtract(raw, shift, out=out)
        np.multiply(z, y, out=work.full)
        np.matmul(work.full, work.ones_column, out=work.rows)
        np.exp(z, out=out)
        np.matmul(out, work.ones_column, out=work.sums)
        out /= work.sums
        np.log(work.sums, out=work.sums)
        np.subtract(work.sums, work.rows, out=work.rows)

    @staticmethod
    def _independent(raw: Array, y: Array, out: Array, work: LossBuffers) -> None:
        """Write the sigmoids into ``out`` and the losses into ``work.rows``."""
        softplus(raw, out=work.full, tmp=out)
        np.multiply(raw, y, out=out)
        work.full -= out
        np.matmul(work.full, work.ones_column, out=work.rows)
        logistic(raw, out=out)

    def link(self, raw: Array) -> Array:
        """Return probabilities."""
        if self.exclusive:
            return np.exp(log_softmax(raw))
        return expit(raw)

    def log_link(self, raw: Array) -> Array:
        """Return log-probabilities: of the classes, or of a yes for each output."""
        if self.exclusive:
            return log_softmax(raw)
        return -np.logaddexp(0.0, -raw)

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the logarithm of the frequencies, or of the odds."""
        frequency = np.average(y, axis=0, weights=weight)
        if self.exclusive:
            return np.log(frequency)
        return np.log(frequency) - np.log1p(-frequency)


@LOSSES.register("squared_error")
@dataclass(frozen=True, repr=False)
class SquaredError(Loss):
    r"""Half the squared error, summed over the outputs.

    .. math:: \ell = \tfrac12 \sum_c (r_c - y_c)^2, \qquad \nabla_r \ell = r - y

    Notes
    -----
    The value shown to users is averaged over the outputs (``averages_outputs``).

    References
    ----------
    .. [1] C. M. Bishop, "Pattern Recognition and Machine Learning", 2006, 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import SquaredError
    >>> SquaredError().constant(np.array([[1.0], [3.0]]), np.ones(2))
    array([2.])
    """

    averages_outputs: ClassVar[bool] = True

    @property
    def link_name(self) -> str:
        """The identity."""
        return "identity"

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, work: LossBuffers
    ) -> Array:
        """Write ``weight * (raw - y)`` and return half the mean squared error."""
        np.subtract(raw, y, out=out)
        np.multiply(out, out, out=work.full)
        np.matmul(work.full, work.ones_column, out=work.rows)
        out *= weight
        return 0.5 * work.weighted_sum(weight)

    def link(self, raw: Array) -> Array:
        """Return a copy of ``raw``."""
        return raw.copy()

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the weighted mean."""
        return np.average(y, axis=0, weights=weight)


@LOSSES.register("poisson")
@dataclass(frozen=True, repr=False)
class Poisson(Loss):
    r"""Half the Poisson deviance, for counts and rates, with the logarithm as link.

    .. math:: \ell = \sum_c e^{r_c} - y_c r_c + y_c \log y_c - y_c, \qquad
              \nabla_r \ell = e^r - y

    Notes
    -----
    The exponent is capped just below the logarithm of the largest number of the type,
    so that a far-off prediction is huge but finite.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, "Generalized Linear Models", 1989, 6.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import Poisson
    >>> Poisson().link(np.log([[2.0, 3.0]]))
    array([[2., 3.]])
    """

    @property
    def link_name(self) -> str:
        """The exponential function."""
        return "exp"

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, work: LossBuffers
    ) -> Array:
        """Write ``weight * (exp(raw) - y)`` and return half the mean deviance."""
        xlogy(y, y, out=work.full)
        work.full -= y
        np.multiply(raw, y, out=out)
        work.full -= out
        np.minimum(raw, self._largest_exponent(raw.dtype), out=out)
        np.exp(out, out=out)
        work.full += out
        np.matmul(work.full, work.ones_column, out=work.rows)
        out -= y
        out *= weight
        return work.weighted_sum(weight)

    @staticmethod
    def _largest_exponent(dtype: np.dtype) -> float:
        """Return an exponent whose exponential is finite, with room for a sum."""
        return 80.0 if dtype == np.float32 else 700.0

    def link(self, raw: Array) -> Array:
        """Return the rates."""
        return np.exp(np.minimum(raw, self._largest_exponent(raw.dtype)))

    def constant(self, y: Array, weight: Array) -> Array:
        """Return the logarithm of the weighted mean."""
        return np.log(np.average(y, axis=0, weights=weight))

    def check_target(self, y: Array) -> None:
        """Refuse negative values."""
        if (y < 0).any():
            raise ValueError(
                "loss='poisson' needs y >= 0, but some values of y are negative "
                f"(the least is {y.min():g}). Use loss='squared_error', or shift y."
            )
