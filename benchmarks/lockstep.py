"""How fast are searches and ensembles in lockstep, against one fit after another?"""

import argparse
import os
import warnings
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401, enables halving
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from timing import Ratio, conditions, in_turns, table

from sknet import LockstepGridSearchCV, LockstepHalvingSearchCV, SimpleMLPClassifier


HEAD = ("workload", "system", "seconds", "best score", "times as long", "must", "aim")
ALPHAS = np.logspace(-6, 0, 8).tolist()
RATES = np.logspace(-3.5, -1.5, 5).tolist()
MORE_RATES = np.logspace(-4, -1, 9).tolist()
MORE_ALPHAS = np.logspace(-7, 1, 9).tolist()


@dataclass(frozen=True)
class Race:
    """Systems that do the same work; the first is sknet."""

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
    """81 candidates: halving against scikit-learn's full grid search."""
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


def best_score(fitted: Any, race: Race) -> float:
    """Return the best score of a search, or the score of an ensemble."""
    scores = getattr(fitted, "cv_results_", None)
    if scores is None:
        return float(fitted.score(race.X, race.y))
    if "iter" in scores:  # of a halving: the last rung
        scores = {"mean_test_score": [fitted.best_score_]}
    return float(np.nanmax(scores["mean_test_score"]))


def snapshot(halved: Any, full: Any) -> str:
    """Return a line on the rank of halving's winner in the full grid."""
    results = full.cv_results_
    found = {k: v for k, v in halved.best_params_.items() if k != "max_iter"}
    place, best = results["params"].index(found), full.best_index_
    mean, spread = results["mean_test_score"], results["std_test_score"]
    error = spread[best] / np.sqrt(full.n_splits_)
    rank = results["rank_test_score"][place]
    return (
        f"halving found {found}: in the full grid rank {rank} of {len(mean)}, score "
        f"{mean[place]:.4f}; the best has {mean[best]:.4f}, standard error {error:.4f}"
    )


def fit_quietly(system: Any, race: Race) -> None:
    """Fit without convergence warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        system.fit(race.X, race.y)


def rows_of(name: str, race: Race, runs: int) -> list[tuple[str, ...]]:
    """Run a race; return its rows of the table."""
    calls = {key: partial(fit_quietly, s, race) for key, s in race.systems.items()}
    taken = in_turns(calls, runs)
    ours, last = next(iter(taken)), list(taken)[-1]
    return [
        (
            name if key == ours else "",
            key,
            f"{median(times):.2f}",
            f"{best_score(race.systems[key], race):.4f}",
            "" if key == ours else str(Ratio(times, taken[ours])),
            str(race.must) if key == last else "",
            str(race.aim) if key == last else "",
        )
        for key, times in taken.items()
    ]


def main() -> None:
    """Run the races and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", nargs="+", choices=RACES, default=list(RACES))
    parser.add_argument("--runs", type=int, default=3, help="turns; the median counts")
    parser.add_argument("--jobs", type=int, default=2, help="n_jobs of all systems")
    given = parser.parse_args()
    print(conditions(f"n_jobs={given.jobs} for all systems"))
    print(table(HEAD, []), flush=True)
    notes = []
    for name in given.races:
        race = RACES[name](given.jobs)
        for row in rows_of(name, race, given.runs):
            print("| " + " | ".join(row) + " |", flush=True)
        if name == "halving":
            systems = race.systems
            halved = systems["LockstepHalvingSearchCV"]
            notes.append(snapshot(halved, systems["LockstepGridSearchCV"]))
    print("", *notes, sep="\n")


if __name__ == "__main__":
    # Inherited by the workers of joblib: convergence warnings are expected.
    os.environ["PYTHONWARNINGS"] = "ignore"
    main()
