"""The compiled engine against NumPy, scikit-learn, PyTorch and the products alone.

`python benchmarks/engine.py --threads 1` prints ratios of whole calls. All systems of a
row take turns in one process. The threads are those of BLAS, PyTorch and onnxruntime,
and the most that the engine chooses. Searches, and the ensemble, have `--jobs` jobs
instead. A system that is not installed or does not do the same leaves its column empty.
"Engine" is `engine="auto"`, which leaves the largest network (*wide*) to NumPy.
"""

import argparse
import os
import warnings
from importlib.metadata import PackageNotFoundError, version
from statistics import median


RIVALS = ("NumPy", "scikit-learn", "PyTorch", "onnxruntime")
HEAD = (
    *("workload", "dtype"),
    *(f"{name} / engine" for name in RIVALS),
    *("engine / products", "engine, ms"),
)
OPTIONAL = ("torch", "onnxruntime", "skl2onnx")


def options():
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="n_jobs of all systems")
    parser.add_argument("--runs", type=int, default=7, help="turns; 5 or more count")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="NAME",
        help="fit, search, many, partial_fit, predict or first: this part of the "
        "table; anything else: the workloads whose names contain it",
    )
    return parser.parse_args()


def sections():
    """Return the parts of the table by name, as functions that yield rows."""
    import engine_calls
    import engine_fits

    return {
        "fit": engine_fits.single_networks,
        "search": engine_fits.searches,
        "many": engine_fits.many_networks,
        "partial_fit": engine_calls.updates,
        "predict": engine_calls.predictions,
        "first": engine_calls.short_fits,
    }


def chooser(only, parts):
    """Return the function that says whether a workload of a part is measured."""
    names = {name for name in only if name in parts}
    pieces = set(only) - names
    return lambda part, workload: (
        not only or part in names or any(piece in workload for piece in pieces)
    )


def cells(row, runs):
    """Measure a row of the table and format it."""
    from timing import Ratio, in_turns

    taken = in_turns(row.make(), runs)
    own = taken["engine"]
    over = [Ratio(taken[name], own) if name in taken else "-" for name in RIVALS]
    products = Ratio(own, taken["products"]) if "products" in taken else "-"
    milliseconds = 1e3 * median(own) / row.repeats
    digits = 1 if milliseconds >= 1 else 4
    return [row.name, row.dtype, *over, products, f"{milliseconds:.{digits}f}"]


def installed():
    """Return the versions of the packages that may be missing."""
    found = []
    for name in OPTIONAL:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} is not installed")
    return ", ".join(found)


def measure(given):
    """Measure the chosen workloads and print the tables."""
    from engine_calls import FIRST_HEAD, first_steps
    from timing import conditions, table

    said = f"{given.runs} turns, {given.threads} thread(s); searches: {given.jobs} jobs"
    print(conditions(said, installed()), flush=True)
    parts = sections()
    given.is_chosen = chooser(given.only, parts)
    rows = []
    for part, rows_of in parts.items():
        for row in rows_of(given):
            if given.is_chosen(part, row.name):
                rows.append(cells(row, given.runs))
                print(*rows[-1], flush=True)
    tables = ((HEAD, rows), (FIRST_HEAD, list(first_steps(given))))
    if not any(lines for _, lines in tables):
        raise SystemExit(f"No workload is called {' or '.join(given.only)}.")
    print("", *(table(*pair) + "\n" for pair in tables if pair[1]), sep="\n")


def main():
    """Set what is read when libraries are loaded, and measure."""
    given = options()
    for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ[f"{name}_NUM_THREADS"] = str(given.threads)
    os.environ["PYTHONWARNINGS"] = "ignore"  # for the workers of joblib
    warnings.simplefilter("ignore")
    measure(given)


if __name__ == "__main__":
    main()
