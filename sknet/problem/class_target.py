"""Classification targets: encoding of labels as columns, and decoding."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sknet._numerics import Array, log_softmax
from sknet.losses import ClassLoss
from sknet.problem.labels import plain_labels


# scikit-learn's names of the kinds of target that can be learned.
_KINDS = ("binary", "multiclass", "multilabel-indicator")
# Kinds of arrays that can only hold labels: booleans, integers and text.
_LABELS = "biuU"


@dataclass(frozen=True)
class ClassTarget:
    """Encoding of class labels as columns.

    Parameters
    ----------
    kind : {'binary', 'multiclass', 'multilabel-indicator'}
        scikit-learn's name of the kind of target. A single class counts as binary.
    classes : ndarray of shape (C,)
        The labels, sorted; for a multilabel target, the column numbers.
    loss : ClassLoss
        The loss, configured for this kind of target.
    """

    kind: str
    classes: Array = field(compare=False)
    loss: ClassLoss

    @property
    def n_outputs(self) -> int:
        """Number of columns: one for two classes, otherwise one per class."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def n_raw(self) -> int:
        """Number of raw outputs of the network."""
        return self.loss.n_raw(self.n_outputs)

    def encode(self, y: Array) -> Array:
        """Return a boolean column for each output, of shape (N, C)."""
        if self.kind == "multilabel-indicator":
            return np.asarray(y) != 0
        codes = np.searchsorted(self.classes, y)
        if self.kind == "binary":
            return (codes == 1)[:, None]
        return codes[:, None] == np.arange(len(self.classes))

    def absent(self, encoded: Array, weight: Array | None) -> Array:
        """Return the classes that do not occur; if multilabel, the constant labels.

        Parameters
        ----------
        encoded : ndarray of bool, of shape (N, C)
            Labels encoded by :meth:`encode`.
        weight : ndarray of shape (N,), or None
            Weights of the rows; rows of weight zero do not count.

        Returns
        -------
        absent : ndarray
            A subset of ``classes``.
        """
        rows = encoded if weight is None else encoded[weight > 0.0]
        is_there = np.asarray(rows.any(axis=0))
        is_missing = np.asarray(~rows.all(axis=0))
        if self.kind == "multilabel-indicator":
            return self.classes[~(is_there & is_missing)]
        if self.kind == "multiclass":
            return self.classes[~is_there]
        seen = np.array([is_missing[0], is_there[0]])
        return self.classes[~seen[: len(self.classes)]]

    def decode(self, prediction: Array) -> Array:
        """Return the labels of the most probable classes.

        Parameters
        ----------
        prediction : ndarray of shape (N, n_outputs)
            Output of the link: probabilities or margins.

        Returns
        -------
        y : ndarray of shape (N,) or (N, n_outputs)
            Labels, or an indicator matrix for a multilabel target.
        """
        if self.kind == "multilabel-indicator":
            return (prediction > self.loss.threshold).astype(int)
        if self.kind == "multiclass":
            return self.classes[prediction.argmax(axis=1)]
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(prediction))
        return self.classes[(prediction[:, 0] > self.loss.threshold).astype(int)]

    @np.errstate(all="ignore")
    def log_probability(self, raw: Array) -> Array:
        """Return the logarithms of class probabilities, one column per class or label.

        Probabilities are at least the smallest normal number, so that the logarithms
        are finite. They rank classes as :meth:`probability` does: in single precision,
        which has few numbers near one, they are logarithms of rounded probabilities.
        """
        found = self._log_probability(raw)
        if raw.dtype == np.float32 and self.kind != "multilabel-indicator":
            probability = np.exp(found)
            np.log(probability, out=found, where=probability > 0.5)
        return found

    @np.errstate(all="ignore")
    def probability(self, raw: Array) -> Array:
        """Return class probabilities; those of labels are neither zero nor one."""
        if self.kind == "multilabel-indicator":
            return self._label_probability(raw)
        return np.exp(self._log_probability(raw))

    def _log_probability(self, raw: Array) -> Array:
        """Compute :meth:`log_probability`; the caller ignores floating-point errors."""
        if self.kind == "binary":
            if len(self.classes) == 1:
                return np.zeros_like(raw)
            raw = np.concatenate([-raw, raw], axis=1)
        least = np.log(np.finfo(raw.dtype).tiny)
        log_probability = np.maximum(self.loss.log_link(raw), least)
        if self.kind == "multiclass" and self.loss.link_name != "softmax":
            # Classes are predicted one-vs-rest: normalise as scikit-learn does.
            log_probability = np.maximum(log_softmax(log_probability), least)
        if self.kind == "multilabel-indicator":
            # Near one, take the logarithm of the rounded probability, so that ties are
            # the same in both methods.
            probability = self._label_probability(raw)
            np.log(probability, out=log_probability, where=probability > 0.5)
        return log_probability

    def _label_probability(self, raw: Array) -> Array:
        """Return probabilities of labels, which are neither zero nor one."""
        limits = np.finfo(raw.dtype)
        return np.clip(self.loss.link(raw), limits.tiny, 1.0 - limits.eps)

    def score(self, prediction: Array, y: Array, weight: Array | None) -> float:
        """Return the accuracy; for a multilabel target, the subset accuracy."""
        correct = self.decode(prediction) == y
        if correct.ndim == 2:
            correct = correct.all(axis=1)
        return float(np.average(correct, weights=weight))

    def check_labels(self, y: Array, name: str) -> None:
        """Raise an error for labels that are not among the classes.

        Parameters
        ----------
        y : ndarray of shape (N,) or (N, C)
            Labels, or an indicator matrix.
        name : str
            Name of the labels in the message.
        """
        several = self.kind == "multilabel-indicator"
        n_columns = len(self.classes) if several else 1
        if (y.ndim == 2) != several or (several and y.shape[1] != n_columns):
            training = f"{n_columns} columns" if several else "one label for each row"
            raise ValueError(
                f"`{name}` has shape {y.shape}, but the training target has {training}."
            )
        if several or self._knows(y):
            return
        unknown = np.setdiff1d(y, self.classes)
        if len(unknown):
            raise ValueError(
                f"`{name}` has classes not in `self.classes_`. `self.classes_` has "
                f"{self.classes}. '{name}' has {unknown}."
            )

    def _knows(self, y: Array) -> bool:
        """Return whether a quick check is enough to see that all labels are classes."""
        if y.dtype.kind not in _LABELS or y.dtype.kind != self.classes.dtype.kind:
            return False
        found = np.searchsorted(self.classes[:-1], y)
        return bool((self.classes[found] == y).all())

    def check_goes_on(self, y: Array, classes: Any, same_classes: bool) -> None:
        """Raise an error if training cannot resume with a new target.

        Parameters
        ----------
        y : ndarray of shape (N,) or (N, C)
            The new labels.
        classes : array-like or None
            The ``classes`` that were passed with them.
        same_classes : bool
            Whether the new labels must contain every class (``warm_start``).
        """
        if classes is not None and not np.array_equal(
            self.classes, _all_classes(classes)
        ):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to "
                f"partial_fit, was: {self.classes!r}"
            )
        # A flat array of integers or text can only hold labels; to check it would take
        # longer than a step.
        if y.ndim > 1 or y.dtype.kind not in _LABELS:
            self._check_kind(_kind(y))
        if not same_classes:
            return
        now = class_target(y, self.loss).classes
        if set(now) != set(self.classes):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the "
                f"previous call to fit. Previously got {self.classes}, `y` has {now}"
            )

    def _check_kind(self, kind: str) -> None:
        """Raise an error for a change between multilabel and other targets."""
        multilabel = "multilabel-indicator"
        if (kind == multilabel) != (self.kind == multilabel):
            raise ValueError(
                f"y is a {kind} target, but training started with a {self.kind} target."
            )


def class_target(y: Array, loss: ClassLoss, classes: Any = None) -> ClassTarget:
    """Infer the kind of a target and its classes.

    Parameters
    ----------
    y : ndarray of shape (N,) or (N, C)
        Labels, or an indicator matrix.
    loss : ClassLoss
        The loss; its parameter ``exclusive`` is set to match the target.
    classes : array-like of shape (C,), optional
        All classes, if ``y`` need not contain every one of them.

    Returns
    -------
    target : ClassTarget
        The encoding.

    Raises
    ------
    ValueError
        If ``y`` does not hold labels, or is a multiclass-multioutput target.
    """
    kind = _kind(y)
    if kind == "multilabel-indicator":
        labels = np.arange(y.shape[1]) if classes is None else _all_classes(classes)
    else:
        labels = np.unique(y) if classes is None else _all_classes(classes)
        kind = "binary" if len(labels) <= 2 else "multiclass"
    loss = loss.with_param("exclusive", kind == "multiclass")
    loss.check()
    return ClassTarget(kind, labels, loss)


def _all_classes(classes: Any) -> Array:
    """Return the unique values of ``classes``, sorted; raise an error if invalid."""
    labels = np.asarray(plain_labels(classes))
    if labels.ndim != 1 or not len(labels):
        raise ValueError(
            f"`classes` must be a flat list or 1d array of labels, got {classes!r}."
        )
    types = _types_of(labels)
    if len(types) > 1 or (labels.dtype.kind == "f" and not np.isfinite(labels).all()):
        raise ValueError(
            "`classes` must be labels of a single type, without missing values, got "
            f"{classes!r}."
        )
    return np.unique(labels)


def _types_of(labels: Array) -> list[str]:
    """Return the names of the types in an object array; none for other arrays."""
    if labels.dtype != object:
        return []
    return sorted(
        {"str" if isinstance(label, str) else type(label).__name__ for label in labels}
    )


def _kind(y: Array) -> str:
    """Return scikit-learn's name of the kind of target, or raise an error."""
    if y.dtype == object and y.ndim == 1:
        types = _types_of(y)
        if types != ["str"]:
            fix = (
                "Use labels of a single type."
                if len(types) > 1
                else "Cast them, e.g. y.astype(int) or y.astype(str)."
            )
            raise ValueError(
                "Unknown label type: y is an array of objects of type "
                f"{', '.join(types)}. {fix}"
            )
    kind: str = type_of_target(y, input_name="y")
    if kind == "multiclass-multioutput":
        raise ValueError(
            "Multioutput target data is not supported with label binarization: y has "
            f"{y.shape[1]} outputs of several classes each. Fit one classifier per "
            "output, e.g. with sklearn.multioutput.MultiOutputClassifier."
        )
    if kind not in _KINDS:
        check_classification_targets(y)  # raises scikit-learn's error
    return kind
