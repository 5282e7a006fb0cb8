"""How much memory does a search in lockstep need beside its data?

The figure is the peak growth recorded by tracemalloc, to which NumPy reports its
arrays, during a search over two candidates on many folds of about a megabyte each. It
is compared with scikit-learn's search, which runs one fit at a time, over
scikit-learn's networks; for tables, which those cannot encode, over sknet's.
"""

import argparse
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from timing import conditions, table

from sknet import LockstepGridSearchCV, SimpleMLPClassifier, TabularMLPClassifier


# Eight-byte numbers; the training folds have four fifths of the rows.
ROWS, FEATURES = 1250, 125
NETWORK = {"hidden_layer_sizes": (10,), "max_iter": 2, "random_state": 0}
HEAD = ("case", "LockstepGridSearchCV MB", "GridSearchCV MB", "target")


@dataclass(frozen=True)
class Case:
    """A case: the estimators to search, and the data.

    Parameters
    ----------
    ours, theirs : estimator
        The estimators for the two searches.
    container : callable
        Converts an array to the table passed to the search.
    limit : int
        Upper limit for sknet's search, in MB.
    """

    ours: Any
    theirs: Any
    limit: int
    container: Callable[[np.ndarray], Any] = field(default=np.asarray)


def thinned(X: np.ndarray) -> Any:
    """Return a sparse matrix with one number in six different from zero."""
    return sparse.csr_matrix(np.where(X > 1.0, X, 0.0))


def simple(**params: Any) -> dict[str, Any]:
    """Return the same network in both libraries."""
    return {
        "ours": SimpleMLPClassifier(**NETWORK, **params),
        "theirs": MLPClassifier(**NETWORK, **params),
    }


def cases() -> dict[str, Case]:
    """Return the cases by name."""
    scored = {"early_stopping": True, "scoring": "neg_log_loss"}
    stopping = Case(
        SimpleMLPClassifier(**NETWORK, **scored),
        MLPClassifier(**NETWORK, early_stopping=True),
        16,
    )
    scaled = {
        whose: make_pipeline(StandardScaler(), net) for whose, net in simple().items()
    }
    tabular = TabularMLPClassifier(**NETWORK, n_estimators=1, n_jobs=1)
    return {
        "array": Case(**simple(), limit=16),
        "pandas frame": Case(**simple(), limit=16, container=pd.DataFrame),
        "sparse": Case(**simple(), limit=16, container=thinned),
        "early stopping with a scorer": stopping,
        "pipeline with a scaler": Case(**scaled, limit=16),
        "tabular estimator": Case(tabular, tabular, 36),
    }


def peak(call: Callable[[], object]) -> float:
    """Return the peak of newly allocated memory during a call, in MB."""
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def searched(search: type, estimator: Any, X: Any, y: np.ndarray, n_folds: int) -> None:
    """Search over two values of alpha."""
    name = "alpha"
    if hasattr(estimator, "steps"):
        name = f"{estimator.steps[-1][0]}__alpha"
    cv = ShuffleSplit(n_folds, test_size=0.2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search(estimator, {name: [1e-4, 1.0]}, cv=cv, refit=False).fit(X, y)


def peaks(case: Case, n_folds: int) -> list[float]:
    """Return the peaks of both searches, after a small warm-up search."""
    X = np.random.default_rng(0).normal(size=(ROWS, FEATURES))
    y, X = (X[:, 0] > 0).astype(int), case.container(X)
    measured = []
    for search, estimator in (
        (LockstepGridSearchCV, case.ours),
        (GridSearchCV, case.theirs),
    ):
        searched(search, estimator, X, y, 2)
        measured.append(
            peak(lambda s=search, e=estimator: searched(s, e, X, y, n_folds))
        )
    return measured


def main() -> None:
    """Measure all cases and print the table."""
    known = cases()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=60)
    parser.add_argument("--cases", nargs="+", choices=known, default=list(known))
    given = parser.parse_args()
    said = f"{given.folds} folds of {ROWS * 4 // 5} of {ROWS} x {FEATURES} rows"
    print(conditions(said, f"two candidates, {NETWORK}"))
    print(table(HEAD, []), flush=True)
    for name in given.cases:
        case = known[name]
        cells = [f"{most:.1f}" for most in peaks(case, given.folds)]
        print("|", " | ".join([name, *cells, f"below {case.limit}"]), "|", flush=True)


if __name__ == "__main__":
    main()
