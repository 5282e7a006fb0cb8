"""ONNX: fitted networks as graphs that run without Python.

``register()`` teaches skl2onnx to convert the estimators of sknet. It needs what
the extra ``onnx`` installs; importing this does not.
"""

from sknet.onnx import activations, layers, links  # noqa: F401, they enter converters
from sknet.onnx.converters import converter
from sknet.onnx.register import register


__all__ = ["converter", "register"]
