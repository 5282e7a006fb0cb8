"""How long does a prediction in production take, for one row, a hundred, or many?

scikit-learn's network is the reference. The estimator and its predictor() are compared
with it, and so is onnxruntime with both networks, if it and skl2onnx are installed.
Every system has one thread.
"""

import argparse
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from statistics import median
from timeit import timeit

import numpy as np
from rivals import silent_fit
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits
from timing import conditions, table

import sknet
from sknet import SimpleMLPClassifier


FEATURES, CLASSES, HIDDEN, TRAINING_ROWS = 30, 3, (64, 32), 600
CALLS = {1: 200, 100: 20, 10_000: 1}  # calls in a turn, by the rows of a call
SYSTEMS = ["sklearn", "sknet", "predictor", "onnx of sknet", "onnx of sklearn"]


def has_onnx() -> bool:
    """Return whether networks can be converted and run."""
    return bool(find_spec("onnxruntime") and find_spec("skl2onnx"))


def onnx_call(
    model, dtype: str, threads: int = 1, output: int = 1
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a call that computes labels (0) or probabilities (1) with onnxruntime."""
    import onnxruntime
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    kind = {"float32": FloatTensorType, "float64": DoubleTensorType}[dtype]
    columns = [("X", kind([None, FEATURES]))]
    graph = to_onnx(model, initial_types=columns, options={"zipmap": False})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    name = session.get_outputs()[output].name
    return lambda X: session.run([name], {"X": X})[0]


def calls_of(dtype: str) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Return the functions that predict probabilities, by name."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((TRAINING_ROWS, FEATURES)).astype(dtype)
    y = np.arange(TRAINING_ROWS) % CLASSES
    models = [k(HIDDEN, max_iter=2) for k in (MLPClassifier, SimpleMLPClassifier)]
    for model in models:
        silent_fit(model, X, y)
    theirs, ours = models
    calls = [theirs.predict_proba, ours.predict_proba, ours.predictor().predict_proba]
    if has_onnx():
        sknet.onnx.register()
        calls += [onnx_call(ours, dtype), onnx_call(theirs, dtype)]
    return dict(zip(SYSTEMS, calls, strict=False))


def turns(
    calls: dict[str, Callable[[np.ndarray], np.ndarray]], X: np.ndarray, runs: int
) -> dict[str, list[float]]:
    """Return microseconds per call by system and turn, without the first turn."""
    repeats = CALLS[len(X)]
    taken = [
        {n: timeit(lambda c=c: c(X), number=repeats) for n, c in calls.items()}
        for _ in range(runs + 1)
    ]
    return {n: [1e6 * turn[n] / repeats for turn in taken[1:]] for n in calls}


def main() -> None:
    """Measure all systems and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=101)
    runs = parser.parse_args().runs
    said = f"predict_proba, {FEATURES} features, hidden {HIDDEN}, {CLASSES} classes"
    found = [f"{n} {version(n)}" for n in ("onnxruntime", "skl2onnx") if find_spec(n)]
    print(conditions(said, f"{runs} turns, one thread each", *found), flush=True)
    lines = []
    with threadpool_limits(1, user_api="blas"):
        for dtype in ("float64", "float32"):
            calls = calls_of(dtype)
            for n_rows in CALLS:
                X = np.random.default_rng(1).standard_normal((n_rows, FEATURES))
                taken = turns(calls, X.astype(dtype), runs)
                first = taken["sklearn"]
                for name, times in taken.items():
                    ratios = [a / b for a, b in zip(first, times, strict=True)]
                    spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
                    cells = [f"{median(times):.1f}", f"{min(times):.1f}"]
                    cells.append(f"{median(ratios):.2f} ({spread})")
                    cells.append(f"{min(first) / min(times):.2f}")
                    lines.append([name, dtype, n_rows, *cells])
    head = ["system", "dtype", "rows", "median us", "least us", "sklearn / system"]
    print(table([*head, "of the least"], lines))


if __name__ == "__main__":
    main()
