r"""The activation: a function between layers, with its pullback.

An activation maps a pre-activation :math:`z` to :math:`a = f(z)`, element by element.
Its pullback turns the gradient with respect to :math:`a` into the gradient with
respect to :math:`z`: :math:`dz = f'(z)\, da`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from sknet._component import Component, Registry
from sknet._numerics import Array


class Activation(Component):
    """Base of the activations.

    Attributes
    ----------
    gain : float
        Factor on the variance of the initial weights, relative to a linear unit.
    kinks : tuple of float
        Points without a derivative, which numerical checks avoid.
    needs_input : bool
        Whether :meth:`backward` reads ``z``. If not, a layer may write ``a`` over it.
    surrogate : bool
        Whether :meth:`backward` deliberately differs from the derivative of
        :meth:`forward`.
    n_scratch : int
        Number of scratch arrays needed. With more than one, ``scratch`` has an
        additional leading axis for them.
    forward_scratch : bool
        Whether :meth:`forward` also needs them. If not, prediction allocates none.

    Notes
    -----
    Both methods can be recorded; see ``recordable`` of :class:`Component`.

    The ONNX form is optional. It is not declared here, because only the method of the
    class itself is used: a subclass that computes something else does not inherit it.
    With ``Graph`` from ``sknet.onnx``, its signature is::

        def write_onnx(self, graph: Graph, z: str) -> str

    It writes :meth:`forward`. ``z`` is the name of a value of shape (B, ..., n), or
    (M, B, ..., n) for M members; the result is the name of the output, of the same
    shape, or with :meth:`n_outputs` columns.
    """

    gain: ClassVar[float] = 1.0
    kinks: ClassVar[tuple[float, ...]] = ()
    needs_input: ClassVar[bool] = False
    surrogate: ClassVar[bool] = False
    n_scratch: ClassVar[int] = 1
    forward_scratch: ClassVar[bool] = True

    @abstractmethod
    def forward(self, z: Array, out: Array, scratch: Array) -> None:
        """Write ``f(z)`` into ``out``, which may be ``z`` unless ``needs_input``.

        ``scratch``, of the shape of ``z``, may be overwritten; it is None at prediction
        if ``forward_scratch`` is False.
        """

    @abstractmethod
    def backward(self, z: Array, a: Array, da: Array, scratch: Array) -> None:
        """Turn ``da`` into ``dz`` in place; ``scratch`` may be overwritten."""

    def scratch(self, z: Array) -> Array:
        """Return a ``scratch`` array for input like ``z``; a network keeps its own."""
        shape = z.shape if self.n_scratch == 1 else (self.n_scratch, *z.shape)
        return np.empty(shape, dtype=z.dtype, like=z)

    def n_outputs(self, n_inputs: int) -> int:
        """Return the number of output columns; ValueError if ``n_inputs`` is invalid.

        An activation with fewer outputs than inputs joins *neighbouring* columns, the
        same number for each output. Its :meth:`backward` gets ``da`` in the shape of
        ``z``: the gradient of an output is repeated in each column joined into it.
        """
        return n_inputs


ACTIVATIONS: Registry[Activation] = Registry("activation", Activation)
