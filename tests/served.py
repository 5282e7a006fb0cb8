"""Estimators as onnxruntime serves them, beside what they are in Python."""

import numpy as np
import pytest


skl2onnx = pytest.importorskip("skl2onnx")
onnxruntime = pytest.importorskip("onnxruntime")

data_types = pytest.importorskip("skl2onnx.common.data_types")

TYPES = {
    np.dtype(np.float32): data_types.FloatTensorType,
    np.dtype(np.float64): data_types.DoubleTensorType,
    np.dtype(np.uint8): data_types.UInt8TensorType,
    np.dtype(np.int32): data_types.Int32TensorType,
    np.dtype(np.int64): data_types.Int64TensorType,
    np.dtype(np.bool_): data_types.BooleanTensorType,
}


def tensor_type(values):
    """The declared type of an input, by an example of it."""
    return TYPES.get(values.dtype, data_types.StringTensorType)([None, values.shape[1]])


def serve(model, inputs, options=None, X=None, **params):
    """What comes out of the converted model, by name.

    ``inputs`` is an array, or a dict of arrays with two axes. Their types are declared,
    unless skl2onnx is to find them out from ``X``.
    """
    if not isinstance(inputs, dict):
        inputs = {"X": inputs}
    types = [(name, tensor_type(values)) for name, values in inputs.items()]
    types = types if X is None else None
    graph = skl2onnx.to_onnx(model, X, initial_types=types, options=options, **params)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def columns_of(table, types):
    """Columns of an array of objects, one input each, as their types have them."""
    return {f"c{j}": table[:, j : j + 1].astype(dtype) for j, dtype in enumerate(types)}
