r"""The loss: from raw outputs to a number, its gradient, and predictions.

A loss works on raw outputs, before any link, so that it is exact where probabilities
saturate. Rows are reduced by a weighted mean only, over weights that sum to one.

Axes: ``raw`` has shape (K, B, R) and ``y`` (K or 1, B, C): K members, B rows, C target
columns and R raw outputs, mostly as many.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from sknet._component import Component, Registry
from sknet._numerics import Array, Scalar, constant_row


class LossBuffers:
    """Scratch arrays of a loss for one batch size.

    Parameters
    ----------
    n_members, n_rows, n_outputs : int
        K, B and R.
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
        self._named: dict[tuple[str, int], Array] = {}
        self._nested: dict[tuple[str, int], LossBuffers] = {}

    def named(self, name: str, columns: int) -> Array:
        """Return a further scratch array (K, B, columns), the same at each call."""
        key = (name, columns)
        if key not in self._named:
            shape = (*self.rows.shape[:2], columns)
            self._named[key] = np.empty(shape, dtype=self.rows.dtype)
        return self._named[key]

    def nested(self, name: str, n_outputs: int) -> LossBuffers:
        """Return the buffers of a loss of ``n_outputs`` that this one is made of."""
        key = (name, n_outputs)
        if key not in self._nested:
            n_members, n_rows, _ = self.rows.shape
            buffers = LossBuffers(n_members, n_rows, n_outputs, self.rows.dtype)
            self._nested[key] = buffers
        return self._nested[key]

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


class Loss(Component):
    """Base of the losses, of which there are two kinds: for classes and for values.

    Attributes
    ----------
    averages_outputs : bool
        Whether the value shown to users (``loss_``, ``loss_curve_``) is averaged over
        the raw outputs, as scikit-learn shows the squared error, while the sum over
        them is what is minimised.
    kinks : bool
        Whether there are points without a derivative.
    """

    averages_outputs: ClassVar[bool] = False
    kinks: ClassVar[bool] = False

    @property
    @abstractmethod
    def link_name(self) -> str:
        """Name of the function from raw outputs to predictions."""

    @abstractmethod
    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write the gradient with respect to ``raw`` into ``out``; return values (K,).

        Value and gradient are those of the sum over the rows of ``weight`` times the
        loss. ``raw`` and ``y`` stay as they are; the arrays of ``buffers`` are scratch.
        """

    @abstractmethod
    def link(self, raw: Array) -> Array:
        """Return predictions, as a new array of the shape of ``raw``."""

    @abstractmethod
    def constant(self, y: Array, weight: Array) -> Array:
        """Return the best constant raw output, of shape (R,).

        ``y`` has shape (N, C) and ``weight`` (N,).
        """

    def start(self, y: Array, weight: Array) -> Array | None:
        """Return raw outputs (R,) that training starts at; None leaves it to chance.

        ``y`` has shape (N, C) and ``weight`` (N,).
        """
        del y, weight
        return None

    def n_raw(self, n_columns: int) -> int:
        """Return R, the raw outputs that C target columns need."""
        return n_columns

    def report_factor(self, n_raw: int) -> float:
        """Return what the minimised value is multiplied with to be shown."""
        return 1.0 / n_raw if self.averages_outputs else 1.0


class ClassLoss(Loss):
    """Base of the losses of a classifier.

    Targets are columns of zeros and ones: one-hot for exclusive classes, else a yes or
    a no for each column, of which two classes have a single one.

    Attributes
    ----------
    exclusive : bool
        Whether a sample has exactly one class, each a column. It is set by the
        estimator, from the target. Every subclass declares it as a field,
        ``exclusive: bool = flag(True)``.
    threshold : float
        A column that stands alone is a yes if its prediction is above this.
    gives_probability : bool
        Whether predictions are probabilities; of exclusive classes they need not sum
        to one.
    """

    exclusive: bool
    threshold: ClassVar[float] = 0.5
    gives_probability: ClassVar[bool] = True

    def log_link(self, raw: Array) -> Array:
        """Return the logarithm of the predictions, if they are probabilities."""
        return np.log(self.link(raw))


class ValueLoss(Loss):
    """Base of the losses of a regressor.

    The R raw outputs of C target columns stand target by target: those of the first,
    those of the second, and so on.

    Attributes
    ----------
    gives_spread : bool
        Whether :meth:`spread` gives a standard deviation.
    shows_point : bool
        Whether users are shown :meth:`point` alone, of all that is predicted.
    scaling : {"moments", "quantiles"}, tuple of them, or None
        What an estimator that standardises its target does it by: mean and deviation;
        median and quartiles, for losses of bounded slope, to which targets far off
        matter little; or nothing, where the units of the target mean something. A tuple
        has one for each raw output of a target; ``y`` then has a column for each, of
        the same values in other units.
    """

    gives_spread: ClassVar[bool] = False
    shows_point: ClassVar[bool] = False
    scaling: ClassVar[str | tuple[str, ...] | None] = None

    def check_target(self, y: Array) -> None:
        """Raise ValueError if ``y`` lies outside of the domain of the loss."""
        del y

    def point(self, prediction: Array) -> Array:
        """Return what a prediction (N, R) is scored by: a value a target, (N, C)."""
        return prediction

    def spread(self, raw: Array) -> Array | None:
        """Return the predicted standard deviation (N, C), if there is one."""
        del raw
        return None

    def start(self, y: Array, weight: Array) -> Array | None:
        """Return the logarithm of the mean target, if predictions are exponentials.

        The first ones would be about 1 otherwise, however large or small the targets.
        """
        if self.link_name != "exp" or self.n_raw(y.shape[1]) != y.shape[1]:
            return None
        return log_mean(y, weight)


def log_mean(y: Array, weight: Array) -> Array:
    """Return logarithms of the weighted means of columns, as finite numbers.

    Parameters
    ----------
    y : ndarray of shape (N, C)
        Values.
    weight : ndarray of shape (N,)
        Weights of the rows, not all of them zero.

    Returns
    -------
    logarithm : ndarray of shape (C,)
        Of nothing but zeros that of half a one among all rows; 0 of a negative mean.
    """
    y = np.asarray(y[weight > 0.0], dtype=np.float64)
    weight = weight[weight > 0.0]
    largest = np.abs(y).max(axis=0)
    unit = np.where(largest > 0.0, largest, 1.0)  # sums do not overflow
    mean = np.average(y / unit, axis=0, weights=weight)
    mean = np.where(largest > 0.0, mean, 0.5 / weight.sum())
    logarithm = np.log(unit) + np.log(np.where(mean > 0.0, mean, 1.0))
    return np.where(mean > 0.0, logarithm, 0.0)


CLASS_LOSSES: Registry[ClassLoss] = Registry("loss of a classifier", ClassLoss)
VALUE_LOSSES: Registry[ValueLoss] = Registry("loss of a regressor", ValueLoss)
