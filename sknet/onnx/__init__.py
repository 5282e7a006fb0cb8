"""Conversion of fitted networks to ONNX, to run them without Python.

``register()`` adds converters for the estimators of sknet to skl2onnx. It requires the
packages of the extra ``onnx``; importing this module does not.
"""

# Importing them registers the converters.
from sknet.onnx import activations, images, layers, links  # noqa: F401
from sknet.onnx.converters import converter
from sknet.onnx.graph import Graph
from sknet.onnx.register import register


__all__ = ["Graph", "converter", "register"]
