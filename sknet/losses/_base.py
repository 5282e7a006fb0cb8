r"""The loss: from raw outputs to a number, its gradient, and predictions.

A loss works on raw outputs, before any link, so that it is exact where probabilities
saturate. Rows are reduced only by a weighted mean, with weights that sum to one.

Axes: ``raw`` has shape (K, B, R) and ``y`` (K or 1, B, C), for K members, B rows,
C target columns and R raw outputs; usually R equals C.
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
    like : ndarray or None, default=None
        An array of the computation: its class allocates the scratch arrays.
    """

    def __init__(
        self,
        n_members: int,
        n_rows: int,
        n_outputs: int,
        dtype: np.dtype,
        like: Array | None = None,
    ) -> None:
        one = (n_members, n_rows, 1)
        self.rows = np.empty(one, dtype=dtype, like=like)
        self.sums = np.empty(one, dtype=dtype, like=like)
        self.full = np.empty((*one[:2], n_outputs), dtype=dtype, like=like)
        self.ones_column = constant_row(n_outputs, dtype, 1.0).swapaxes(-1, -2)
        self._shared_weight = 1.0
        self._weight_row = constant_row(n_rows, dtype, 1.0)
        self._named: dict[tuple[str, int], Array] = {}
        self._nested: dict[tuple[str, int], LossBuffers] = {}

    def named(self, name: str, columns: int) -> Array:
        """Return a named scratch array (K, B, columns), the same in every call."""
        key = (name, columns)
        if key not in self._named:
            shape = (*self.rows.shape[:2], columns)
            self._named[key] = np.empty(shape, self.rows.dtype, like=self.rows)
        return self._named[key]

    def nested(self, name: str, n_outputs: int) -> LossBuffers:
        """Return the buffers of a component loss with ``n_outputs`` raw outputs."""
        key = (name, n_outputs)
        if key not in self._nested:
            (n_members, n_rows, _), like = self.rows.shape, self.rows
            buffers = LossBuffers(n_members, n_rows, n_outputs, like.dtype, like)
            self._nested[key] = buffers
        return self._nested[key]

    def weighted_sum(self, weight: Scalar) -> Array:
        """Reduce the losses in ``rows`` to one number per member.

        Parameters
        ----------
        weight : float or ndarray of shape (K or 1, B, 1)
            Weights of the rows, or one weight for all rows.

        Returns
        -------
        sum : ndarray of shape (K,)
            The weighted sums, which are means if the weights sum to one.
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
    """Base of the two kinds of losses: for classes and for values.

    Attributes
    ----------
    averages_outputs : bool
        Whether the reported value (``loss_``, ``loss_curve_``) is averaged over the raw
        outputs, as scikit-learn reports the squared error, although the sum over them
        is minimised.
    kinks : bool
        Whether there are points without a derivative.

    Notes
    -----
    :meth:`value_and_gradient` can be recorded; see ``recordable`` of
    :class:`Component`.

    The ONNX form is optional. It is not declared here, because only the method of the
    class itself is used: a subclass that computes something else does not inherit it.
    With ``Graph`` from ``sknet.onnx``, its signature is::

        def write_onnx(self, graph: Graph, raw: str, n_raw: int) -> str

    It writes :meth:`link`. ``raw`` is the name of a value of shape (B, n_raw), or
    (M, B, n_raw) for M members; the result is the name of the predictions, of the same
    shape.
    """

    averages_outputs: ClassVar[bool] = False
    kinks: ClassVar[bool] = False

    @property
    @abstractmethod
    def link_name(self) -> str:
        """Name of the function that maps raw outputs to predictions."""

    @abstractmethod
    def value_and_gradient(
        self, raw: Array, y: Array, weight: Scalar, out: Array, buffers: LossBuffers
    ) -> Array:
        """Write the gradient with respect to ``raw`` into ``out``; return values (K,).

        Value and gradient refer to the sum over the rows of ``weight`` times the loss.
        ``raw`` and ``y`` are not changed; the arrays of ``buffers`` are scratch.
        """

    def error(
        self, raw: Array, y: Array, weight: Scalar, d_raw: Array, buffers: LossBuffers
    ) -> Array:
        """Return the weighted error of the outputs, for rules that hand it back.

        It is the gradient by the predictions, before the slope of the output
        activation. A loss that is defined on raw outputs has no such slope, and its
        error is ``d_raw``, what :meth:`value_and_gradient` has written.
        """
        del raw, y, weight, buffers
        return d_raw

    @abstractmethod
    def link(self, raw: Array) -> Array:
        """Return predictions as a new array of the shape of ``raw``."""

    @abstractmethod
    def constant(self, y: Array, weight: Array) -> Array:
        """Return the best constant raw output, of shape (R,).

        ``y`` has shape (N, C) and ``weight`` (N,).
        """

    def start(self, y: Array, weight: Array) -> Array | None:
        """Return the raw outputs (R,) that training starts at; None for random ones.

        ``y`` has shape (N, C) and ``weight`` (N,).
        """
        del y, weight
        return None

    def n_raw(self, n_columns: int) -> int:
        """Return R, the number of raw outputs for ``n_columns`` target columns."""
        return n_columns

    def report_factor(self, n_raw: int) -> float:
        """Return the factor from the minimised value to the reported value."""
        return 1.0 / n_raw if self.averages_outputs else 1.0


class ClassLoss(Loss):
    """Base of the losses of a classifier.

    Targets are columns of zeros and ones: one-hot for exclusive classes, otherwise a
    yes or no in each column. Two classes have a single column.

    Attributes
    ----------
    exclusive : bool
        Whether a sample has exactly one class and each class a column. The estimator
        sets it from the target. Every subclass declares it as a field,
        ``exclusive: bool = flag(True)``.
    threshold : float
        An independent column is a yes if its prediction is above this threshold.
    gives_probability : bool
        Whether predictions are probabilities; those of exclusive classes need not sum
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

    The R raw outputs for C target columns are ordered target by target: all those of
    the first target, then all those of the second, and so on.

    Attributes
    ----------
    shows_point : bool
        Whether ``predict`` returns only :meth:`point`, not the whole prediction.
    scaling : {"moments", "quantiles"}, tuple of them, or None
        How an estimator standardises its target: by mean and standard deviation; by
        median and quartiles, for losses of bounded slope, which outliers affect little;
        or not at all, if the units of the target have a meaning. A tuple has an entry
        for each raw output of a target; ``y`` then has a column for each, with the same
        values in different units.
    """

    shows_point: ClassVar[bool] = False
    scaling: ClassVar[str | tuple[str, ...] | None] = None

    def check_target(self, y: Array) -> None:
        """Raise ValueError if ``y`` lies outside the domain of the loss."""
        del y

    def point(self, prediction: Array) -> Array:
        """Return the point prediction (N, C) that scores use, given all (N, R)."""
        return prediction

    def spread(self, raw: Array) -> Array | None:
        """Return the predicted standard deviation (N, C), or None if there is none."""
        del raw
        return None

    def start(self, y: Array, weight: Array) -> Array | None:
        """Return the logarithm of the mean target if predictions are exponentials.

        Otherwise the first predictions would be about 1, whatever the size of targets.
        """
        if self.link_name != "exp" or self.n_raw(y.shape[1]) != y.shape[1]:
            return None
        return log_mean(y, weight)


def log_mean(y: Array, weight: Array) -> Array:
    """Return finite logarithms of the weighted means of columns.

    Parameters
    ----------
    y : ndarray of shape (N, C)
        Values.
    weight : ndarray of shape (N,)
        Weights of the rows, not all of them zero.

    Returns
    -------
    logarithm : ndarray of shape (C,)
        A column of zeros counts as if it held half a one in total; if the mean is
        negative, the result is 0.
    """
    y = np.asarray(y[weight > 0.0], dtype=np.float64)
    weight = weight[weight > 0.0]
    largest = np.abs(y).max(axis=0)
    unit = np.where(largest > 0.0, largest, 1.0)  # so that sums do not overflow
    mean = np.average(y / unit, axis=0, weights=weight)
    mean = np.where(largest > 0.0, mean, 0.5 / weight.sum())
    logarithm = np.log(unit) + np.log(np.where(mean > 0.0, mean, 1.0))
    return np.where(mean > 0.0, logarithm, 0.0)


CLASS_LOSSES: Registry[ClassLoss] = Registry("loss of a classifier", ClassLoss)
VALUE_LOSSES: Registry[ValueLoss] = Registry("loss of a regressor", ValueLoss)
