"""Class predictions from raw outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.model.fitted import FittedModel
from sknet.model.pooling import log_mean, mean_prediction, pooled
from sknet.problem.class_target import ClassTarget
from sknet.training.forward import Head


@dataclass(frozen=True, eq=False)
class ClassModel(FittedModel):
    """A fitted classification model.

    Methods take the raw outputs (K, N, R) of N rows, as returned by :meth:`raw`, or the
    predictions (K, N, C) of the loss, or probabilities.
    """

    target: ClassTarget

    def output(self, name: str) -> Head:
        """Return an output of a network, as a function of its raw outputs.

        Parameters
        ----------
        name : {"prediction", "probability"}
            Name of the output.
        """
        if name != "probability":
            return super().output(name)
        target, n_raw = self.target, self.network.n_outputs
        n_columns = 2 if target.kind == "binary" else n_raw
        if target.kind == "binary" and len(target.classes) == 1:
            n_columns = 1
        key = name, target.kind, len(target.classes), target.loss
        return Head(key, target.probability, n_columns)

    def decoded(self, predictions: Array) -> Array:
        """Return the most probable classes for the predictions (K, N, C)."""
        return self.target.decode(mean_prediction(predictions))

    def decoded_members(self, predictions: Array) -> Array:
        """Return the classes predicted by each network, along the first axis."""
        return np.stack([self.target.decode(p) for p in predictions])

    def mean_probability(self, members: Array) -> Array:
        """Return the mean (N, n_classes) of the probabilities of the networks."""
        mean: Array = members[0] if len(members) == 1 else members.mean(axis=0)
        return mean

    def probability_members(self, raw: Array) -> Array:
        """Return the probabilities predicted by each network, (K, N, n_classes)."""
        if len(raw) == 1:  # a copy would count in the prediction of a single row
            return self.target.probability(raw[0])[None]
        return np.stack([self.target.probability(member) for member in raw])

    def log_probability(self, raw: Array) -> Array:
        """Return the logarithms of :meth:`probability`, which are finite."""
        if len(raw) == 1:
            return self.target.log_probability(raw[0])
        mean = np.stack([self.target.probability(r) for r in raw]).mean(axis=0)
        return np.log(np.maximum(mean, np.finfo(mean.dtype).tiny))

    def scores(self, raw: Array) -> Array:
        """Return a score for each class; for two classes, that of the second, (N,)."""
        with np.errstate(all="ignore"):
            # Raw outputs of a softmax are determined up to a constant per row only.
            softmax = self.loss.link_name == "softmax"
            found = log_mean(self.loss, raw) if softmax else pooled(self.loss, raw)
        return found.ravel() if self.target.kind == "binary" else found
