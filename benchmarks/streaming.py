"""How long does a call of partial_fit take, for one row of a stream or for many?

scikit-learn's networks are the reference; both libraries have one thread. These calls
are small: most of their time is overhead and not mathematics.
"""

import argparse
from collections.abc import Callable
from statistics import median
from timeit import timeit

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits
from timing import conditions, table

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


FEATURES, CLASSES, HIDDEN = 30, 3, (64, 32)
CALLS = {1: 100, 50: 100, 1000: 10}  # calls in a turn, by the rows of a call
PAIRS = {
    "classifier": (MLPClassifier, SimpleMLPClassifier),
    "regressor": (MLPRegressor, SimpleMLPRegressor),
}


def call_of(kind: type, X: np.ndarray, **params: object) -> Callable[[], object]:
    """Return a call of a network that was already fitted to similar rows."""
    model = kind(hidden_layer_sizes=HIDDEN, random_state=0, **params)
    if kind in PAIRS["regressor"]:
        model.partial_fit(X, X[:, 0])
        return lambda: model.partial_fit(X, X[:, 0])
    y = np.arange(len(X)) % CLASSES
    model.partial_fit(X, y, classes=np.arange(CLASSES))
    return lambda: model.partial_fit(X, y)


def turns(calls: list[Callable[[], object]], repeats: int, runs: int) -> np.ndarray:
    """Return microseconds per call by turn and system, without the first turn."""
    taken = [[timeit(call, number=repeats) for call in calls] for _ in range(runs + 1)]
    return 1e6 * np.array(taken[1:]) / repeats


def main() -> None:
    """Measure both kinds of network and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=31)
    runs = parser.parse_args().runs
    said = f"partial_fit, {FEATURES} features, hidden {HIDDEN}, {CLASSES} classes"
    print(conditions(said, f"{runs} turns, one thread each"), flush=True)
    lines = []
    with threadpool_limits(1, user_api="blas"):
        for dtype in ("float64", "float32"):
            for name, pair in PAIRS.items():
                for n_rows, repeats in CALLS.items():
                    X = np.random.default_rng(0).standard_normal((n_rows, FEATURES))
                    calls = [call_of(kind, X.astype(dtype)) for kind in pair]
                    taken = turns(calls, repeats, runs)
                    theirs, ours = taken.T
                    ratios = theirs / ours
                    spread = f"{ratios.min():.2f}-{ratios.max():.2f}"
                    cells = [f"{median(theirs):.0f}", f"{median(ours):.0f}"]
                    cells.append(f"{median(ratios):.2f} ({spread})")
                    lines.append([name, dtype, n_rows, *cells])
    head = ["network", "dtype", "rows", "sklearn, us", "sknet, us", "sklearn / sknet"]
    print(table(head, lines))


if __name__ == "__main__":
    main()
