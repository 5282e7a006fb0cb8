"""The layer: one map and its pullback, under seven laws.

1. A layer holds hyperparameters only; no array is ever an attribute.
2. ``build`` declares; only the network allocates.
3. The last two axes are (rows, columns); one leading axis counts members; ``x`` may
   have 1 there while the parameters have K. A layer takes the number of rows from
   what it gets: in a shared trunk, between ``Spread`` and ``Heads``, they are E copies
   of the batch's B rows, and every array of the layer has E * B rows.
4. ``forward`` writes only into ``cache`` and, in training, into its own statistics.
   It may return ``x``.
5. ``backward`` writes every element of its gradient views (so nothing is zeroed
   first), may overwrite ``dy``, and returns ``dx``, or None at the network's input.
6. Nothing allocates that grows with rows or parameters.
7. dtype in is dtype out: scalars are Python floats or arrays of that dtype.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._component import Component
from sknet._numerics import Array, Scalar
from sknet.network.layout import Declaration


@dataclass(slots=True)
class Training:
    """What a layer may ask for while a network is trained.

    Parameters
    ----------
    streams : sequence of Generator
        Noise, a stream for each member; empty if no layer draws any.
    weight : float or ndarray of shape (K or 1, B, 1)
        Each row's share in the batch: statistics over rows weigh with it, so that a
        row of weight two counts as two rows. In a shared trunk of E submodels there
        are E * B shares, of all copies.
    before : float, ndarray of shape (K or 1, B, 1) or None
        The shares outside of a shared trunk, kept while rows are inside.
    shares_noise : bool, default=False
        Whether all rows of a batch get the same noise, so that what is trained does
        not depend on how many rows there are.
    n_copies : int, default=1
        E inside of a shared trunk: noise that rows share is of one copy of them.
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
            Overwritten, and kept as ``weight``, where shares differ.
        """
        self.before, self.n_copies = self.weight, n_copies
        if isinstance(self.weight, float):
            self.weight = self.weight / n_copies
        else:
            np.divide(self.weight[:, None], n_copies, out=out)
            self.weight = out.reshape(len(out), -1, 1)

    def join(self) -> None:
        """Take back the shares as they were before the rows were spread."""
        if self.before is not None:
            self.weight, self.before, self.n_copies = self.before, None, 1


class Layer(Component):
    """Base of the layers; see the laws at the top of the module."""

    @abstractmethod
    def build(self, declare: Declaration, n_in: int) -> int:
        """Declare parameters and buffers; return the number of outputs.

        Parameters
        ----------
        declare : Declaration
            Takes what the layer needs.
        n_in : int
            Columns that come in.

        Returns
        -------
        n_out : int
            Columns that go out.
        """

    @abstractmethod
    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Map rows.

        Parameters
        ----------
        p : namespace
            Views of the parameters.
        x : ndarray of shape (K or 1, B, n_in) or SparseRows
            What comes in.
        cache : namespace
            The layer's buffers; what ``backward`` needs is kept here.
        training : Training or None
            None at prediction.

        Returns
        -------
        y : ndarray of shape (K, B, n_out)
            What goes out.
        """

    def adapt(self, p: Any, x: Any, cache: Any, weight: Array) -> Array:
        """Fit initial parameters to the rows that come in; return what goes out.

        Parameters
        ----------
        p : namespace
            Views of the parameters, which may be changed.
        x : ndarray of shape (K or 1, B, n_in) or SparseRows
            What comes in.
        cache : namespace
            The layer's buffers.
        weight : ndarray of shape (B,)
            Weights of the rows.

        Returns
        -------
        y : ndarray of shape (K, B, n_out)
            What :meth:`forward` gives then, at prediction.
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
        dy : ndarray of shape (K, B, n_out)
            Gradient with respect to what went out; may be overwritten.
        cache : namespace
            As ``forward`` left it.

        Returns
        -------
        dx : ndarray of shape (K, B, n_in) or None
            Gradient with respect to what came in.
        """
