"""How long does a training step of the recipe take, against RealMLP-TD-S?

Both sides do the same work: one network of three hidden layers of 256, the same number
of epochs, batches of 256, a fifth of the rows held out and scored after each epoch. The
figure is the time of a fit over its number of steps, including preprocessing and
scoring.
"""

import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from tabular_models import realmlp_td_s
from threadpoolctl import threadpool_limits
from timing import Ratio, in_turns, table


ROWS, FEATURES, BATCH, HELD_OUT = 8000, 20, 256, 0.2
HIDDEN = (256, 256, 256)
TASKS = ("classification", "regression")
HEAD = ("task", "system", "steps", "us / step", "over RealMLP-TD-S")
Fit = Callable[[], object]


def made_up_table(task: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return features without missing values, and a target that depends on some."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((ROWS, FEATURES)).astype(np.float32)
    y = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + X[:, 3]
    y += 0.3 * rng.standard_normal(ROWS)
    names = [f"x{k}" for k in range(FEATURES)]
    target = pd.Series(y, name="target")
    if task == "classification":
        target = pd.Series(np.where(y > 0, "yes", "no"), name="target", dtype=object)
    return pd.DataFrame(X, columns=names), target


def n_steps(n_epochs: int) -> int:
    """Return the number of steps of a fit; both systems drop incomplete batches."""
    return (ROWS - int(HELD_OUT * ROWS)) // BATCH * n_epochs


def realmlp_fit(task: str, n_epochs: int, n_threads: int) -> Fit:
    """Return the call that fits RealMLP-TD-S."""
    X, y = made_up_table(task)
    options = {"n_epochs": n_epochs, "batch_size": BATCH, "val_fraction": HELD_OUT}
    model = realmlp_td_s(task, 0, n_threads, **options)
    return lambda: model.fit(X, y)


def recipe_parameters(task: str, n_epochs: int) -> dict[str, Any]:
    """Return the parameters with which sknet does the same work as RealMLP-TD-S.

    RealMLP-TD-S has no numeric embeddings, dropout, learned activations or early
    stopping, all of which sknet uses by default.
    """
    from sknet.optimizers import Adam

    return {
        "hidden_layer_sizes": HIDDEN,
        "activation": "selu" if task == "classification" else "mish",
        "blend_activation": False,
        "numeric_embedding": None,
        "dropout": 0.0,
        "solver": Adam(beta_2=0.95),
        "learning_rate": "coslog",
        "max_iter": n_epochs,
        "n_iter_no_change": np.inf,
        "batch_size": BATCH,
        "validation_fraction": HELD_OUT,
        "n_estimators": 1,
        "random_state": 0,
    }


def sknet_fit(task: str, n_epochs: int) -> Fit:
    """Return the call that fits sknet's estimator with its own rule for threads."""
    from sknet import TabularMLPClassifier, TabularMLPRegressor

    X, y = made_up_table(task)
    kind = TabularMLPClassifier if task == "classification" else TabularMLPRegressor
    model = kind(**recipe_parameters(task, n_epochs))
    return lambda: model.fit(X, y)


def rows_of(task: str, fits: dict[str, Fit], n_epochs: int, runs: int) -> list[Any]:
    """Time fits in turns; return a row for each, relative to the last one."""
    taken = in_turns(fits, runs)
    steps, base = n_steps(n_epochs), taken[list(taken)[-1]]
    return [
        (
            *(task, name, steps),
            f"{1e6 * median(times) / steps:.0f}",
            "" if times is base else str(Ratio(times, base)),
        )
        for name, times in taken.items()
    ]


def report_steps(n_threads: int, n_epochs: int, runs: int) -> str:
    """Return the table; if sknet is left out, for RealMLP-TD-S alone."""
    rows, notes = [], []
    for task in TASKS:
        fits = {"realmlp-td-s": realmlp_fit(task, n_epochs, n_threads)}
        try:
            fits = {"sknet": sknet_fit(task, n_epochs)} | fits
        except ImportError as problem:
            notes = [f"\nsknet left out: {problem}"]
        with threadpool_limits(n_threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows += rows_of(task, fits, n_epochs, runs)
    return "\n".join([table(HEAD, rows), *notes])
