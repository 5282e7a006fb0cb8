"""The graph: ONNX nodes written one after the other, each known by its name."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array


# Sums along given axes, and the other operators used here, have one form from here on.
OLDEST_OPSET = 13

_LAST = np.iinfo(np.int64).max


class Graph:
    """Writes nodes into the model that skl2onnx is making.

    A value of the graph is a string, the name of the node that computes it. Operators
    are those of ONNX [1]_; onnxruntime has no double kernel for some of them (Erf,
    Softplus, Elu, Selu), which are for float32 only.

    Parameters
    ----------
    scope, container : object
        What skl2onnx hands to a converter.
    dtype : dtype
        What real numbers are computed in: float32 or float64.

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
                f"target_opset={container.target_opset}: networks of sknet need "
                f"operators of opset {OLDEST_OPSET} or later."
            )
        self._scope, self._container = scope, container
        self.dtype = np.dtype(dtype)
        self.is_single = self.dtype == np.float32

    def at(self, dtype: Any) -> Graph:
        """Return the same graph, computing in another type."""
        return Graph(self._scope, self._container, dtype)

    def op(self, kind: str, *inputs: Any, domain: str = "", **attributes: Any) -> str:
        """Write a node.

        Parameters
        ----------
        kind : str
            Name of an ONNX operator of one output.
        *inputs : str, float or array
            Values of the graph; anything else becomes a constant.
        domain : str, default=""
            Domain of the operator.
        **attributes : object
            Its attributes; and ``op_version``, if it is not to be the latest one that
            the target has.

        Returns
        -------
        value : str
            What it computes.
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
            Real numbers are rounded to the graph's type; whole numbers, text and truth
            values stay what they are.

        Returns
        -------
        name : str
            Its name.
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
        array = array.reshape(np.shape(value))  # that of a number is ()
        tensor = numpy_helper.from_array(array)
        self._container.add_initializer(name, None, None, tensor)
        return name

    def cast(self, x: str, dtype: Any) -> str:
        """Convert to a type of NumPy."""
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
        """Return columns side by side."""
        return parts[0] if len(parts) == 1 else self.op("Concat", *parts, axis=-1)

    def reshaped(self, x: str, *shape: int) -> str:
        """Return ``x`` in another shape; one number may be -1."""
        return self.op("Reshape", x, np.array(shape))

    def mean_of_members(self, x: str, n_members: int) -> str:
        """Return the mean over the first axis, which counts the members if there are.

        Parameters
        ----------
        x : str
            Of shape (N, n) for a single member, else (M, N, n).
        n_members : int
            M.

        Returns
        -------
        mean : str
            Of shape (N, n).
        """
        if n_members == 1:
            return x
        total = self.op("ReduceSum", x, np.array([0]), keepdims=0)
        return self.op("Mul", total, 1.0 / n_members)
