"""How good are the defaults on real tables, against boosting and other networks?

FOLDER holds tables as `NAME.csv.gz`, target last, and `INDEX.csv` with their `name` and
`task`. Every table is split once for each seed (`tabular_data.py`); every model (see
`tabular_models.py`) is fitted on the same training rows with its defaults, one fit
after another.

Classification: error rate and log loss. Regression: RMSE over the standard deviation of
the test target. `tabular_scores.py` has the details.
"""

import argparse
import logging
import os
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tabular_data import load_table, split, table_names
from tabular_models import DEFAULT_MODELS, MODELS, REFERENCE
from tabular_results import Comparison, Result, Store
from tabular_scores import CLOCKS, attempt, measure
from tabular_steps import report_steps
from threadpoolctl import threadpool_limits
from timing import conditions


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, metavar="FOLDER")
    add("--models", nargs="+", choices=MODELS, default=list(DEFAULT_MODELS))
    add("--tables", nargs="+", metavar="NAME", help="default: all of the folder")
    add("--seed", nargs="+", type=int, metavar="N", help="of split and models (0)")
    add("--rows", type=int, default=8000, help="at most, to train and to test each")
    add("--threads", type=int, default=os.cpu_count(), help="default: all cores")
    add("--clock", choices=CLOCKS, default="wall", help="cpu: processor time")
    add("--json", type=Path, metavar="FILE", help="keep raw results, beside older ones")
    add("--missing", action="store_true", help="fit only what FILE does not hold")
    add("--from", nargs="+", type=Path, dest="stored", metavar="FILE", help="no fits")
    add("--steps", action="store_true", help="time of a training step, on made-up data")
    add("--epochs", type=int, default=256, help="of --steps")
    add("--runs", type=int, default=3, help="turns of --steps")
    given = parser.parse_args()
    if not (given.data or given.stored or given.steps):
        parser.error("one of --data, --from and --steps is needed")
    if given.missing and not given.json:
        parser.error("--missing needs --json")
    return given


# --------------------------------------------------------------------- measurements


class Runner:
    """Fits models on tables and stores the results."""

    def __init__(self, given: argparse.Namespace, store: Store) -> None:
        self._given, self._store = given, store
        self._run = time.strftime("%Y-%m-%d %H:%M:%S")
        self._warm: set[tuple[str, str]] = set()
        self.absent: dict[str, str] = {}

    def start(self) -> None:
        """Store the conditions of this run, and find the available models."""
        self._store.runs[self._run] = head(self._given)
        for name in self._given.models:
            try:
                MODELS[name]("regression", 0, 1)
            except ImportError as problem:
                self.absent[name] = str(problem)

    def all(self) -> None:
        """Measure all tables, seeds and models."""
        for name in self._given.tables or table_names(self._given.data):
            X, y, task = load_table(self._given.data, name)
            for seed in self._given.seed or [0]:
                self.case(name, task, seed, split(X, y, task, seed, self._given.rows))

    def case(self, name: str, task: str, seed: int, parts: tuple[Any, ...]) -> None:
        """Fit the models on one split, storing each result immediately."""
        given = self._given
        of_case = {"table": name, "seed": seed, "rows": given.rows, "task": task}
        of_case |= {"n_train": len(parts[0]), "n_test": len(parts[1])}
        for model in given.models:
            known = given.missing and (name, seed, given.rows, model) in self._store
            if known or model in self.absent:
                continue
            result = attempt(lambda model=model: self._fit(model, task, seed, parts))
            of_run = {"model": model, "threads": given.threads, "run": self._run}
            self._store.add(of_case | of_run | result)
            if given.json:
                self._store.save(given.json)
            print(_line(of_case | of_run | result), file=sys.stderr, flush=True)

    def _fit(self, model: str, task: str, seed: int, parts: tuple[Any, ...]) -> Result:
        """Measure one model; a small fit precedes its first fit of a task."""
        threads = self._given.threads
        with threadpool_limits(threads), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if (model, task) not in self._warm:
                MODELS[model](task, seed, threads).fit(*_few_rows(task))
                self._warm.add((model, task))
            return measure(MODELS[model](task, seed, threads), parts, task)


def _few_rows(task: str) -> tuple[pd.DataFrame, pd.Series]:
    """Return a table for the warm-up fit, which loads and compiles code."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"number": rng.normal(size=200)})
    X["level"] = pd.Series(rng.choice(["a", "b", "c"], 200)).astype("category")
    y = X["number"] + rng.normal(size=200)
    if task == "classification":
        y = pd.Series(np.where(y > 0, "yes", "no"), dtype=object)
    return X, y.rename("target")


def _line(result: Result) -> str:
    place = f"{result['table']} seed {result['seed']} {result['model']}:"
    if result["failure"] is not None:
        return f"{place} {result['failure']}"
    loss = result["log_loss"]
    values = f"error {result['error']:.4f}" + (f" log loss {loss:.4f}" if loss else "")
    return f"{place} {values} fit {result['fit_seconds']:.2f} s"


# --------------------------------------------------------------------------- output


def head(given: argparse.Namespace) -> str:
    """Return the head of a result."""
    packages = []
    for name in ("pandas", "lightgbm", "pytabkit", "torch"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            packages.append(f"{name} not installed")
    return conditions(", ".join(packages), f"threads: {given.threads}")


def wanted(store: Store, given: argparse.Namespace) -> list[Result]:
    """Return the results selected on the command line, in the order of the tables."""
    chosen = [
        result
        for result in store.results
        if (given.tables is None or result["table"] in given.tables)
        and (given.seed is None or result["seed"] in given.seed)
        and result["rows"] == given.rows
    ]
    return sorted(chosen, key=lambda r: (r["task"], r["table"], r["seed"]))


def report(store: Store, given: argparse.Namespace) -> None:
    """Print the tables."""
    results = wanted(store, given)
    used = {result["run"] for result in results if result["model"] in given.models}
    for run in sorted(used):
        print(f"Run of {run}: {store.runs[run]}")
    clock = CLOCKS[given.clock]
    compared = Comparison(results, given.models, REFERENCE, clock)
    error = "Error: error rate; RMSE / standard deviation of the target"
    print(f"{error}\n\n{compared.each_case('error')}\n")
    if any(result["task"] == "classification" for result in results):
        print(f"Log loss\n\n{compared.each_case('log_loss')}\n")
    times = f"Seconds of fit ({given.clock} clock)"
    print(f"{times}\n\n{compared.each_case(clock, 2)}\n")
    print(f"Over {REFERENCE}'s, geometric means; wins against it\n")
    print(f"{compared.summary()}\n")
    for remark in compared.remarks():
        print(f"- {remark}")


def main() -> None:
    """Measure or read the results, and print them."""
    given = options()
    logging.disable(logging.WARNING)  # lightning warns in each fit that no GPU is used
    if given.steps:
        print(head(given), flush=True)
        print(report_steps(given.threads, given.epochs, given.runs))
    elif given.stored:
        report(Store(*given.stored), given)
    else:
        old = [given.json] if given.json and given.json.exists() else []
        store = Store(*old)
        runner = Runner(given, store)
        runner.start()
        runner.all()
        report(store, given)
        for name, why in runner.absent.items():
            print(f"- {name} left out: {why}")


if __name__ == "__main__":
    main()
