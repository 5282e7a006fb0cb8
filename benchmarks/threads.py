"""When are two BLAS threads faster than one? This determines the default n_threads.

A grid of networks (one and two hidden layers) and batch sizes is fitted with
n_threads=1 and n_threads=2 in turns. "gain" is the time with one thread over the time
with two; above 1, two threads are faster. Two measures of the size of a step are tried:
the floating-point operations of all its products, and the multiply-adds of the largest.
"""

import argparse
import math
import os
from statistics import median

import rivals
from timing import Ratio, conditions, in_turns, table
from workloads import Workload


FEATURES, CLASSES, BATCHES_PER_EPOCH = 64, 10, 8
STEPS = (24, 800)  # fewest and most updates of one fit


def grid(widths: list[int], batches: list[int], work_flops: float) -> list[Workload]:
    """Return the networks, from the smallest step to the largest."""
    works = [
        sized(hidden, batch, work_flops)
        for width in widths
        for hidden in ((width,), (width, width))
        for batch in batches
    ]
    return sorted(works, key=lambda work: work.step_flops)


def sized(hidden: tuple[int, ...], batch: int, work_flops: float) -> Workload:
    """Return a workload with about this total number of operations."""
    shape = ("grid", batch * BATCHES_PER_EPOCH, FEATURES, CLASSES, hidden, batch)
    steps = work_flops / Workload(*shape, epochs=1).step_flops
    steps = min(max(steps, STEPS[0]), STEPS[1])
    return Workload(*shape, epochs=math.ceil(steps / BATCHES_PER_EPOCH))


def gain(work: Workload, dtype: str, threads: int, runs: int) -> Ratio:
    """Time one thread and several in turns."""
    calls = {str(n): rivals.sknet_fit(work, dtype, n) for n in (1, threads)}
    taken = in_turns(calls, runs)
    return Ratio(taken["1"], taken[str(threads)])


def loss_of_rule(threshold: float, sized_gains: list[tuple[int, float]]) -> float:
    """Return the mean relative time lost by "more threads from `threshold` on"."""
    lost = [
        max(1 / ratio, 1.0) if size >= threshold else max(ratio, 1.0)
        for size, ratio in sized_gains
    ]
    return sum(lost) / len(lost) - 1


def best_rule(name: str, sized_gains: list[tuple[int, float]]) -> str:
    """Return a line on the best threshold, and on the time it loses."""
    candidates = [float(size) for size, _ in sized_gains] + [math.inf]
    best = min(candidates, key=lambda size: loss_of_rule(size, sized_gains))
    lost = [100 * loss_of_rule(size, sized_gains) for size in (best, math.inf, 0)]
    return (
        f"- {name}: more threads from {best / 1e6:.2f} million on; mean time lost "
        f"{lost[0]:.1f} % (always one: {lost[1]:.1f} %, always more: {lost[2]:.1f} %)"
    )


def row(work: Workload, dtype: str, ratio: Ratio, threads: int) -> list[object]:
    """Format one row of the table."""
    times = [1e6 * median(taken) / work.steps for taken in (ratio.above, ratio.below)]
    low, high = min(ratio.pairs), max(ratio.pairs)
    winner = threads if low > 1 else 1 if high < 1 else "about even"
    hidden = "-".join(map(str, work.hidden))
    cells = [f"{value:.0f}" for value in times]
    sizes = [f"{n / 1e6:.2f}" for n in (work.step_flops, work.largest_product)]
    best = f"{ratio.of_best:.2f}"
    return [hidden, work.batch, dtype, *sizes, *cells, ratio, best, winner]


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    widths, batches = [16, 32, 64, 128, 256, 512], [32, 128, 256, 1024]
    parser.add_argument("--widths", type=int, nargs="+", default=widths)
    parser.add_argument("--batches", type=int, nargs="+", default=batches)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--gflop", type=float, default=4.0, help="work of one fit")
    return parser.parse_args()


def main() -> None:
    """Measure the grid; print the table and the best thresholds."""
    given = options()
    threads = max(2, given.threads)
    print(conditions(f"{given.runs} turns", f"threads: 1 and {threads}"), flush=True)
    rows = []
    for dtype in given.dtypes:
        works = grid(given.widths, given.batches, 1e9 * given.gflop)
        gains = [gain(work, dtype, threads, given.runs) for work in works]
        pairs = list(zip(works, gains, strict=True))
        rows += [row(work, dtype, ratio, threads) for work, ratio in pairs]
        print(f"{dtype}, the threshold that loses least:\n")
        for name in ("step_flops", "largest_product"):
            sized_gains = [(getattr(work, name), r.of_pairs) for work, r in pairs]
            print(best_rule(name, sized_gains))
        print(flush=True)
    sizes = ["step MFLOP", "largest M"]
    head = ["hidden", "batch", "dtype", *sizes, "us/step 1", f"us/step {threads}"]
    print(table([*head, "gain", "of best times", "winner"], rows))


if __name__ == "__main__":
    main()
