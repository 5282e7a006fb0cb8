"""One result of `tabular.py`: the time of a fit, and the scores on the test rows.

Classification: error rate, and mean log loss with probabilities of at least 1e-7 (not
normalised again). Regression: RMSE over the standard deviation of the test target.
So that a geometric mean exists, an error rate of zero counts as half a test row, and
an RMSE or a log loss of less than 1e-7 as 1e-7.
"""

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from tabular_results import Result


SMALLEST = 1e-7
CLOCKS = {"wall": "fit_seconds", "cpu": "fit_cpu_seconds"}
PAUSE = 0.2  # seconds before a fit, in which threads of the last one stop spinning


def error_rate(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the error rate; without errors, half a row counts as wrong."""
    return max(float(np.mean(y != predicted)), 0.5 / len(y))


def log_loss(y: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> float:
    """Return minus the mean log probability of the true class.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        True classes; classes absent from training have probability zero.
    probabilities : ndarray of shape (n_rows, n_classes)
        Columns as in `classes`.
    classes : ndarray of shape (n_classes,)
        The classes of the model.
    """
    columns = pd.Index(classes).get_indexer(y)
    of_truth = np.asarray(probabilities, float)[np.arange(len(y)), columns]
    of_truth = np.where(columns < 0, 0.0, of_truth).clip(SMALLEST, 1.0)
    return max(float(-np.log(of_truth).mean()), SMALLEST)


def relative_rmse(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the root mean squared error relative to the standard deviation."""
    y, predicted = (np.asarray(part, float) for part in (y, predicted))
    return max(float(np.sqrt(np.mean((y - predicted) ** 2)) / y.std()), SMALLEST)


def measure(model: Any, parts: tuple[Any, ...], task: str) -> Result:
    """Fit a model on the training rows; return its times and its scores."""
    X_train, X_test, y_train, y_test = parts
    time.sleep(PAUSE)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(X_train, y_train)
    taken = {
        "fit_seconds": time.perf_counter() - wall,
        "fit_cpu_seconds": time.process_time() - cpu,
        "load": load,
    }
    wall = time.perf_counter()
    predicted = np.asarray(model.predict(X_test)).ravel()
    taken["predict_seconds"] = time.perf_counter() - wall
    y = y_test.to_numpy()
    if task == "regression":
        return taken | {"error": relative_rmse(y, predicted), "log_loss": None}
    loss = log_loss(y, model.predict_proba(X_test), np.asarray(model.classes_))
    return taken | {"error": error_rate(y, predicted), "log_loss": loss}


def attempt(call: Callable[[], Result]) -> Result:
    """Return the measurements of a call, or the reason for its failure."""
    try:
        return call() | {"failure": None}
    except Exception as problem:  # the failure of one model must not end the run
        nothing = dict.fromkeys(("error", "log_loss", *CLOCKS.values()))
        return nothing | {"failure": f"{type(problem).__name__}: {problem}"}
