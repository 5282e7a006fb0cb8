"""The short calls of `engine.py`: updates, predictions, and the first steps."""

from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache, partial
from statistics import median
from time import perf_counter
from timeit import timeit
from typing import Any
from unittest.mock import patch

import numpy as np
import rivals
from engine_fits import DTYPES, Calls, Row, fit_calls
from serving import FEATURES, HIDDEN, has_onnx, onnx_call
from sklearn.neural_network import MLPClassifier
from streaming import PAIRS, call_of
from timing import in_turns
from workloads import WORKLOADS

import sknet
from sknet.training import programs


UPDATED_ROWS, UPDATES = 50, 100  # rows of a call of partial_fit, and calls in a turn
PREDICTED = {1: 1000, 10_000: 5}  # calls in a turn, by the rows of a prediction
OUTPUTS = {"predict": 0, "predict_proba": 1}  # places of the results in ONNX
FEW_EPOCHS = 5
PARTS = {"record_step": "record", "Program": "lower", "is_right": "check"}
FIRST_HEAD = (
    *("time to the first step", "dtype", "programs"),
    *(f"{part}, ms" for part in (*PARTS.values(), "together")),
    *("first fit of an epoch, ms", "later ones, ms"),
)


# ----------------------------------------------------------------------------- updates


def updates(given: Namespace) -> Iterator[Row]:
    """Yield calls of partial_fit."""
    del given
    for name in PAIRS:
        for dtype in DTYPES:
            make = partial(update_calls, name, dtype)
            yield Row(f"partial_fit {UPDATED_ROWS} rows, {name}", dtype, make, UPDATES)


def update_calls(name: str, dtype: str) -> Calls:
    """Return many calls of partial_fit, of networks that have made steps before."""
    rng, (theirs, ours) = np.random.default_rng(0), PAIRS[name]
    X = rng.standard_normal((UPDATED_ROWS, FEATURES)).astype(dtype)
    calls = {
        "engine": call_of(ours, X),
        "NumPy": call_of(ours, X, engine="numpy"),
        "scikit-learn": call_of(theirs, X),
    }
    return {key: partial(timeit, call, number=UPDATES) for key, call in calls.items()}


# ------------------------------------------------------------------------- predictions


def predictions(given: Namespace) -> Iterator[Row]:
    """Yield predictions of the estimator, and of its predictor()."""
    for n_rows, repeats in PREDICTED.items():
        for method in OUTPUTS:
            for is_served in (False, True):
                name = f"{method} {n_rows:,} row{'s' * (n_rows > 1)}"
                name += ", predictor" * is_served
                make = partial(predict_calls, n_rows, method, is_served, given.threads)
                yield Row(name, "float32", make, repeats)


@lru_cache(maxsize=1)
def fitted_networks() -> tuple[np.ndarray, dict[str, Any]]:
    """Return rows, and equal networks that were fitted to them."""
    X = np.random.default_rng(0).standard_normal((max(PREDICTED), FEATURES))
    X, params = X.astype("float32"), {"max_iter": 1, "random_state": 0}
    networks = {
        "engine": sknet.SimpleMLPClassifier(HIDDEN, **params),
        "NumPy": sknet.SimpleMLPClassifier(HIDDEN, **params, engine="numpy"),
        "scikit-learn": MLPClassifier(HIDDEN, **params),
    }
    for network in networks.values():
        rivals.silent_fit(network, X, (X[:, 0] > 0).astype(int))
    return X, networks


def predict_calls(n_rows: int, method: str, is_served: bool, threads: int) -> Calls:
    """Return repeated predictions of some rows."""
    X, networks = fitted_networks()
    systems = dict(networks)
    if is_served:
        systems |= {key: networks[key].predictor() for key in ("engine", "NumPy")}
    calls = {key: getattr(system, method) for key, system in systems.items()}
    if has_onnx():
        sknet.onnx.register()
        ours, output = networks["engine"], OUTPUTS[method]
        calls["onnxruntime"] = onnx_call(ours, "float32", threads, output)
    rows, repeats = X[:n_rows], PREDICTED[n_rows]
    return {
        key: partial(timeit, partial(call, rows), number=repeats)
        for key, call in calls.items()
    }


# ------------------------------------------------------------------------- first steps


def short_fits(given: Namespace) -> Iterator[Row]:
    """Yield fits of a few epochs, with the programs of earlier fits and without."""
    work = replace(WORKLOADS["tiny"], epochs=FEW_EPOCHS)
    for dtype in DTYPES:
        later = partial(fit_calls, work, dtype, given.threads)
        name = f"tiny, {FEW_EPOCHS} epochs"
        yield Row(name, dtype, later)
        yield Row(f"{name}, first fit", dtype, partial(first_calls, later))


def first_calls(later: Callable[[], Calls]) -> Calls:
    """Return the calls, of which the engine's uses no earlier program."""
    calls = later()
    return calls | {"engine": partial(anew, calls["engine"])}


def anew(fit: Callable[[], object]) -> None:
    """Fit without the programs of earlier fits."""
    programs._PROGRAMS._programs.clear()
    programs._CHECKED._programs.clear()
    fit()


def first_steps(given: Namespace) -> Iterator[list[object]]:
    """Yield what is done before the first compiled step of a fit, as table rows."""
    for name in ("tiny", "table"):
        if not given.is_chosen("first", name):
            continue
        for dtype in DTYPES:
            fit = rivals.sknet_fit(replace(WORKLOADS[name], epochs=1), dtype, None)
            taken = in_turns({"first": partial(anew, fit), "later": fit}, given.runs)
            fits = [f"{1e3 * median(times):.1f}" for times in taken.values()]
            turns = [seconds_of_parts(fit) for _ in range(given.runs)]
            parts = [[sum(turn[part]) for turn in turns] for part in PARTS]
            parts.append([sum(of_turn) for of_turn in zip(*parts, strict=True)])
            cells = [f"{1e3 * median(times):.1f}" for times in parts]
            yield [name, dtype, len(turns[0]["Program"]), *cells, *fits]


def seconds_of_parts(fit: Callable[[], object]) -> dict[str, list[float]]:
    """Return the seconds of each part, for each program that a fit makes anew."""
    taken = defaultdict(list)

    def timed(name: str) -> Callable[..., object]:
        function = getattr(programs, name)

        def call(*args: object) -> object:
            start = perf_counter()
            result = function(*args)
            taken[name].append(perf_counter() - start)
            return result

        return call

    with patch.multiple(programs, **{name: timed(name) for name in PARTS}):
        anew(fit)
    return taken
