"""How fast are searches and ensembles in lockstep, against one fit after the other?"""

import argparse
import gc
import warnings
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from timing import conditions, table

from sknet import LockstepGridSearchCV, LockstepHalvingSearchCV, SimpleMLPClassifier


HEAD = ("workload", "system", "seconds", "best score", "ratio", "must", "aim")
ALPHAS = np.logspace(-6, 0, 8).tolist()
RATES = np.logspace(-3.5, -1.5, 5).tolist()
MORE_RATES = np.logspace(-4, -1, 9).tolist()
MORE_ALPHAS = np.logspace(-7, 1, 9).tolist()


@dataclass(frozen=True)
class Race:
    """Systems that do the same work; the first is ours."""

    X: Any
    y: Any
    systems: dict[str, Any]
    must: float
    aim: float


def _digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return (X / 16.0).astype(np.float32), y


def _searches(
    params: dict[str, Any], grid: dict[str, Any], n_jobs: int, scales: bool = False
) -> dict[str, Any]:
    """Return the same grid search in three systems."""

    def wrapped(net: Any) -> Any:
        return make_pipeline(StandardScaler(), net) if scales else net

    def named(net: Any) -> dict[str, Any]:
        prefix = f"{type(net).__name__.lower()}__" if scales else ""
        return {prefix + key: values for key, values in grid.items()}

    ours = SimpleMLPClassifier(**params, random_state=0)
    theirs = MLPClassifier(**params, random_state=0)
    cv = {"cv": 5, "n_jobs": n_jobs, "refit": False}
    return {
        "LockstepGridSearchCV": LockstepGridSearchCV(wrapped(ours), named(ours), **cv),
        "GridSearchCV, SimpleMLPClassifier": GridSearchCV(
            wrapped(ours), named(ours), **cv
        ),
        "GridSearchCV, MLPClassifier": GridSearchCV(
            wrapped(theirs), named(theirs), **cv
        ),
    }


def iris(n_jobs: int) -> Race:
    """40 candidates on 5 folds of 120 rows."""
    params = {"hidden_layer_sizes": (10,), "batch_size": 32, "max_iter": 200}
    grid = {"alpha": ALPHAS, "learning_rate_init": RATES}
    return Race(*load_iris(return_X_y=True), _searches(params, grid, n_jobs), 15, 30)


def cancer(n_jobs: int) -> Race:
    """40 candidates behind a scaler."""
    params = {"hidden_layer_sizes": (32,), "max_iter": 100}
    grid = {"alpha": ALPHAS, "learning_rate_init": RATES}
    systems = _searches(params, grid, n_jobs, scales=True)
    return Race(*load_breast_cancer(return_X_y=True), systems, 8, 20)


def digits(n_jobs: int) -> Race:
    """20 candidates in float32."""
    params = {"hidden_layer_sizes": (100,), "max_iter": 50}
    grid = {"alpha": ALPHAS[::2], "learning_rate_init": RATES}
    return Race(*_digits(), _searches(params, grid, n_jobs), 3, 6)


def halving(n_jobs: int) -> Race:
    """81 candidates: halving against the full grid of scikit-learn."""
    params = {"hidden_layer_sizes": (100,), "max_iter": 81}
    grid = {"alpha": MORE_ALPHAS, "learning_rate_init": MORE_RATES}
    systems = _searches(params, grid, n_jobs)
    net = SimpleMLPClassifier(**params, random_state=0)
    ours = LockstepHalvingSearchCV(
        net, grid, cv=5, n_jobs=n_jobs, refit=False, return_train_score=False
    )
    return Race(*_digits(), {"LockstepHalvingSearchCV": ours} | systems, 10, 25)


def ensemble(n_jobs: int) -> Race:
    """16 networks on digits."""
    params = {"hidden_layer_sizes": (100,), "max_iter": 50}
    net = SimpleMLPClassifier(
        **params, n_estimators=16, bootstrap=True, random_state=0, n_jobs=n_jobs
    )
    bags = {"n_estimators": 16, "n_jobs": n_jobs, "random_state": 0}
    systems = {
        "SimpleMLPClassifier(n_estimators=16)": net,
        "BaggingClassifier, SimpleMLPClassifier": BaggingClassifier(
            SimpleMLPClassifier(**params), **bags
        ),
        "BaggingClassifier, MLPClassifier": BaggingClassifier(
            MLPClassifier(**params), **bags
        ),
    }
    return Race(*_digits(), systems, 3, 6)


RACES = {f.__name__: f for f in (iris, cancer, digits, halving, ensemble)}


def best_score(fitted: Any, X: Any, y: Any) -> float:
    """Return what a search has found, or how well an ensemble fits."""
    scores = getattr(fitted, "cv_results_", None)
    if scores is None:
        return float(fitted.score(X, y))
    return float(np.nanmax(scores["mean_test_score"]))


def seconds(system: Any, X: Any, y: Any) -> float:
    """Time one fit."""
    gc.collect()
    start = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        system.fit(X, y)
    return perf_counter() - start


def main() -> None:
    """Run the races and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", nargs="+", choices=RACES, default=list(RACES))
    parser.add_argument("--runs", type=int, default=3, help="turns; the median counts")
    parser.add_argument("--jobs", type=int, default=2, help="n_jobs of all systems")
    given = parser.parse_args()
    rows = []
    for name in given.races:
        race = RACES[name](given.jobs)
        taken: dict[str, list[float]] = {key: [] for key in race.systems}
        for _ in range(given.runs):
            for key, system in race.systems.items():
                taken[key].append(seconds(system, race.X, race.y))
        ours = median(next(iter(taken.values())))
        for i, (key, system) in enumerate(race.systems.items()):
            last = i == len(race.systems) - 1
            rows.append(
                (
                    name if i == 0 else "",
                    key,
                    f"{median(taken[key]):.2f} ({min(taken[key]):.2f}-{max(taken[key]):.2f})",
                    f"{best_score(system, race.X, race.y):.4f}",
                    f"{median(taken[key]) / ours:.1f}" if i else "",
                    str(race.must) if last else "",
                    str(race.aim) if last else "",
                )
            )
        print(table(HEAD, rows[-len(race.systems) :]), flush=True)
    print(conditions())
    print(table(HEAD, rows))


if __name__ == "__main__":
    # Workers of joblib inherit it: a warning of convergence for each fit is no news.
    import os

    os.environ["PYTHONWARNINGS"] = "ignore"
    main()
