"""The fits of `engine.py`: single networks, searches, ensembles and tables."""

from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import lockstep
import rivals
from joblib import parallel_config
from sklearn.base import clone
from sklearn.datasets import make_classification
from workloads import CANCER, WORKLOADS, Workload

from sknet import TabularMLPClassifier


DTYPES = ("float32", "float64")
Calls = dict[str, Callable[[], object]]


@dataclass(frozen=True)
class Row:
    """A row of the table: systems that do the same work.

    `make` returns what each system does in a turn, which is `repeats` calls. The
    systems are "engine" and "NumPy", and whichever else can be compared.
    """

    name: str
    dtype: str
    make: Callable[[], Calls]
    repeats: int = 1


def fit_calls(work: Workload, dtype: str, threads: int) -> Calls:
    """Return the fits of a workload; those of sknet have its own rule for threads."""
    calls = {
        "engine": rivals.sknet_fit(work, dtype, None),
        "NumPy": rivals.sknet_fit(work, dtype, None, engine="numpy"),
        "scikit-learn": rivals.sklearn_fit(work, dtype, threads),
        "products": rivals.bare_products(work, dtype, threads),
    }
    if rivals.torch is not None:
        calls["PyTorch"] = rivals.torch_fit(work, dtype, threads)
    return calls


def single_networks(given: Namespace) -> Iterator[Row]:
    """Yield the fits of one network."""
    works = [WORKLOADS["tiny"], CANCER]
    works += [WORKLOADS[name] for name in ("digits", "table", "mnist", "wide")]
    for work in works:
        for dtype in DTYPES:
            make = partial(fit_calls, work, dtype, given.threads)
            yield Row(work.name, dtype, make)


def without_engine(system: Any) -> Any:
    """Return a copy of an estimator whose networks are trained by NumPy."""
    name = next(key for key in system.get_params() if key.split("__")[-1] == "engine")
    return clone(system).set_params(**{name: "numpy"})


def in_processes(system: Any, race: lockstep.Race) -> None:
    """Fit with one thread of BLAS in each of the processes of joblib."""
    with parallel_config(backend="loky", inner_max_num_threads=1):
        lockstep.fit_quietly(system, race)


def race_calls(make: Callable[[int], lockstep.Race], n_jobs: int) -> Calls:
    """Return the fits of the first system of a race and of scikit-learn's, the last."""
    race = make(n_jobs)
    ours, *_, theirs = race.systems.values()
    return {
        "engine": partial(lockstep.fit_quietly, ours, race),
        "NumPy": partial(lockstep.fit_quietly, without_engine(ours), race),
        "scikit-learn": partial(in_processes, theirs, race),
    }


def searches(given: Namespace) -> Iterator[Row]:
    """Yield grid searches in lockstep."""
    races = {"iris": "float64", "cancer": "float64", "digits": "float32"}
    for name, dtype in races.items():
        make = partial(race_calls, lockstep.RACES[name], given.jobs)
        yield Row(f"search {name}", dtype, make)


def many_networks(given: Namespace) -> Iterator[Row]:
    """Yield the fits of ensembles."""
    make = partial(race_calls, lockstep.ensemble, given.jobs)
    yield Row("ensemble of 16, digits", "float32", make)
    yield Row("table 8000 x 20, defaults", "float32", tabular_calls)


def tabular_calls() -> Calls:
    """Return the fits of a tabular classifier, which by default has all cores."""
    X, y = make_classification(8000, 20, n_informative=10, random_state=0)
    ours = TabularMLPClassifier(random_state=0)
    return {
        "engine": partial(rivals.silent_fit, ours, X, y),
        "NumPy": partial(rivals.silent_fit, without_engine(ours), X, y),
    }
