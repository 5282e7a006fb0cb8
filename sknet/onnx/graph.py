"""The ONNX graph: nodes are written one after another, and identified by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet.network.layout import Shape


# From this version on, ReduceSum and the other operators used here have one signature.
OLDEST_OPSET = 13

_LAST = np.iinfo(np.int64).max


class Graph:
    """Writes nodes into the model that skl2onnx is building.

    A value of the graph is a string, the name of the node that computes it. Operators
    are those of ONNX [1]_; onnxruntime implements some of them (Erf, Softplus, Elu,
    Selu) only for float32.

    Parameters
    ----------
    scope, container : object
        The objects that skl2onnx passes to a converter.
    dtype : dtype
        Type of real numbers: float32 or float64.

    Attributes
    ----------
    is_single : bool
        Whether numbers are computed in float32.

    References
    ----------
    .. [1] ONNX operators, https://onnx.ai/onnx/operators/.
    """

    def __init__(self, scope: Any, container: Any, dtype: Any) -> None:
        if container.target_opset < OLDEST_OPSET:
            raise ValueError(
                f"target_opset={container.target_opset} is too old: networks of sknet "
                f"need opset {OLDEST_OPSET} or later."
            )
        self._scope, self._container = scope, container
        self.dtype = np.dtype(dtype)
        self.is_single = self.dtype == np.float32

    def at(self, dtype: Any) -> Graph:
        """Return the same graph with another type of real numbers."""
        return Graph(self._scope, self._container, dtype)

    def op(self, kind: str, *inputs: Any, domain: str = "", **attributes: Any) -> str:
        """Write a node.

        Parameters
        ----------
        kind : str
            Name of an ONNX operator with one output.
        *inputs : str, float or array
            Values of the graph; anything else becomes a constant.
        domain : str, default=""
            Domain of the operator.
        **attributes : object
            Attributes of the operator, and ``op_version`` if it should not be the
            latest version of the target.

        Returns
        -------
        value : str
            Name of the output.
        """
        names = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        value: str = self._scope.get_unique_variable_name(kind.lower())
        node = self._scope.get_unique_operator_name(kind)
        self._container.add_node(
            kind, names, value, op_domain=domain, name=node, **attributes
        )
        return value

    def constant(self, value: Any) -> str:
        """Write a constant.

        Parameters
        ----------
        value : float or array
            Real numbers are rounded to the graph's type; integers, text and booleans
            are kept.

        Returns
        -------
        name : str
            Name of the constant.
        """
        from onnx import TensorProto, numpy_helper

        array = np.asarray(value)
        name: str = self._scope.get_unique_variable_name("constant")
        if array.dtype.kind in "OUT":
            text = [str(word).encode("utf-8") for word in array.ravel()]
            self._container.add_initializer(name, TensorProto.STRING, array.shape, text)
            return name
        kinds: dict[str, Any] = {"f": self.dtype, "i": np.int64, "u": np.int64}
        array = np.ascontiguousarray(array, kinds.get(array.dtype.kind))
        array = array.reshape(np.shape(value))  # () for a number
        tensor = numpy_helper.from_array(array)
        self._container.add_initializer(name, None, None, tensor)
        return name

    def cast(self, x: str, dtype: Any) -> str:
        """Return ``x`` converted to a NumPy dtype."""
        from onnx.helper import np_dtype_to_tensor_dtype

        return self.op("Cast", x, to=np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def columns(self, x: str, start: int, stop: int = _LAST, step: int = 1) -> str:
        """Return ``x[..., start:stop:step]``."""
        ends = (np.array([number]) for number in (start, stop, -1, step))
        return self.op("Slice", x, *ends)

    def chosen(self, x: str, columns: Array) -> str:
        """Return ``x[..., columns]``."""
        return self.op("Gather", x, np.asarray(columns, dtype=np.int64), axis=-1)

    def joined(self, parts: list[str]) -> str:
        """Return the parts concatenated along the last axis."""
        return parts[0] if len(parts) == 1 else self.op("Concat", *parts, axis=-1)

    def reshaped(self, x: str, *shape: int) -> str:
        """Return ``x`` in another shape; one length may be -1."""
        return self.op("Reshape", x, np.array(shape))

    def with_axes(self, x: str, before: Shape, after: Shape) -> str:
        """Return rows of shape ``before`` reshaped to the shape ``after``.

        Parameters
        ----------
        x : str
            Values of shape ``(..., *before)``, with any leading axes.
        before, after : tuple of int
            The shapes of one row, with the same number of elements.

        Returns
        -------
        rows : str
            The values, of shape ``(..., *after)``.
        """
        ends = (np.array([0]), np.array([-len(before)]), np.array([0]))
        leading = self.op("Slice", self.op("Shape", x), *ends)
        return self.op(
            "Reshape", x, self.op("Concat", leading, np.array(after), axis=0)
        )

    def of_members(self, parameter: Array, shape: Shape = (1,)) -> Array:
        """Return a parameter in a shape that broadcasts against rows.

        Parameters
        ----------
        parameter : ndarray of shape (K, ...)
            Values for each member.
        shape : tuple of int, default=(1,)
            The shape of one row.

        Returns
        -------
        values : ndarray
            The values without the first axis for a single member. For several members,
            an axis of length one is inserted after the first for each axis of ``shape``
            before the columns.
        """
        if len(parameter) == 1:
            single: Array = parameter[0]
            return single
        between = (1,) * (len(shape) - 1)
        return parameter.reshape(len(parameter), *between, *parameter.shape[1:])

    def mean_of_members(self, x: str, n_members: int) -> str:
        """Return the mean over the members, the first axis if there are several.

        Parameters
        ----------
        x : str
            Values of shape (N, n) for a single member, else (M, N, n).
        n_members : int
            Number of members M.

        Returns
        -------
        mean : str
            The mean, of shape (N, n).
        """
        if n_members == 1:
            return x
        total = self.op("ReduceSum", x, np.array([0]), keepdims=0)
        return self.op("Mul", total, 1.0 / n_members)
