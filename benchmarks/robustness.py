"""What do odd columns and absurd targets do to the tabular networks?

Each part compares a rule with a simpler one, which is patched in here. `spread`: the
scale of columns that are mostly one value, or have sentinels, against the interquartile
range and, if that is zero, half the range. `losses`: scaling the target according to
the loss, against mean and deviation for all losses. The data are synthetic; `--data`
adds the tables of a folder in the format of `tabular.py`.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import mean_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tabular_data import load_table, split, table_names
from tabular_scores import log_loss, relative_rmse
from timing import conditions, table

from sknet import (
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
    TabularPreprocessor,
)
from sknet.losses import AbsoluteError, Gaussian, Huber, Quantile, SquaredError
from sknet.preprocessing import measuring
from sknet.preprocessing.spread import half_range


ROWS = 2000  # synthetic training rows, and the same number of test rows
ABSURD = 1e7
LOSSES = (
    SquaredError(),
    AbsoluteError(),
    Huber(),
    Quantile((0.1, 0.5, 0.9)),
    Gaussian(),
)


def of_range(X: Any, quantiles: np.ndarray, *weights: Any) -> tuple[Any, Any]:
    """Return centres and half spreads from quartiles or, if equal, from the range."""
    del X, weights
    least, low, center, high, largest = np.nan_to_num(quantiles)
    half = half_range(low, high)
    return center, np.where(half > 0, half, half_range(least, largest) / 2)


def by_range() -> AbstractContextManager[Any]:
    """Make the encoder scale by quartiles or the range."""
    return patch.object(measuring, "of_columns", of_range)


def by_moments(loss: Any) -> AbstractContextManager[Any]:
    """Make a loss scale its target by mean and deviation."""
    return patch.object(type(loss), "scaling", "moments")


def ratio(above: Any, below: Any) -> str:
    """Format the geometric mean of ratios, and their range."""
    each = np.divide(above, below)
    middle = np.exp(np.log(each).mean())
    return f"{middle:.3f} ({each.min():.3f}-{each.max():.3f})"


def mean(values: Any) -> str:
    """Format a mean over seeds, and the smallest value."""
    found = (np.mean(values), np.min(values))
    shown = [f"{x:.3f}" if x > -100 else f"{x:.1e}" for x in found]
    return f"{shown[0]} ({shown[1]})"


def odd_columns(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return five unusual columns, and a target that depends on all of them."""
    rng = np.random.default_rng(seed)
    X = rng.exponential(size=(2 * ROWS, 5))
    odd = rng.random(X.shape) < (0.3 if "-999" in kind else 0.8)
    y = np.where(odd, 0.0, np.sin(2 * X) + X).sum(axis=1)
    X[odd] = -999.0 if "-999" in kind else 0.0
    if "1e6" in kind:
        X[0] = 1e6  # a training row
    return X, y + 0.1 * rng.standard_normal(len(y))


def spread(given: argparse.Namespace) -> None:
    """Measure the scale of columns."""
    lines = []
    for kind in ("80 % zeros", "80 % zeros, one row 1e6", "30 % -999"):
        found: Any = [[], []]
        for seed in range(given.seeds):
            X, y = odd_columns(kind, seed)
            for rule, scores in zip((by_range, nullcontext), found, strict=True):
                with rule():
                    network = TabularMLPRegressor(random_state=seed)
                    network.fit(X[:ROWS], y[:ROWS])
                scores.append(network.score(X[ROWS:], y[ROWS:]))
        lines.append([kind, *map(mean, found)])
    print(
        table(["R2, made-up columns", "by range", "by spread"], lines),
        end="\n\n",
        flush=True,
    )
    lines, means = [], []
    for name, task, parts in tables(given):
        n_columns = max(n_changed(X) for X, *_ in parts)
        if n_columns == 0:
            continue
        old, new = (
            [table_error(task, part, seed, rule) for seed, part in enumerate(parts)]
            for rule in (by_range, nullcontext)
        )
        means.append(np.exp(np.log([new, old]).mean(axis=1)))
        cells = [f"{np.mean(old):.4f}", f"{np.mean(new):.4f}", ratio(new, old)]
        score = "RMSE" if task == "regression" else "log loss"
        lines.append([name, n_columns, score, *cells])
    if lines:
        lines.append(["geometric mean", *[""] * 4, ratio(*np.transpose(means))])
        head = ["table", "columns", "score", "by range", "by spread", "ratio"]
        print(table(head, lines), end="\n\n", flush=True)


def tables(given: argparse.Namespace, task: str = "") -> Iterator[tuple[Any, ...]]:
    """Iterate over names, tasks and splits (one for each seed) of the tables."""
    for name in [] if given.data is None else table_names(given.data):
        X, y, its_task = load_table(given.data, name)
        if task in ("", its_task):
            seeds = range(given.seeds)
            parts = [split(X, y, its_task, seed, given.rows) for seed in seeds]
            train_first = [(X, y, X_t, y_t) for X, X_t, y, y_t in parts]
            yield name, its_task, train_first


def n_changed(X: Any) -> int:
    """Return the number of columns that the two rules scale differently."""
    found = []
    for rule in (by_range, nullcontext):
        with rule():
            encoder = TabularPreprocessor().fit(X)
        found.append(np.stack([encoder.center_, encoder.scale_]))
    return int((~np.isclose(*found)).any(axis=0).sum())


def table_error(task: str, part: Any, seed: int, rule: Callable[[], Any]) -> float:
    """Return the test RMSE or log loss of a network fitted under a rule."""
    X, y, X_test, y_test = part
    is_number = task == "regression"
    kind = TabularMLPRegressor if is_number else TabularMLPClassifier
    with rule():
        network = kind(random_state=seed).fit(X, y)
    if is_number:
        return relative_rmse(y_test, network.predict(X_test))
    probabilities = network.predict_proba(X_test)
    return log_loss(y_test.to_numpy(), probabilities, np.asarray(network.classes_))


def losses(given: argparse.Namespace) -> None:
    """Measure the scale of the target."""
    lines = []
    for loss in LOSSES:
        scores = [made_up_scores(loss, seed) for seed in range(given.seeds)]
        lines.append([loss.name, *map(mean, np.transpose(scores))])
    head = ["no absurd target", "scale of the loss", "mean and deviation", "Simple"]
    print(table(["R2, one target of 1e7", *head], lines), end="\n\n", flush=True)
    lines, means = [], []
    robust = (AbsoluteError(), Huber())
    for name, _, parts in tables(given, "regression"):
        each = np.array([loss_errors(loss, parts) for loss in robust])
        means.append(np.exp(np.log(each).mean(axis=2)))
        cells = [[f"{new.mean():.4g}", ratio(new, old)] for old, new in each]
        lines.append([name, *cells[0], *cells[1]])
    if lines:
        of_all = [ratio(new, old) for old, new in np.moveaxis(means, 0, -1)]
        lines.append(["geometric mean", "", of_all[0], "", of_all[1]])
        head = [cell for loss in robust for cell in (f"MAE, {loss.name}", "ratio")]
        print(table(["table", *head], lines), end="\n\n", flush=True)


def made_up_scores(loss: Any, seed: int) -> list[float]:
    """Return R2 on clean test rows after training without and with an absurd target."""
    X, y = make_friedman1(2 * ROWS, noise=0.5, random_state=seed)
    clean, y[0] = y.copy(), ABSURD
    tabular = TabularMLPRegressor(loss=loss, random_state=seed)
    simple = SimpleMLPRegressor(loss=loss, random_state=seed)
    fits = (
        (tabular, clean, nullcontext()),
        (tabular, y, nullcontext()),
        (tabular, y, by_moments(loss)),
        (make_pipeline(StandardScaler(), simple), y, nullcontext()),
    )
    found = []
    for network, target, rule in fits:
        with rule:
            network.fit(X[:ROWS], target[:ROWS])
        found.append(network.score(X[ROWS:], clean[ROWS:]))
    return found


def loss_errors(loss: Any, parts: list[Any]) -> list[list[float]]:
    """Return the MAE of each seed by mean and deviation, and by the loss's scale."""
    found: Any = [[], []]
    for seed, (X, y, X_test, y_test) in enumerate(parts):
        for scores, rule in zip(found, (by_moments(loss), nullcontext()), strict=True):
            with rule:
                network = TabularMLPRegressor(loss=loss, random_state=seed).fit(X, y)
            scores.append(mean_absolute_error(y_test, network.predict(X_test)))
    return found


def main() -> None:
    """Measure the requested parts."""
    sections = {"spread": spread, "losses": losses}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="a folder of tables")
    parser.add_argument("--parts", nargs="+", choices=sections, default=[*sections])
    parser.add_argument("--rows", type=int, default=8000, help="to train, at most")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    said = f"{given.seeds} seeds, at most {given.rows} rows of a table to train"
    print(
        conditions(
            said, "R2: mean over seeds (the least); a ratio: geometric mean (range)"
        ),
        flush=True,
    )
    for part in given.parts:
        sections[part](given)


if __name__ == "__main__":
    main()
