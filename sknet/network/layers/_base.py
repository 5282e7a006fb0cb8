"""The layer: a map and its pullback, subject to eight laws.

1. A layer holds only hyperparameters; no array is ever an attribute.
2. ``build`` declares; only the network allocates.
3. Axes are (members, rows, ..., columns); ``x`` may have one member while the
   parameters have K. A layer that acts on columns treats the axes before them as rows;
   see ``rows_of``. It takes the number of rows from its input: in a shared backbone,
   between ``EnsembleView`` and ``LinearEnsemble``, there are E copies of the batch's
   B rows, and every array of the layer has E * B rows.
4. ``forward`` writes only into ``cache`` and, in training, into its own statistics.
   It may return ``x``.
5. ``backward`` writes every element of its gradient views (so they need not be zeroed
   first), may overwrite ``dy``, and returns ``dx``, or None at the network's input.
6. No allocation grows with the number of rows or parameters.
7. The output has the dtype of the input: scalars are Python floats or arrays of that
   dtype.
8. A training step can be recorded, to be repeated by compiled code: every array is
   allocated with ``like=`` an array of the computation, constants are read-only arrays
   or numbers, and no branch depends on data and no number is read from an array, except
   by the named operations of ``sknet._operations``. A class that cannot keep this law
   says ``recordable = False``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sknet._component import Component
from sknet._numerics import Array, Scalar, constant_row
from sknet.network.layout import Declaration, Shape


@dataclass(slots=True)
class Training:
    """The information available to a layer while a network is trained.

    Parameters
    ----------
    streams : sequence of Generator
        A noise stream for each member; empty if no layer draws noise.
    weight : float or ndarray of shape (K or 1, B, 1)
        Each row's share in the batch, the weight of the row in statistics over rows: a
        row of weight two counts as two rows. In a shared backbone of E submodels there
        are E * B shares, one for each copy of a row.
    before : float, ndarray of shape (K or 1, B, 1) or None
        The shares outside a shared backbone, kept while the rows are inside it.
    shares_noise : bool, default=False
        Whether all rows of a batch get the same noise, so that the result of training
        does not depend on the number of rows.
    n_copies : int, default=1
        E inside a shared backbone: rows share noise only within a copy of the batch.
    """

    streams: Sequence[np.random.Generator]
    weight: Scalar
    before: Scalar | None = None
    shares_noise: bool = False
    n_copies: int = 1

    def spread(self, n_copies: int, out: Array) -> None:
        """Give each copy of a row an equal part of the row's share.

        Parameters
        ----------
        n_copies : int
            E.
        out : ndarray of shape (K, E, B, 1), contiguous
            Overwritten, and kept as ``weight``, if shares differ.
        """
        self.before, self.n_copies = self.weight, n_copies
        if isinstance(self.weight, float):
            self.weight = self.weight / n_copies
        else:
            np.divide(self.weight[:, None], n_copies, out=out)
            self.weight = out.reshape(len(out), -1, 1)

    def join(self) -> None:
        """Restore the shares from before the rows were spread."""
        if self.before is not None:
            self.weight, self.before, self.n_copies = self.before, None, 1


class Layer(Component):
    """Base of the layers; see the laws at the top of the module.

    Attributes
    ----------
    surrogate : bool
        Whether ``backward`` hands back something else than the gradient, on purpose;
        differences then say nothing about it. See ``network/learning_rules``.

    Notes
    -----
    The ONNX form is optional. It is not declared here, because only the method of the
    class itself is used: a subclass that computes something else does not inherit it.
    With ``Graph`` from ``sknet.onnx``, its signature is::

        def write_onnx(self, graph: Graph, p: Any, x: str, shape: Shape) -> str

    It writes :meth:`forward` at prediction. ``p`` has the arrays of the parameters, of
    shape (K, ...), and ``shape`` is the shape of one row of the input. ``x`` is the
    name of a value of shape (B, *shape), or (M, B, *shape) for M members or submodels
    of a shared backbone; the result is the name of the output, (B, ...) or
    (M, B, ...). For several members, ``x`` is still (B, *shape) if no layer before
    this one has parameters: count axes from the last one. ``graph.of_members`` makes
    parameters broadcast against ``x``, and ``graph.with_axes`` reshapes rows behind any
    leading axes.
    """

    surrogate: ClassVar[bool] = False

    @abstractmethod
    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare parameters and buffers; return the shape of the output.

        Parameters
        ----------
        declare : Declaration
            Receives the declarations.
        shape : tuple of int
            The shape of one row of the input: ``(n_in,)``, possibly with axes before
            the columns.

        Returns
        -------
        shape : tuple of int
            The shape of one row of the output.

        Raises
        ------
        ValueError
            If the layer does not support rows of this shape.
        """

    @abstractmethod
    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Map rows.

        Parameters
        ----------
        p : namespace
            Views of the parameters.
        x : ndarray of shape (K or 1, B, ..., n_in) or SparseRows
            The input.
        cache : namespace
            The layer's buffers; values that ``backward`` needs are kept here.
        training : Training or None
            None at prediction.

        Returns
        -------
        y : ndarray of shape (K, B, ..., n_out)
            The output.
        """

    def adapt(self, p: Any, x: Any, cache: Any, weight: Array) -> Array:
        """Fit initial parameters to the input rows; return the output.

        Parameters
        ----------
        p : namespace
            Views of the parameters, which may be changed.
        x : ndarray of shape (K or 1, B, ..., n_in) or SparseRows
            The input.
        cache : namespace
            The layer's buffers.
        weight : ndarray of shape (B,)
            Weights of the rows.

        Returns
        -------
        y : ndarray of shape (K, B, ..., n_out)
            The output of :meth:`forward` at prediction, with the fitted parameters.
        """
        del weight
        return self.forward(p, x, cache, None)

    @abstractmethod
    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Pull a gradient back.

        Parameters
        ----------
        p : namespace
            Views of the parameters.
        grad : namespace
            Views of the gradient; every element is written.
        dy : ndarray of shape (K, B, ..., n_out)
            Gradient with respect to the output; may be overwritten.
        cache : namespace
            As ``forward`` left it.

        Returns
        -------
        dx : ndarray of shape (K, B, ..., n_in) or None
            Gradient with respect to the input.
        """


def rows_of(x: Any) -> Any:
    """View an array (K, B, ..., n) as rows (K, B * ..., n), one for each position.

    Sparse rows, which have no positions, are returned as they are.
    """
    if len(x.shape) == 3:  # which sparse rows have, too
        return x
    return x.reshape(len(x), -1, x.shape[-1])


def ones_for(rows: Array, cache: Any) -> Array:
    """Return a row of ones, whose product with ``rows`` (K, M, n) is their sum."""
    if cache.ones.shape[-1] == rows.shape[-2]:
        ones: Array = cache.ones
        return ones
    return constant_row(rows.shape[-2], rows.dtype, 1.0)


def only_columns(layer: Layer, shape: Shape) -> int:
    """Return the number of columns; raise ValueError if rows have other axes."""
    if len(shape) != 1:
        raise ValueError(
            f"{type(layer).__name__} needs rows of shape (n_columns,), but its input "
            f"has rows of shape {shape}: put Flatten() before it."
        )
    return shape[0]
