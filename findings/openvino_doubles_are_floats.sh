#!/usr/bin/env bash
# OpenVINO computes an ONNX graph of doubles in float32 and labels the result float64.
#
# The graph is Y = X - 1e8, with double input, double constant and double output. For X of
# 1e8 + 0.25, 1e8 + 0.5 and 1e8 + 1.0 onnxruntime gives 0.25, 0.5 and 1.0; OpenVINO gives
# 0.0 for each, in an array of float64, without a warning. Neither the hint
# EXECUTION_MODE_HINT=ACCURACY changes that, nor can INFERENCE_PRECISION_HINT be "f64".
#
# Seen with openvino 2026.4.1, onnx 1.23.2, onnxruntime 1.31.1, numpy 2.4.6, Python 3.11:
#   onnxruntime        float64 [0.25, 0.5, 1.0]
#   openvino {}        float64 [0.0, 0.0, 0.0]
#   openvino {'EXECUTION_MODE_HINT': 'ACCURACY'} float64 [0.0, 0.0, 0.0]
#   INFERENCE_PRECISION_HINT=f64 is refused
#
# Exit status: 0 while it is so, 1 if it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6

cat > try.py <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

for module in (openvino, onnx, onnxruntime, np):
    print(module.__name__, module.__version__)

graph = helper.make_graph(
    [helper.make_node("Sub", ["X", "mean"], ["Y"])],
    "difference",
    [helper.make_tensor_value_info("X", TensorProto.DOUBLE, [3])],
    [helper.make_tensor_value_info("Y", TensorProto.DOUBLE, [3])],
    [numpy_helper.from_array(np.array(1e8), "mean")],
)
opsets = [helper.make_opsetid("", 17)]
model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
onnx.checker.check_model(model, full_check=True)
content = model.SerializeToString()
x = 1e8 + np.array([0.25, 0.5, 1.0])

session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
exact = session.run(None, {"X": x})[0]
print("onnxruntime       ", exact.dtype, exact.tolist())
as_seen = exact.tolist() == [0.25, 0.5, 1.0]

core = openvino.Core()
for settings in ({}, {"EXECUTION_MODE_HINT": "ACCURACY"}):
    compiled = core.compile_model(core.read_model(content), "CPU", settings)
    y = compiled([x])[0]
    print("openvino", settings, y.dtype, y.tolist())
    as_seen &= y.dtype == np.float64 and y.tolist() == [0.0, 0.0, 0.0]
try:
    hint = {"INFERENCE_PRECISION_HINT": "f64"}
    core.compile_model(core.read_model(content), "CPU", hint)
    print("INFERENCE_PRECISION_HINT=f64 is taken")
    as_seen = False
except RuntimeError:
    print("INFERENCE_PRECISION_HINT=f64 is refused")
sys.exit(not as_seen)
PYTHON
venv/bin/python try.py
