"""How long does the prediction of a single row take?"""

import argparse
from collections.abc import Callable
from statistics import median

import numpy as np
from rivals import silent_fit
from sklearn.neural_network import MLPClassifier
from timing import Ratio, conditions, in_turns, table

from sknet import SimpleMLPClassifier


FEATURES, HIDDEN, ROWS = 30, (64, 32), 600


def repeated(model, method: str, X: np.ndarray, calls: int) -> Callable[[], None]:
    """Return a call that predicts the same row many times."""
    predict = getattr(model, method)

    def run() -> None:
        for _ in range(calls):
            predict(X)

    return run


def main() -> None:
    """Measure both classes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--calls", type=int, default=1000, help="per turn")
    given = parser.parse_args()
    said = f"one row of {FEATURES} features, hidden {HIDDEN}, two classes, float64"
    print(conditions(f"{given.runs} turns of {given.calls} calls", said))
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((ROWS, FEATURES)), np.arange(ROWS) % 2
    models = {"sknet": SimpleMLPClassifier, "sklearn": MLPClassifier}
    models = {name: kind(HIDDEN, max_iter=2) for name, kind in models.items()}
    for model in models.values():
        silent_fit(model, X, y)
    rows = []
    for method in ("predict", "predict_proba"):
        calls = {
            name: repeated(model, method, X[:1], given.calls)
            for name, model in models.items()
        }
        taken = in_turns(calls, given.runs)
        cells = [f"{1e6 * median(taken[name]) / given.calls:.1f}" for name in models]
        rows.append([method, *cells, Ratio(taken["sklearn"], taken["sknet"])])
    print(table(["method", "sknet us", "sklearn us", "sklearn / sknet"], rows))


if __name__ == "__main__":
    main()
