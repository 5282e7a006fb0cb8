"""The compiled engine against NumPy, scikit-learn and the products alone.

`python benchmarks/engine.py --threads 1` prints ratios of whole calls. All systems of a
row take turns in one process. Numbers of BLAS threads are those of the option; the
engine uses as many threads.
"""

import argparse
import os
import warnings
from functools import partial


HEAD = ["workload", "dtype", "NumPy / engine", "scikit-learn / engine", "milliseconds"]


def fits(estimator, theirs, X, y):
    """Return calls of fit: with NumPy, with compiled code, and of scikit-learn."""
    from sklearn.base import clone

    calls = {
        engine: partial(clone(estimator).set_params(engine=engine).fit, X, y)
        for engine in ("numpy", "auto")
    }
    return calls | ({"sklearn": partial(theirs.fit, X, y)} if theirs else {})


def single_networks():
    """Yield the fits of one network: name, dtype, calls."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import scale
    from workloads import WORKLOADS

    from sknet import SimpleMLPClassifier

    for work in WORKLOADS.values():
        for dtype in ("float32", "float64"):
            params = work.parameters() | {"n_iter_no_change": 10**6}
            ours = SimpleMLPClassifier(**params)
            yield (
                work.name,
                dtype,
                fits(ours, MLPClassifier(**params), *work.data(dtype)),
            )
    X, y = load_breast_cancer(return_X_y=True)
    params = {"hidden_layer_sizes": (32,), "batch_size": 200, "max_iter": 100}
    params |= {"tol": 0.0, "n_iter_no_change": 10**6, "random_state": 0}
    for dtype in ("float32", "float64"):
        rows = scale(X)[:455].astype(dtype)
        ours, theirs = SimpleMLPClassifier(**params), MLPClassifier(**params)
        yield "cancer", dtype, fits(ours, theirs, rows, y[:455])


def many_networks():
    """Yield ensembles and tables: name, dtype, calls."""
    import numpy as np
    from sklearn.datasets import load_digits, make_classification

    from sknet import SimpleMLPClassifier, TabularMLPClassifier

    X, y = load_digits(return_X_y=True)
    ensemble = SimpleMLPClassifier(
        n_estimators=16, max_iter=10, n_iter_no_change=10**6, random_state=0
    )
    yield (
        "ensemble of 16, digits",
        "float32",
        fits(ensemble, None, X.astype("f") / 16, y),
    )
    X, y = make_classification(8000, 20, n_informative=10, random_state=0)
    table = TabularMLPClassifier(n_estimators=2, max_iter=10, random_state=0)
    yield "table 8000 x 20, 2 nets", "float32", fits(table, None, X, np.asarray(y))


def predictions():
    """Yield calls of predict_proba: name, dtype, calls."""
    import numpy as np
    from sklearn.base import clone
    from sklearn.neural_network import MLPClassifier

    from sknet import SimpleMLPClassifier

    X = np.random.default_rng(0).standard_normal((10_000, 30)).astype("f")
    y = (X[:, 0] > 0).astype(int)
    params = {"hidden_layer_sizes": (64, 32), "max_iter": 1, "random_state": 0}
    theirs = MLPClassifier(**params).fit(X, y)
    for name, rows in (("predict 1 row", X[:1]), ("predict 10,000 rows", X)):
        calls = {}
        for engine in ("numpy", "auto"):
            network = clone(SimpleMLPClassifier(**params, engine=engine)).fit(X, y)
            calls[engine] = partial(_repeat, network.predict_proba, rows)
            served = network.predictor()
            calls[f"predictor {engine}"] = partial(_repeat, served.predict_proba, rows)
        calls["sklearn"] = partial(_repeat, theirs.predict_proba, rows)
        yield name, "float32", calls


def _repeat(call, rows):
    """Call a function as often as takes some milliseconds."""
    for _ in range(max(1, 2000 // len(rows))):
        call(rows)


def main():
    """Measure the chosen workloads and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ[f"{name}_NUM_THREADS"] = str(options.threads)
    from timing import Ratio, conditions, in_turns, table

    warnings.simplefilter("ignore")
    print(conditions(), flush=True)
    rows = []
    for kind in (single_networks, many_networks, predictions):
        for name, dtype, calls in kind():
            if options.only and not any(part in name for part in options.only):
                continue
            times = in_turns(calls, options.runs)
            own, numpy = times["auto"], Ratio(times["numpy"], times["auto"])
            theirs = str(Ratio(times["sklearn"], own)) if "sklearn" in times else "-"
            rows.append([name, dtype, numpy, theirs, f"{1e3 * min(own):.2f}"])
            print(*rows[-1], flush=True)
            if "predictor auto" in times:
                served = times["predictor auto"]
                pair = Ratio(times["predictor numpy"], served)
                theirs = Ratio(times["sklearn"], served)
                ms = f"{1e3 * min(served):.2f}"
                rows.append([f"{name}, predictor", dtype, pair, theirs, ms])
                print(*rows[-1], flush=True)
    print(table(HEAD, rows))


if __name__ == "__main__":
    main()
