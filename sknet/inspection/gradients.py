r"""Gradients with respect to the features, to explain predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from sknet._numerics import Array
from sknet.estimators._base import BaseMLP
from sknet.model.state import model_of
from sknet.network.image_layers import BRIGHTEST
from sknet.network.learning_rules import Gradient
from sknet.network.network import Network
from sknet.problem.images import Images, as_rows
from sknet.problem.inputs import Table
from sknet.problem.validation import check_features


def input_gradients(estimator: BaseMLP, X: Any, *, output: int | None = None) -> Array:
    r"""Return the gradients of a raw output with respect to the features.

    .. math:: g_{id} = \frac{\partial f(x_i)}{\partial x_{id}}

    They show how the output at :math:`x_i` responds to a small change of each feature.
    The output is the raw one, before the logistic function or softmax, whose slope
    vanishes where the network is certain. Raw outputs of several classes are only
    defined up to a constant per row: to compare two classes, take the difference of
    their gradients.

    Parameters
    ----------
    estimator : SimpleMLPClassifier, SimpleMLPRegressor or one for images
        A fitted estimator.
    X : array-like of shape (n_samples, n_features)
        Points at which to take the gradients; dense. Images may have all their axes.
    output : int, default=None
        Index of the raw output: the class, in the order of ``classes_``, or the target
        of a regression. None uses the only output, or the sum of all outputs.

    Returns
    -------
    gradients : ndarray of shape (n_samples, n_features)
        One gradient per sample, in the shape of ``X``; those of images of type uint8
        are by whole numbers from 0 to 255.

    Raises
    ------
    ValueError
        If ``output`` does not exist, or ``X`` is sparse.

    References
    ----------
    .. [1] K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside convolutional
       networks: visualising image classification models and saliency maps", 2013,
       arXiv:1312.6034.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet import SimpleMLPRegressor
    >>> from sknet.inspection import input_gradients
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> linear = SimpleMLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0)
    >>> input_gradients(linear.fit(X, 3.0 * X[:, 0]), X[:1]).round(2) + 0.0
    array([[3., 0.]])
    """
    check_is_fitted(estimator)
    _refuse_tables(estimator)
    if sparse.issparse(X):
        raise ValueError("Sparse X is not supported here. Pass X.toarray().")
    X, axes = _points(estimator, X)
    model = model_of(estimator).suited(X)
    fitted, theta = model.network, model.theta
    if output is not None and not 0 <= output < fitted.n_outputs:
        raise ValueError(
            f"output must be an integer from 0 to {fitted.n_outputs - 1}, got "
            f"{output!r}."
        )
    # whatever trained the network; its parameters come first in theta in any case
    architecture = replace(model.architecture, learning_rule=Gradient())
    layers = architecture.layers(fitted.n_inputs, fitted.n_outputs)
    network = Network(layers, fitted.input_shape, input_gradient=True)
    gradient = np.zeros((len(theta), network.layout.n_trainable), dtype=theta.dtype)
    views, grads = network.layout.bind(theta), network.layout.bind(gradient)
    cache = network.workspace(len(theta), theta.dtype, training=True).cache(len(X))
    rows = X.astype(theta.dtype)[None]
    with np.errstate(all="ignore"):
        raw = network.forward(views, rows, cache)
        d_raw = np.zeros_like(raw)
        own = model.own(d_raw)  # a view
        share = 1.0 / len(own)  # an ensemble outputs the mean of its raw outputs
        own[..., slice(None) if output is None else output] = share
        dx: Any = network.backward(views, grads, d_raw, cache)
    gradients: Array = dx[0] if len(dx) == 1 else dx.sum(axis=0)
    return np.array(gradients.reshape(len(X), *axes))


def integrated_gradients(
    estimator: BaseMLP,
    X: Any,
    *,
    baseline: Any = None,
    output: int | None = None,
    n_steps: int = 64,
) -> Array:
    r"""Attribute the difference of two raw outputs to the features, row by row.

    .. math:: a_{id} = (x_{id} - b_d) \int_0^1 g_d(b + t (x_i - b))\, dt

    with the baseline :math:`b` and the gradients :math:`g` of the raw output :math:`f`.
    The attributions of a row sum to :math:`f(x_i) - f(b)`.

    Parameters
    ----------
    estimator : SimpleMLPClassifier, SimpleMLPRegressor or one for images
        A fitted estimator.
    X : array-like of shape (n_samples, n_features)
        The rows to explain; dense. Images may have all their axes.
    baseline : array-like of shape (n_features,), default=None
        The point to compare them with, in the shape and the unit of a row of ``X``;
        None for the mean of ``X``.
    output : int, default=None
        Index of the raw output; see :func:`input_gradients`.
    n_steps : int in [1, inf), default=64
        Number of intervals of the integral; the gradient is taken at their midpoints.

    Returns
    -------
    shares : ndarray of shape (n_samples, n_features)
        One row of attributions per sample, in the shape of ``X``.

    Raises
    ------
    ValueError
        If the baseline does not have the width of ``X``, or ``n_steps`` is less than 1.

    References
    ----------
    .. [1] M. Sundararajan, A. Taly and Q. Yan, "Axiomatic attribution for deep
       networks", ICML 2017, arXiv:1703.01365.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet import SimpleMLPRegressor
    >>> from sknet.inspection import integrated_gradients
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> linear = SimpleMLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0)
    >>> linear = linear.fit(X, 3.0 * X[:, 0])
    >>> shares = integrated_gradients(linear, [[2.0, 5.0]], baseline=[0.0, 0.0])
    >>> shares.round(2) + 0.0
    array([[6., 0.]])
    """
    check_is_fitted(estimator)
    _refuse_tables(estimator)
    if n_steps < 1:
        raise ValueError(f"n_steps must be an integer >= 1, got {n_steps!r}.")
    X, axes = _points(estimator, X)
    unit = BRIGHTEST if _scales(estimator, X) else 1.0
    X = np.asarray(X, dtype=np.float64) / unit
    start = X.mean(axis=0).reshape(axes)
    if baseline is not None:
        start = np.asarray(baseline, dtype=np.float64) / unit
    if start.shape != axes:
        raise ValueError(f"baseline must have shape {axes}, got {start.shape}.")
    start = start.reshape(-1)
    total = np.zeros_like(X)
    for t in (np.arange(n_steps) + 0.5) / n_steps:
        total += input_gradients(estimator, start + t * (X - start), output=output)
    shares: Array = (X - start) * total / n_steps
    return shares.reshape(len(X), *axes)


def _points(estimator: BaseMLP, X: Any) -> tuple[Any, tuple[int, ...]]:
    """Return validated rows, and the shape of one of them as it was given."""
    inputs = model_of(estimator).inputs
    if not isinstance(inputs, Images):
        X = check_features(estimator, X)
        return X, X.shape[1:]
    axes = as_rows(X)[1]
    X = check_features(estimator, inputs.rows(X))
    return X, X.shape[1:] if axes is None else axes


def _scales(estimator: BaseMLP, X: Any) -> bool:
    """Return whether the network scales these pixels to [0, 1]."""
    return isinstance(model_of(estimator).inputs, Images) and X.dtype == np.uint8


def _refuse_tables(estimator: BaseMLP) -> None:
    """Raise an error for estimators that encode tables; categories have no gradient."""
    if isinstance(model_of(estimator).inputs, Table):
        raise TypeError(
            f"{type(estimator).__name__} encodes its features, and categories have no "
            "gradient. Use sklearn.inspection.permutation_importance, or a SimpleMLP "
            "estimator on the output of TabularPreprocessor."
        )
