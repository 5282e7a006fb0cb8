"""The five workloads of the fit-speed table, and one more of engine.py."""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale


@dataclass(frozen=True)
class Workload:
    """One row of the table: the data's shape, the network, the training."""

    name: str
    rows: int
    features: int
    classes: int
    hidden: tuple[int, ...]
    batch: int
    epochs: int

    @property
    def outputs(self) -> int:
        """Number of network outputs."""
        return 1 if self.classes == 2 else self.classes

    @property
    def widths(self) -> tuple[int, ...]:
        """Width of every layer, from the features to the outputs."""
        return (self.features, *self.hidden, self.outputs)

    @property
    def steps(self) -> int:
        """Number of updates in a fit."""
        return self.epochs * math.ceil(self.rows / self.batch)

    @property
    def step_flops(self) -> int:
        """Floating-point operations of the products of one full batch."""
        shapes = list(zip(self.widths[:-1], self.widths[1:], strict=True))
        forward = sum(n_in * n_out for n_in, n_out in shapes)
        back_to_data = shapes[0][0] * shapes[0][1]
        return 2 * self.batch * (3 * forward - back_to_data)

    @property
    def largest_product(self) -> int:
        """Multiply-adds of the largest matrix product of one full batch."""
        sizes = zip(self.widths[:-1], self.widths[1:], strict=True)
        return self.batch * max(n_in * n_out for n_in, n_out in sizes)

    def parameters(self) -> dict[str, object]:
        """Return estimator parameters that run all epochs, with defaults otherwise."""
        return {
            "hidden_layer_sizes": self.hidden,
            "batch_size": self.batch,
            "max_iter": self.epochs,
            "tol": 0.0,
            "n_iter_no_change": np.inf,
            "random_state": 0,
        }

    def data(self, dtype: str) -> tuple[np.ndarray, np.ndarray]:
        """Return X and y; classes follow a noisy linear rule."""
        if self.name == "digits":
            X, y = load_digits(return_X_y=True)
            return (X / 16).astype(dtype), y
        if self.name == "cancer":
            X, y = load_breast_cancer(return_X_y=True)
            return scale(X)[: self.rows].astype(dtype), y[: self.rows]
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.rows, self.features))
        scores = X @ rng.standard_normal((self.features, self.classes))
        scores += rng.standard_normal(scores.shape)
        return X.astype(dtype), scores.argmax(axis=1)


WORKLOADS = {
    work.name: work
    for work in (
        Workload("tiny", 150, 4, 3, (10,), 32, 200),
        Workload("digits", 1797, 64, 10, (100,), 200, 50),
        Workload("table", 20640, 8, 2, (256, 256, 256), 256, 3),
        Workload("mnist", 30000, 784, 10, (256, 128), 128, 1),
        Workload("wide", 20000, 100, 2, (512, 512), 1024, 3),
    )
}
CANCER = Workload("cancer", 455, 30, 2, (32,), 200, 100)
