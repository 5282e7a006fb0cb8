"""Class predictions from raw outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sknet._numerics import Array
from sknet.model.fitted import FittedModel
from sknet.model.pooling import log_mean, mean_link, pooled
from sknet.problem.class_target import ClassTarget
from sknet.training.forward import Head


@dataclass(frozen=True, eq=False)
class ClassModel(FittedModel):
    """A fitted classification model.

    Each method takes the raw outputs (K, N, R) of N rows, as returned by :meth:`raw`.
    """

    target: ClassTarget

    def output(self, name: str) -> Head:
        """Return an output of a single network, as a function of its raw outputs.

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

    def predict(self, raw: Array) -> Array:
        """Return the most probable classes, (N,) or (N, n_labels)."""
        with np.errstate(all="ignore"):
            return self.target.decode(mean_link(self.loss, raw))

    def predict_members(self, raw: Array) -> Array:
        """Return the classes predicted by each network, along the first axis."""
        with np.errstate(all="ignore"):
            return np.stack([self.target.decode(self.loss.link(r)) for r in raw])

    def probability(self, raw: Array) -> Array:
        """Return the mean probabilities of the networks, (N, n_classes)."""
        members = self.probability_members(raw)
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
