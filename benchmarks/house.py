"""How large is the package, and what does it cost beside the mathematics?

Sizes are counted in the sources of the imported sknet. Times are of calls so small that
the mathematics hardly counts. Import is measured in fresh processes.
"""

import ast
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median
from timeit import timeit

import numpy as np
from rivals import silent_fit
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits
from timing import conditions, table

import sknet


ROOT = Path(sknet.__file__).parent
TURNS = 15
IMPORT = """
import time, tracemalloc
import numpy, scipy.sparse, sklearn.neural_network
tracemalloc.start() if MEASURE else None
start = time.perf_counter()
import sknet
taken = time.perf_counter() - start
print(tracemalloc.get_traced_memory()[1] if MEASURE else taken)
"""


def sizes() -> list[list[object]]:
    """Return the sizes of the sources."""
    texts = {path: path.read_text() for path in ROOT.rglob("*.py")}
    lines = [len(text.splitlines()) for text in texts.values()]
    untyped = sum(len(re.findall("estimator: Any", text)) for text in texts.values())
    longest = max(
        node.end_lineno - node.lineno + 1
        for text in texts.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.name != "__init__"
    )
    mro = [c for c in sknet.TabularMLPRegressor.__mro__ if "sknet" in c.__module__]
    return [
        ["lines, files", f"{sum(lines)}, {len(lines)}"],
        ["longest file; function, with its docstring", f"{max(lines)}; {longest}"],
        ["own classes in the MRO of TabularMLPRegressor", len(mro)],
        ["signatures with `estimator: Any`", untyped],
    ]


def imported() -> list[list[object]]:
    """Return the time and memory of import, without its dependencies.

    Bytecode is cached by a first import, as it is after an installation by pip.
    """
    _run("MEASURE = False")
    seconds = [_run("MEASURE = False") for _ in range(TURNS)]
    peak = _run("MEASURE = True")
    return [
        ["import beside scikit-learn's, ms", f"{1e3 * median(seconds):.0f}"],
        ["peak memory of that import, MB", f"{peak / 1e6:.1f}"],
    ]


def _run(first: str) -> float:
    """Return the number that a fresh process prints after an import."""
    command = [sys.executable, "-c", f"{first}\n{IMPORT}"]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    said = subprocess.run(command, capture_output=True, check=True, text=True, env=env)
    return float(said.stdout)


def times() -> list[list[object]]:
    """Return the microseconds of small calls, and their ratio to scikit-learn's."""
    X = np.random.default_rng(0).standard_normal((50, 10))
    y = (X[:, 0] > 0.0).astype(int)
    params = {"hidden_layer_sizes": (10,), "max_iter": 2, "random_state": 0}
    pairs = {
        "classifier": (sknet.SimpleMLPClassifier(**params), MLPClassifier(**params)),
        "regressor": (sknet.SimpleMLPRegressor(**params), MLPRegressor(**params)),
    }
    rows = []
    for name, pair in pairs.items():
        target = y if name == "classifier" else X[:, 0]
        first = {"classes": [0, 1]} if name == "classifier" else {}
        calls = {
            "fit of two epochs": lambda m, t=target: silent_fit(m, X, t),
            "partial_fit of a row": lambda m, t=target: m.partial_fit(X[:1], t[:1]),
            "predict of a row": lambda m: m.predict(X[:1]),
        }
        for model in pair:
            model.partial_fit(X, target, **first)
        for call, run in calls.items():
            taken = [
                [timeit(partial(run, m), number=50) for m in pair] for _ in range(TURNS)
            ]
            ours, theirs = 1e6 * np.array(taken[1:]).T / 50
            cell = f"{median(ours):.0f} ({median(ours / theirs):.2f})"
            rows.append([f"{name}: {call}, us (over scikit-learn's)", cell])
    return rows


def main() -> None:
    """Print the table."""
    print(conditions("the house", f"{TURNS} turns, one thread"), flush=True)
    with threadpool_limits(1, user_api="blas"):
        lines = [*sizes(), *imported(), *times()]
    print(table(["measure", "value"], lines))


if __name__ == "__main__":
    main()
