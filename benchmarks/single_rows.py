"""How much does a fitted network retain after updates with single rows?

A fit is followed by calls of `partial_fit` with one row each: either rows like those of
the fit, with R2 on test rows after each of them; or rows of another kind, with R2 on
rows of that kind. The data are synthetic; `--data` adds the table *concrete* of a
folder in the format of `tabular.py` to the first part. Features and targets are
standardised, as the simple network requires.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from robustness import mean
from sklearn.datasets import make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from tabular_data import load_table, table_names
from timing import conditions, table

from sknet import SimpleMLPRegressor, TabularMLPRegressor


ROWS = 2000  # synthetic training rows, and the same number of test rows
STREAM, SHORT = 200, 20  # single rows after the fit
TEST = 250  # training rows of a table
MARKS = (0, 200, 1000, 3000)  # rows of another kind
KINDS = (TabularMLPRegressor, SimpleMLPRegressor)


def curve(kind: type, X: Any, y: Any, n_test: int, seed: int) -> list[float]:
    """Return R2 after a fit, and after each further row like those of the fit."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=n_test, random_state=seed)
    of_X, of_y = standard(X[STREAM:]), standard(y[STREAM:])
    X, X_test, y, y_test = of_X(X), of_X(X_test), of_y(y), of_y(y_test)
    network = kind(random_state=seed).fit(X[STREAM:], y[STREAM:])
    found = [network.score(X_test, y_test)]
    for i in range(STREAM):
        network.partial_fit(X[i : i + 1], y[i : i + 1])
        found.append(network.score(X_test, y_test))
    return found


def standard(fitted: Any) -> Callable[[Any], Any]:
    """Return a function that standardises numbers like those of the fit."""
    center, unit = fitted.mean(axis=0), fitted.std(axis=0)
    return lambda values: (values - center) / unit


def changed_world(kind: type, seed: int) -> list[float]:
    """Return R2 on rows of another kind, after updates with single such rows."""
    X, y = make_friedman1(2 * ROWS + MARKS[-1], noise=0.5, random_state=seed)
    X, y = standard(X)(X), standard(y)(y)
    network = kind(random_state=seed).fit(X[:ROWS], y[:ROWS])
    X, y = X[ROWS:, ::-1], y[ROWS:]  # the target follows other columns
    found = []
    for i in range(MARKS[-1] + 1):
        if i in MARKS:
            found.append(network.score(X[-ROWS:], y[-ROWS:]))
        network.partial_fit(X[i : i + 1], y[i : i + 1])
    return found


def like_the_fit(folder: Path | None, seeds: range) -> None:
    """Print the results for rows like those of the fit."""
    X, y = make_friedman1(2 * ROWS + STREAM, noise=0.5, random_state=0)
    sets = [("made-up", X, y, ROWS)]
    if folder is not None and "concrete" in table_names(folder):
        X, y, _ = load_table(folder, "concrete")
        sets.append(("concrete", X.to_numpy(), y.to_numpy(), TEST))
    lines = []
    for name, X, y, n_test in sets:
        for kind in KINDS:
            curves = np.array([curve(kind, X, y, n_test, seed) for seed in seeds])
            lows = [curves[:, : n + 1].min(axis=1) for n in (SHORT, STREAM)]
            cells = map(mean, [curves[:, 0], *lows, curves[:, -1]])
            lines.append([f"{name}, {kind.__name__}", *cells])
    lowest = [f"lowest of {n}" for n in (SHORT, STREAM)]
    head = ["R2, rows like those of the fit", "before", *lowest, f"after {STREAM}"]
    print(table(head, lines), end="\n\n", flush=True)


def main() -> None:
    """Measure both kinds of rows, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="a folder of tables")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(conditions(f"{given.seeds} seeds", "R2: mean over seeds (the least)"))
    seeds = range(given.seeds)
    like_the_fit(given.data, seeds)
    lines = []
    for kind in KINDS:
        found = np.array([changed_world(kind, seed) for seed in seeds])
        lines.append([kind.__name__, *map(mean, found.T)])
    head = ["R2, rows of another kind", *(f"after {n}" for n in MARKS)]
    print(table(head, lines))


if __name__ == "__main__":
    main()
