"""Targets: from labels and values to the columns a network is trained on, and back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sknet._numerics import Array, log_softmax
from sknet.losses import ClassLoss
from sknet.problem.labels import plain_labels


# scikit-learn's names of what can be learned here.
_KINDS = ("binary", "multiclass", "multilabel-indicator")
# Types of arrays that can hold nothing but labels: truth values, whole numbers, text.
_LABELS = "biuU"


@dataclass(frozen=True)
class ClassTarget:
    """How class labels become columns.

    Parameters
    ----------
    kind : {'binary', 'multiclass', 'multilabel-indicator'}
        scikit-learn's name of the kind of target. One class counts as binary.
    classes : ndarray of shape (C,)
        The labels, sorted; of a multilabel target the column numbers.
    loss : ClassLoss
        The loss they are judged by, made for this kind of target.
    """

    kind: str
    classes: Array = field(compare=False)
    loss: ClassLoss

    @property
    def n_outputs(self) -> int:
        """Columns: one for two classes, else one a class."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def n_raw(self) -> int:
        """Raw outputs of the network."""
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
        """Return the classes that rows lack; of several labels those in all or none.

        Parameters
        ----------
        encoded : ndarray of bool, of shape (N, C)
            What :meth:`encode` gave.
        weight : ndarray of shape (N,), or None
            Weights of the rows; those of weight zero do not count.

        Returns
        -------
        absent : ndarray
            A part of ``classes``.
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
            What the link gives: probabilities, or margins.

        Returns
        -------
        y : ndarray of shape (N,) or (N, n_outputs)
            Labels, or ones and zeros for several labels at once.
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
        """Return logarithms of class probabilities, a column a class or a label.

        No probability is taken to be less than the least normal number, so that they
        are finite, and rank classes as :meth:`probability` does: in single precision,
        which has few numbers near one, they are those of the rounded probabilities.
        """
        found = self._log_probability(raw)
        if raw.dtype == np.float32 and self.kind != "multilabel-indicator":
            probability = np.exp(found)
            np.log(probability, out=found, where=probability > 0.5)
        return found

    @np.errstate(all="ignore")
    def probability(self, raw: Array) -> Array:
        """Return class probabilities; labels are certain in neither direction."""
        if self.kind == "multilabel-indicator":
            return self._label_probability(raw)
        return np.exp(self._log_probability(raw))

    def _log_probability(self, raw: Array) -> Array:
        """Return what :meth:`log_probability` does; the caller lets overflows pass."""
        if self.kind == "binary":
            if len(self.classes) == 1:
                return np.zeros_like(raw)
            raw = np.concatenate([-raw, raw], axis=1)
        least = np.log(np.finfo(raw.dtype).tiny)
        log_probability = np.maximum(self.loss.log_link(raw), least)
        if self.kind == "multiclass" and self.loss.link_name != "softmax":
            # Each class for itself: one against the rest, as scikit-learn shares.
            log_probability = np.maximum(log_softmax(log_probability), least)
        if self.kind == "multilabel-indicator":
            # Near one, the logarithm of the rounded probability: ties in both alike.
            probability = self._label_probability(raw)
            np.log(probability, out=log_probability, where=probability > 0.5)
        return log_probability

    def _label_probability(self, raw: Array) -> Array:
        """Return probabilities of labels, certain in neither direction."""
        limits = np.finfo(raw.dtype)
        return np.clip(self.loss.link(raw), limits.tiny, 1.0 - limits.eps)

    def score(self, prediction: Array, y: Array, weight: Array | None) -> float:
        """Return the accuracy; of several labels at once, that of whole rows."""
        correct = self.decode(prediction) == y
        if correct.ndim == 2:
            correct = correct.all(axis=1)
        return float(np.average(correct, weights=weight))

    def check_labels(self, y: Array, name: str) -> None:
        """Refuse labels that are no classes.

        Parameters
        ----------
        y : ndarray of shape (N,) or (N, C)
            Labels, or an indicator matrix.
        name : str
            What they are called in the message.
        """
        several = self.kind == "multilabel-indicator"
        n_columns = len(self.classes) if several else 1
        if (y.ndim == 2) != several or (several and y.shape[1] != n_columns):
            training = f"{n_columns} columns" if several else "one label for each row"
            raise ValueError(
                f"`{name}` has the shape {y.shape}, but training has {training}."
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
        """Tell that labels are classes, where a short look is enough to see it."""
        if y.dtype.kind not in _LABELS or y.dtype.kind != self.classes.dtype.kind:
            return False
        found = np.searchsorted(self.classes[:-1], y)
        return bool((self.classes[found] == y).all())

    def check_goes_on(self, y: Array, classes: Any, same_classes: bool) -> None:
        """Refuse a target that does not continue this one.

        Parameters
        ----------
        y : ndarray of shape (N,) or (N, C)
            The new labels.
        classes : array-like or None
            The classes that were handed in with them.
        same_classes : bool
            Whether the new labels must hold every class (``warm_start``).
        """
        if classes is not None and not np.array_equal(
            self.classes, _all_classes(classes)
        ):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to "
                f"partial_fit, was: {self.classes!r}"
            )
        # Whole numbers or text in a row are labels, and a look longer than a step.
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
        """Refuse several labels at once after one for each row, or the other way."""
        multilabel = "multilabel-indicator"
        if (kind == multilabel) != (self.kind == multilabel):
            raise ValueError(
                f"y is a {kind} target, but training began with a {self.kind} one."
            )


def class_target(y: Array, loss: ClassLoss, classes: Any = None) -> ClassTarget:
    """Read the kind of a target, and its classes.

    Parameters
    ----------
    y : ndarray of shape (N,) or (N, C)
        Labels, or an indicator matrix.
    loss : ClassLoss
        The loss; it is told whether the classes are exclusive.
    classes : array-like of shape (C,), optional
        All classes, where ``y`` may not hold every one of them.

    Returns
    -------
    target : ClassTarget
        The encoding.

    Raises
    ------
    ValueError
        If ``y`` holds no labels, or several classes for each of several outputs.
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
    """Return the classes that were handed in, sorted, each once; refuse odd ones."""
    labels = np.asarray(plain_labels(classes))
    if labels.ndim != 1 or not len(labels):
        raise ValueError(
            f"`classes` must be a flat list or array of labels, got {classes!r}."
        )
    types = _types_of(labels)
    if len(types) > 1 or (labels.dtype.kind == "f" and not np.isfinite(labels).all()):
        raise ValueError(
            f"`classes` must be labels of one type, none of them missing: {classes!r}."
        )
    return np.unique(labels)


def _types_of(labels: Array) -> list[str]:
    """Return the names of the types in an array of objects; of another array none."""
    if labels.dtype != object:
        return []
    return sorted(
        {"str" if isinstance(label, str) else type(label).__name__ for label in labels}
    )


def _kind(y: Array) -> str:
    """Return scikit-learn's name of the kind of target, or refuse it."""
    if y.dtype == object and y.ndim == 1:
        types = _types_of(y)
        if types != ["str"]:
            fix = (
                "Use labels of one type."
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
            f"{y.shape[1]} outputs of several classes each. Fit one classifier an "
            "output, e.g. with sklearn.multioutput.MultiOutputClassifier."
        )
    if kind not in _KINDS:
        check_classification_targets(y)  # for its words
    return kind
