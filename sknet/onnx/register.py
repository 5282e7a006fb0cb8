"""Registration with skl2onnx: parsers, output types and converters.

skl2onnx and onnx are imported only when needed: sknet does not require them.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sknet._numerics import Array
from sknet.estimators._base import BaseMLP
from sknet.estimators.classifier import SimpleMLPClassifier
from sknet.estimators.cnn_classifier import SimpleCNNClassifier
from sknet.estimators.cnn_regressor import SimpleCNNRegressor
from sknet.estimators.regressor import SimpleMLPRegressor
from sknet.estimators.tabular_classifier import TabularMLPClassifier
from sknet.estimators.tabular_regressor import TabularMLPRegressor
from sknet.model.state import model_of
from sknet.network.image_layers import BRIGHTEST
from sknet.onnx.graph import Graph
from sknet.onnx.predictions import (
    raw_outputs,
    shape_of_values,
    write_classes,
    write_deviations,
    write_quantiles,
    write_values,
)
from sknet.onnx.tables import Input, encode
from sknet.preprocessing import TabularPreprocessor
from sknet.problem.images import Images, check_axes
from sknet.problem.inputs import Table


_CLASSIFIERS = (SimpleMLPClassifier, SimpleCNNClassifier, TabularMLPClassifier)
_REGRESSORS = (SimpleMLPRegressor, SimpleCNNRegressor, TabularMLPRegressor)

_CLASSIFIER_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [True, False],
}
_REGRESSOR_OPTIONS = {"return_std": [True, False], "return_quantiles": [True, False]}


def register() -> None:
    """Register the estimators of sknet with skl2onnx.

    Call it once, before ``skl2onnx.to_onnx`` or ``convert_sklearn``; calling it again
    has no effect. Networks can then be converted alone, in a ``Pipeline`` and in a
    ``CalibratedClassifierCV``.

    Networks for images take rows of pixels, or images of the declared shape. As in
    ``predict``, inputs of type uint8 are scaled to [0, 1], and others are used as they
    are: a network that was fitted to uint8 takes real numbers from 0 to 1.

    Raises
    ------
    ImportError
        If skl2onnx or onnx is not installed.

    See Also
    --------
    sknet.onnx.converter : How components of your own are converted.

    Examples
    --------
    >>> import sknet
    >>> sknet.onnx.register()  # doctest: +SKIP
    """
    try:
        import onnx  # noqa: F401, the converters need it
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            "sknet.onnx needs skl2onnx and onnx, which are not installed: "
            "pip install skl2onnx onnx onnxruntime"
        ) from error
    for classifier in _CLASSIFIERS:
        update_registered_converter(
            classifier,
            _alias(classifier),
            _shape_classifier,
            _convert_classifier,
            options=_CLASSIFIER_OPTIONS,
        )
    for regressor in _REGRESSORS:
        update_registered_converter(
            regressor,
            _alias(regressor),
            _shape_regressor,
            _convert_regressor,
            parser=_parse_regressor,
            options=_REGRESSOR_OPTIONS,
        )
    update_registered_converter(
        TabularPreprocessor,
        _alias(TabularPreprocessor),
        _shape_preprocessor,
        _convert_preprocessor,
    )


def _alias(cls: type) -> str:
    """Return the name of a class in skl2onnx."""
    return f"Sknet{cls.__name__}"


# ----------------------------------------------------------------------------- inputs


def _dtype(operator: Any) -> Any:
    """Return the dtype to compute in: float64 if any input has it, else float32."""
    from skl2onnx.common.data_types import DoubleTensorType

    double = any(isinstance(x.type, DoubleTensorType) for x in operator.inputs)
    return np.float64 if double else np.float32


def _inputs(operator: Any) -> list[Input]:
    """Return the inputs, which together hold the features of the fit, in order."""
    n_features, found, start = operator.raw_operator.n_features_in_, [], 0
    for variable in operator.inputs:
        shape = variable.type.shape
        width = shape[1] if len(shape) > 1 else None
        if len(shape) > 2:  # images, which become rows of pixels
            width = _n_pixels(operator, variable)
        if not isinstance(width, Integral) and len(operator.inputs) == 1:
            width = n_features
        if not isinstance(width, Integral):
            raise ValueError(
                f"The input {variable.raw_name!r} has shape {list(shape)}: declare its "
                "number of columns, e.g. FloatTensorType([None, 1])."
            )
        stop = start + int(width)
        kind, dtype = _kind(variable)
        found.append(Input(variable.full_name, kind, start, stop, dtype))
        start = stop
    if start != n_features:
        raise ValueError(
            f"The inputs have {start} columns in total, but "
            f"{type(operator.raw_operator).__name__} was fitted with {n_features}."
        )
    _check_names(operator, found)
    return found


def _n_pixels(operator: Any, variable: Any) -> int:
    """Return the number of pixels in images of the declared shape."""
    source, axes = model_of(operator.raw_operator).inputs, variable.type.shape[1:]
    if not isinstance(source, Images) or len(operator.inputs) > 1:
        raise ValueError(
            f"The input {variable.raw_name!r} has shape {list(variable.type.shape)}: "
            "declare it as [None, number of columns]."
        )
    check_axes(tuple(axes), source.shape)
    return source.n_columns


def _kind(variable: Any) -> tuple[str, Any]:
    """Return the kind of values that a type holds, and their dtype."""
    name = type(variable.type).__name__.removesuffix("TensorType")
    reals = {"Double": np.float64, "Float": np.float32, "Float16": np.float16}
    if name == "String":
        return "text", np.str_
    if name in reals:
        return "real", reals[name]
    return "whole", np.dtype("bool" if name == "Boolean" else name.lower()).type


def _check_names(operator: Any, inputs: list[Input]) -> None:
    """Raise an error for columns in another order, because only their order counts.

    Inputs may have other names, but not the name of a column at another position.
    """
    names = list(vars(operator.raw_operator).get("feature_names_in_", ()))
    given = [variable.raw_name for variable in operator.inputs]
    for name, part in zip(given, inputs, strict=True):
        stands_elsewhere = name in names and names[part.start] != name
        if stands_elsewhere and part.stop - part.start == 1:
            raise ValueError(
                f"The inputs are named {given}, but the columns of the fit are in the "
                f"order {names}: declare the inputs in that order."
            )


def _features(graph: Graph, operator: Any) -> str:
    """Write the input columns of the network."""
    estimator, inputs = operator.raw_operator, _inputs(operator)
    if isinstance(estimator, TabularPreprocessor):
        return encode(graph, estimator, inputs)
    source = model_of(estimator).inputs
    if isinstance(source, Table):
        return encode(graph, source.encoder, inputs)
    text = [part.name for part in inputs if part.kind == "text"]
    if text:
        raise ValueError(
            f"{type(estimator).__name__} takes numbers, but the inputs {text} are text."
        )
    columns = graph.joined([graph.cast(part.name, graph.dtype) for part in inputs])
    if isinstance(source, Images):
        columns = graph.op("Flatten", columns, axis=1)
        if all(part.dtype is np.uint8 for part in inputs):
            columns = graph.op("Mul", columns, 1.0 / BRIGHTEST)
    return columns


def _model(estimator: BaseMLP) -> Any:
    """Return the fitted model for real numbers: images come in with values in [0, 1].

    Those of type uint8 are scaled before, whatever the network was trained on.
    """
    return model_of(estimator).suited(np.empty(0))


# ---------------------------------------------------------------------------- outputs


def _set_types(operator: Any, shapes: list[tuple[int | None, ...]]) -> None:
    """Set the types of the last outputs to real numbers of the computing dtype."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    real = DoubleTensorType if _dtype(operator) == np.float64 else FloatTensorType
    n_rows = operator.inputs[0].get_first_dimension()
    reals = operator.outputs[-len(shapes) :]
    for variable, shape in zip(reals, shapes, strict=True):
        variable.set_type(real([n_rows, *shape]))


def _put(operator: Any, container: Any, values: list[str]) -> None:
    """Connect values to the outputs."""
    for value, variable in zip(values, operator.outputs, strict=True):
        container.add_node("Identity", value, variable.full_name)


def _classes(scope: Any, estimator: BaseMLP) -> Array:
    """Return the class labels in a form that ONNX supports: integers or strings."""
    from skl2onnx.common.utils_classifier import get_label_classes

    classes: Array = np.asarray(get_label_classes(scope, estimator))
    if classes.dtype.kind in "OUT":
        return classes
    if (classes.astype(np.int64) != classes).any():
        raise ValueError(
            f"The classes are {classes.tolist()}, but labels in ONNX are integers or "
            "strings. Fit with such labels, or use options={'nocl': True}."
        )
    return classes.astype(np.int64)


def _shape_classifier(operator: Any) -> None:
    """Set the types of the outputs of a classifier."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    estimator = operator.raw_operator
    check_is_fitted(estimator)
    classes = _classes(operator.scope_inst, estimator)
    n_rows = operator.inputs[0].get_first_dimension()
    several = model_of(estimator).target.kind == "multilabel-indicator"
    label = Int64TensorType if classes.dtype.kind == "i" else StringTensorType
    operator.outputs[0].set_type(label([n_rows, len(classes)] if several else [n_rows]))
    _set_types(operator, [(len(classes),)])


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    """Write labels and probabilities of a classifier."""
    estimator, graph = operator.raw_operator, Graph(scope, container, _dtype(operator))
    options = container.get_options(estimator, {"raw_scores": False})
    model = _model(estimator)
    raw, target = raw_outputs(graph, model, _features(graph, operator)), model.target
    label, scores = write_classes(graph, target, raw, options["raw_scores"])
    if target.kind != "multilabel-indicator":
        label = graph.op("Gather", _classes(scope, estimator), label, axis=0)
    _put(operator, container, [label, scores])


def _parse_regressor(
    scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None
) -> list[Any]:
    """Declare the outputs of a regressor, depending on the options."""
    from skl2onnx.common.data_types import guess_tensor_type

    del custom_parsers
    options = scope.get_options(model, dict.fromkeys(_REGRESSOR_OPTIONS, False))
    operator = scope.declare_local_operator(_alias(type(model)), model)
    operator.inputs = inputs
    names = ["variable"]
    names += ["std"] * bool(options["return_std"])
    names += ["quantiles"] * bool(options["return_quantiles"])
    for name in names:
        real = guess_tensor_type(inputs[0].type)
        operator.outputs.append(scope.declare_local_variable(name, real))
    outputs: list[Any] = operator.outputs
    return outputs


def _shape_regressor(operator: Any) -> None:
    """Set the types of the outputs of a regressor."""
    check_is_fitted(operator.raw_operator)
    target = model_of(operator.raw_operator).target
    n_outputs, n_levels = target.n_outputs, target.n_raw // target.n_outputs - 1
    quantiles = (n_levels,) if n_outputs == 1 else (n_outputs, n_levels)
    shapes = {"std": (n_outputs,), "quantiles": quantiles}
    more = [shapes[variable.raw_name] for variable in operator.outputs[1:]]
    _set_types(operator, [shape_of_values(target), *more])


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    """Write the predictions of a regressor, and the outputs that the options add."""
    model = _model(operator.raw_operator)
    graph = Graph(scope, container, _dtype(operator))
    raw, target = raw_outputs(graph, model, _features(graph, operator)), model.target
    writers = {"std": write_deviations, "quantiles": write_quantiles}
    values = [write_values(graph, target, raw)]
    for variable in operator.outputs[1:]:
        values.append(writers[variable.raw_name](graph, target, raw))
    _put(operator, container, values)


def _shape_preprocessor(operator: Any) -> None:
    """Set the type of the output of a preprocessor."""
    encoder = operator.raw_operator
    check_is_fitted(encoder)
    n_columns = encoder.n_numeric_ + encoder.n_flags_ + len(encoder.n_levels_)
    _set_types(operator, [(n_columns,)])


def _convert_preprocessor(scope: Any, operator: Any, container: Any) -> None:
    """Write the output columns of a preprocessor."""
    graph = Graph(scope, container, _dtype(operator))
    _put(operator, container, [_features(graph, operator)])
