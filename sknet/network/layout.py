"""The layout: the parameters of a network and their positions in ``theta``.

Layers declare parameters; the layout sorts them into three zones,
``[decayed weights | other trainables | running statistics]``, and returns views.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple

from sknet._numerics import Array
from sknet.initializers import Initializer


# The shape of one row: (columns,), possibly with axes before the columns.
Shape = tuple[int, ...]

DECAYED, FREE, STATISTIC = range(3)


@dataclass(frozen=True)
class Parameter:
    """One declared parameter array.

    Parameters
    ----------
    path : str
        Its path in the tree of layers, e.g. ``"0.weight"``.
    shape : tuple of int
        Shape for one member.
    zone : int
        ``DECAYED``, ``FREE`` or ``STATISTIC``.
    initializer : Initializer
        Draws the initial values.
    fan : tuple of int
        Numbers of inputs and outputs of its layer.
    gain : float
        The gain of the activation after the layer.
    n_places : int, default=1
        Number of positions of a row at which it is used: of a convolution, the windows.
    """

    path: str
    shape: tuple[int, ...]
    zone: int
    initializer: Initializer
    fan: tuple[int, int]
    gain: float
    n_places: int = 1

    @property
    def size(self) -> int:
        """Number of elements for one member."""
        return math.prod(self.shape)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Buffer:
    """One declared array of the workspace, of shape (K, n_copies * B, *shape)."""

    name: str
    shape: Shape
    training: bool
    n_scratch: int = 0
    n_copies: int = 1
    holds_index: bool = False

    @property
    def size(self) -> int:
        """Number of elements for each row of the batch."""
        return self.n_copies * math.prod(self.shape)


@dataclass(eq=False)
class Declaration:
    """The parameters and buffers that a layer declares while a network is built.

    Parameters
    ----------
    path : str
        Prefix of the layer's parameters; empty at the root.
    at_input : bool
        Whether the layer reads the network's input, whose gradient is not needed.
    draws_noise : bool
        Whether the layer draws from the noise streams during training.
    mixes_rows : bool
        Whether an output of the layer depends on other rows of the batch in training.
    n_copies : int
        Number of consecutive copies of the batch that the layer works on: its input
        and its arrays have ``n_copies * B`` rows. A layer that makes or removes copies
        changes the number for later declarations and for the layers after it.
    n_heads : int
        Number of members in the output for each member of the input.
    passes_input : bool
        Whether the layer has no parameters and only passes on the input, so that the
        next layer reads the network's input if this one does.
    reads_error : bool
        Whether the layer, which is then the last one, also needs the error of the
        outputs, before the slope of their activation.
    """

    path: str = ""
    at_input: bool = True
    draws_noise: bool = False
    mixes_rows: bool = False
    n_copies: int = 1
    n_heads: int = 1
    passes_input: bool = False
    reads_error: bool = False
    parameters: list[Parameter] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    children: list[Declaration] = field(default_factory=list)

    def parameter(
        self,
        name: str,
        shape: tuple[int, ...],
        zone: int,
        initializer: Initializer,
        fan: tuple[int, int],
        gain: float = 1.0,
        n_places: int = 1,
    ) -> None:
        """Declare a parameter array; see :class:`Parameter`."""
        path = f"{self.path}.{name}" if self.path else name
        self.parameters.append(
            Parameter(path, shape, zone, initializer, fan, gain, n_places)
        )

    def buffer(self, name: str, shape: Shape, training: bool = False) -> None:
        """Declare a workspace array (K, B, *shape).

        If ``training``, it is not needed in prediction.
        """
        buffer = Buffer(name, shape, training, n_copies=self.n_copies)
        self.buffers.append(buffer)

    def index(self, name: str, shape: Shape, training: bool = False) -> None:
        """Declare a workspace array of integers, otherwise like :meth:`buffer`."""
        buffer = Buffer(name, shape, training, n_copies=self.n_copies, holds_index=True)
        self.buffers.append(buffer)

    def scratch(
        self, name: str, shape: Shape, n_scratch: int = 1, training: bool = False
    ) -> None:
        """Declare a workspace array whose content is not kept after a call.

        All layers share the memory of their scratch arrays, so that it stays in cache;
        hence a layer can declare scratch only once. The shape is (K, B, *shape), with
        a leading axis if there is more than one array.
        """
        buffer = Buffer(name, shape, training, n_scratch, self.n_copies)
        self.buffers.append(buffer)

    def child(self, at_input: bool) -> Declaration:
        """Return the declaration of the next layer inside this one."""
        name = str(len(self.children))
        path = f"{self.path}.{name}" if self.path else name
        at_input = self.at_input and at_input
        child = Declaration(path, at_input=at_input, n_copies=self.n_copies)
        self.children.append(child)
        return child

    def walk(self) -> Iterator[Declaration]:
        """Iterate over this declaration and all inside it, in declaration order."""
        yield self
        for child in self.children:
            yield from child.walk()


class RateFactor(NamedTuple):
    """A factor on the steps of the parameters in columns ``start`` to ``stop``."""

    start: int
    stop: int
    factor: float


class _Node(NamedTuple):
    """The views of a layer: name, start, stop and shape of each, for any K."""

    views: tuple[tuple[str, int, int, tuple[int, ...]], ...]
    children: tuple[_Node, ...]


class Layout:
    """The positions of all parameters of a network in one vector.

    Parameters
    ----------
    declaration : Declaration
        The declaration of the root layer.

    Attributes
    ----------
    parameters : tuple of Parameter
        In declaration order, which is also the order of the initial draws.
    n_decayed, n_trainable, n_parameters : int
        Ends of the three zones.
    """

    def __init__(self, declaration: Declaration) -> None:
        self.parameters = tuple(
            p for node in declaration.walk() for p in node.parameters
        )
        self._places: dict[str, tuple[int, int]] = {}
        ends, start = [], 0
        for zone in (DECAYED, FREE, STATISTIC):
            for p in self.parameters:
                if p.zone == zone:
                    self._places[p.path] = (start, start + p.size)
                    start += p.size
            ends.append(start)
        self.n_decayed, self.n_trainable, self.n_parameters = ends
        self._tree = self._node(declaration)

    def view(self, theta: Array, parameter: Parameter) -> Array:
        """Return the view of one parameter, of shape (K, *shape)."""
        start, stop = self._places[parameter.path]
        return theta[:, start:stop].reshape(len(theta), *parameter.shape)

    def bind(self, theta: Array) -> Any:
        """Return the tree of views: attributes by name, ``children`` by position.

        Parameters
        ----------
        theta : ndarray of shape (K, P) or (K, P')
            Parameters, or a gradient, which ends before the running statistics.

        Returns
        -------
        views : SimpleNamespace
            The ``p`` or ``grad`` of the root layer.
        """
        return self._bind(self._tree, theta)

    def _node(self, node: Declaration) -> _Node:
        """Return names, positions and shapes of one node, precomputed for ``bind``."""
        views = tuple(
            (p.name, *self._places[p.path], (-1, *p.shape)) for p in node.parameters
        )
        return _Node(views, tuple(self._node(child) for child in node.children))

    def _bind(self, node: _Node, theta: Array) -> Any:
        """Return the tree of views of one node."""
        n_columns = theta.shape[1]
        views = {
            name: theta[:, start:stop].reshape(shape)
            for name, start, stop, shape in node.views
            if stop <= n_columns
        }
        children = tuple([self._bind(child, theta) for child in node.children])
        return SimpleNamespace(children=children, **views)

    def learning_rate_multipliers(
        self, by_name: Mapping[str, float]
    ) -> list[RateFactor]:
        """Return the factors other than 1 on the steps of trainable parameters.

        Parameters
        ----------
        by_name : dict of str to float
            Factors by parameter name; other parameters have the factor 1.

        Returns
        -------
        factors : list of RateFactor
            Ranges of columns and their factors, in declaration order.
        """
        factors = []
        for p in self.parameters:
            factor = by_name.get(p.name, 1.0)
            if factor != 1.0 and p.zone != STATISTIC:
                factors.append(RateFactor(*self._places[p.path], factor))
        return factors

    def named(self, theta: Array, name: str) -> list[Array]:
        """Return the views of every parameter with a name, in the order of layers."""
        return [self.view(theta, p) for p in self.parameters if p.name == name]
