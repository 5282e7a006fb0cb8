"""Weights of rows and of classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet._sklearn import check_sample_weight
from sknet.problem.class_target import ClassTarget


def check_weight(sample_weight: Any, X: Any) -> np.ndarray | None:
    """Validate weights of rows.

    Parameters
    ----------
    sample_weight : number, array-like of shape (N,), or None
        Sample weights, as passed by the user.
    X : ndarray or sparse matrix of shape (N, D)
        The features of the same rows.

    Returns
    -------
    weight : ndarray of shape (N,), or None
        Weights with sums that neither overflow nor vanish.
    """
    if sample_weight is None:
        return None
    return moderate_scale(check_sample_weight(sample_weight, X))


def class_weights(
    class_weight: Any, target: ClassTarget, y: Array, weight: Array | None
) -> Array:
    """Multiply sample weights by the weights of the classes.

    Parameters
    ----------
    class_weight : dict or 'balanced'
        Weights by label; missing labels have weight 1. 'balanced' gives every class
        the same total weight. A dict that names every class may also name other
        labels.
    target : ClassTarget
        The classes.
    y : ndarray of shape (N,)
        Labels.
    weight : ndarray of shape (N,), or None
        Sample weights.

    Returns
    -------
    weight : ndarray of shape (N,)
        The products.

    Raises
    ------
    ValueError
        If the target is multilabel, or if the dict lacks a class and names a label
        that is not a class.
    """
    if target.kind == "multilabel-indicator":
        raise ValueError(
            f"class_weight={class_weight!r} is not defined for a multilabel target. "
            "Pass sample_weight to fit instead."
        )
    weight = np.ones(len(y)) if weight is None else weight
    codes = np.searchsorted(target.classes, y)
    n_classes = len(target.classes)
    if isinstance(class_weight, str):
        sums = np.bincount(codes, weights=weight, minlength=n_classes)
        present = sums > 0.0
        factors = np.zeros(n_classes)
        factors[present] = sums.sum() / (present.sum() * sums[present])
    else:
        factors = _factors(class_weight, target.classes.tolist())
    return weight * factors[codes]


def _factors(class_weight: dict[Any, Any], labels: list[Any]) -> Array:
    """Return the weight of each label; raise an error for a possible typing error."""
    missing = [label for label in labels if label not in class_weight]
    spare = [label for label in class_weight if label not in labels]
    if missing and spare:
        raise ValueError(
            f"class_weight contains labels {spare} that are not among the classes "
            f"{labels}, and has no weight for {missing}. Other labels are accepted "
            "only if all classes have a weight: add the missing classes, or correct "
            "the labels or their type."
        )
    try:
        weights = np.array(list(class_weight.values()), float)
    except (TypeError, ValueError):
        weights = np.array([np.nan])
    if not np.isfinite(weights).all() or (weights < 0.0).any():
        raise ValueError(
            f"class_weight must hold finite numbers >= 0, got {class_weight!r}."
        )
    factors = np.array([class_weight.get(label, 1.0) for label in labels], float)
    return moderate_scale(factors) if factors.any() else factors


def moderate_scale(weight: np.ndarray) -> np.ndarray:
    """Rescale extremely large or small weights to a mean of one.

    Within sixty orders of magnitude, weights are unchanged: their scale matters, since
    ``alpha`` is divided by their sum, as in scikit-learn.

    Parameters
    ----------
    weight : ndarray of shape (N,)
        Sample weights, not all zero.

    Returns
    -------
    weight : ndarray of shape (N,)
        Weights with sums that neither overflow nor vanish.
    """
    largest = weight.max()
    if 1e-30 < largest < 1e30:
        return weight
    weight = weight / largest
    return weight / weight.mean()
