"""How fast is fit: against scikit-learn, PyTorch, and the matrix products alone?"""

import argparse
from statistics import median

import rivals
from timing import CLOCKS, Ratio, conditions, in_turns, table
from workloads import WORKLOADS, Workload


TARGETS = {  # scikit-learn float32, float64; PyTorch; over the products in float32
    "tiny": (3.5, 3.5, 4, 7.5),
    "digits": (2.4, 2.0, 1.9, 2.1),
    "table": (1.5, 1.3, 1.1, 1.2),
    "mnist": (1.4, 1.3, 1.1, 1.3),
    "wide": (1.3, 1.3, 1.1, 1.06),
}
SYSTEMS = ("sknet", "sklearn", "torch", "products")
HEAD = (
    "workload",
    "dtype",
    "steps",
    *(f"{name} us/step" for name in SYSTEMS),
    *("sklearn / sknet", "target", "torch / sknet", "target"),
    *("sknet / products", "target"),
)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS)
    )
    parser.add_argument(
        "--dtypes",
        nargs="+",
        choices=("float32", "float64"),
        default=["float32", "float64"],
    )
    parser.add_argument("--runs", type=int, default=5, help="turns; 5 or more count")
    parser.add_argument(
        "--threads",
        default="1",
        help="a number for all systems, or auto: sknet's rule, the others' default",
    )
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="wall",
        help="cpu: processor time, for one thread on a busy machine",
    )
    return parser.parse_args()


def times(
    work: Workload, dtype: str, threads: int | None, given: argparse.Namespace
) -> dict[str, tuple[float, ...]]:
    """Time every system that can run, in turns."""
    calls = {
        "sknet": rivals.sknet_fit(work, dtype, threads),
        "sklearn": rivals.sklearn_fit(work, dtype, threads),
    }
    if rivals.torch is not None:
        calls["torch"] = rivals.torch_fit(work, dtype, threads)
    if threads == 1:
        calls["products"] = rivals.bare_products(work, dtype)
    return in_turns(calls, given.runs, given.clock)


def ratios(taken: dict[str, tuple[float, ...]]) -> list[Ratio | None]:
    """Return the three ratios of the table; None for a system that did not run."""
    pairs = (("sklearn", "sknet"), ("torch", "sknet"), ("sknet", "products"))
    return [
        Ratio(taken[a], taken[b]) if a in taken and b in taken else None
        for a, b in pairs
    ]


def row(
    work: Workload,
    dtype: str,
    taken: dict[str, tuple[float, ...]],
    formed: list[Ratio | None],
) -> list[object]:
    """Format one row of the table."""
    single, double, torch, products = TARGETS[work.name]
    is_single = dtype == "float32"
    targets = (single if is_single else double, torch, products if is_single else "")
    steps = [
        f"{1e6 * median(taken[name]) / work.steps:.1f}" if name in taken else "-"
        for name in SYSTEMS
    ]
    pairs = zip(formed, targets, strict=True)
    cells = [cell for ratio, target in pairs for cell in (ratio or "-", target)]
    return [work.name, dtype, work.steps, *steps, *cells]


def remarks(threads: int | None) -> list[str]:
    """Return lines on the measurement, the threads and what was left out."""
    said = ["threads: " + (str(threads) if threads else "auto")]
    if rivals.torch is None:
        said.append("PyTorch column empty: torch is not installed")
    else:
        version, count = rivals.torch.__version__, rivals.torch.get_num_threads()
        said.append(f"torch {version} (eager, fused Adam), {threads or count} threads")
    if threads != 1:
        said.append("products column empty: it is measured with --threads 1 only")
    said.append("a ratio: the median of the turns' ratios (smallest-largest)")
    return said


def main() -> None:
    """Measure the chosen workloads and print the table."""
    given = options()
    threads = None if given.threads == "auto" else int(given.threads)
    turns = f"{given.runs} turns, {given.clock} clock"
    print(conditions(turns, *remarks(threads)), flush=True)
    rows, formed = [], []
    for name in given.workloads:
        for dtype in given.dtypes:
            taken = times(WORKLOADS[name], dtype, threads, given)
            formed.append(ratios(taken))
            rows.append(row(WORKLOADS[name], dtype, taken, formed[-1]))
    print(table(HEAD, rows))
    apart = max(ratio.disagreement for some in formed for ratio in some if ratio)
    print(
        "\nRatios of the median times differ from these medians of ratios by "
        f"at most {100 * apart:.1f} %."
    )


if __name__ == "__main__":
    main()
