"""How much memory does predict need beside its input and its output?

The extra memory is the peak recorded by tracemalloc, to which NumPy reports its arrays.
"""

import argparse
import tracemalloc
from collections.abc import Callable

import numpy as np
from rivals import silent_fit
from sklearn.neural_network import MLPClassifier
from timing import conditions, table

from sknet import SimpleMLPClassifier


FEATURES, CLASSES, HIDDEN = 64, 10, (512, 512)


def peak(call: Callable[[], object]) -> float:
    """Return the peak of newly allocated memory during a call, in MB."""
    call()
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def fitted(kind: type, dtype: str):
    """Return a model trained for one epoch on a few rows: only its shape matters."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, FEATURES)).astype(dtype)
    model = kind(HIDDEN, max_iter=1, random_state=0)
    silent_fit(model, X, np.arange(500) % CLASSES)
    return model


def main() -> None:
    """Measure both classes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=108_000)
    rows = parser.parse_args().rows
    print(conditions(f"{rows} x {FEATURES} rows, hidden {HIDDEN}, {CLASSES} classes"))
    lines = []
    for dtype in ("float64", "float32"):
        X = np.random.default_rng(1).standard_normal((rows, FEATURES)).astype(dtype)
        models = [fitted(kind, dtype) for kind in (SimpleMLPClassifier, MLPClassifier)]
        for method in ("predict", "predict_proba"):
            peaks = [
                peak(lambda m=model, name=method, X=X: getattr(m, name)(X))
                for model in models
            ]
            cells = [f"{most:.1f}" for most in peaks]
            lines.append([method, dtype, *cells, "below 60"])
    print(table(["method", "dtype", "sknet MB", "sklearn MB", "target"], lines))


if __name__ == "__main__":
    main()
