"""How much memory does fit add to the process when X is a large file?

X is an np.memmap in a temporary folder. Pages of a mapped file belong to the page
cache: they count in the resident size, but the system can reclaim them at any time. The
figure is therefore the peak growth of RssAnon (/proc/self/status, Linux only), which
excludes them, as sampled by a thread. Each case runs in a fresh process.
"""

import argparse
import multiprocessing
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from rivals import silent_fit
from timing import conditions, table

from sknet import SimpleMLPClassifier


FEATURES, LIMIT_MB = 64, 200
CASES = (("float32", "auto"), ("uint8", "float32"), ("float64", "float32"))


class Sampler(threading.Thread):
    """Records the largest RssAnon, in MB, until it is stopped."""

    def __init__(self):
        super().__init__(daemon=True)
        self.first = self.most = resident()
        self.done = threading.Event()

    def run(self) -> None:
        """Sample every two milliseconds."""
        while not self.done.wait(0.002):
            self.most = max(self.most, resident())

    def growth(self) -> float:
        """Stop, and return the peak above the start."""
        self.done.set()
        self.join()
        return max(self.most, resident()) - self.first


def resident() -> float:
    """Return the memory of the process in MB, without the page cache."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024 / 1e6


def write(path: Path, rows: int, dtype: str) -> None:
    """Write made-up data, a few thousand rows at a time."""
    rng = np.random.default_rng(0)
    block = rng.integers(0, 256, (4096, FEATURES)).astype(dtype)
    if dtype != "uint8":
        block /= 256
    with path.open("wb") as file:
        for start in range(0, rows, len(block)):
            block[: rows - start].tofile(file)


def fit(X: np.ndarray, y: np.ndarray, dtype: str) -> None:
    """Train a small network for one epoch."""
    model = SimpleMLPClassifier((32,), max_iter=1, random_state=0, dtype=dtype)
    silent_fit(model, X, y)


def measure(path: Path, rows: int, kind: str, dtype: str) -> tuple[float, float]:
    """Return the growth in MB and the seconds of one fit on the file."""
    y = np.arange(rows) % 2
    X = np.memmap(path, dtype=kind, mode="r", shape=(rows, FEATURES))
    fit(X[:1000].copy(), y[:1000], dtype)
    sampler = Sampler()
    sampler.start()
    start = time.perf_counter()
    fit(X, y, dtype)
    return sampler.growth(), time.perf_counter() - start


def case(folder: str, rows: int, kind: str, dtype: str) -> list[object]:
    """Write the file, measure in a separate process, remove the file."""
    path = Path(folder) / "X.bin"
    write(path, rows, kind)
    size = path.stat().st_size / 1e9
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        growth, taken = pool.apply(measure, (path, rows, kind, dtype))
    path.unlink()
    target = f"below {LIMIT_MB}"
    return [kind, dtype, f"{size:.2f}", f"{growth:.0f}", target, f"{taken:.1f}"]


def main() -> None:
    """Measure the three kinds of input and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0, help="as float32")
    parser.add_argument("--folder", help="where the file is made (default: temporary)")
    given = parser.parse_args()
    rows = int(given.gigabytes * 1e9 / 4 / FEATURES)
    said = f"{rows} x {FEATURES} rows in a file, hidden (32,), one epoch"
    print(conditions(said, "growth: RssAnon, page cache not counted"), flush=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        lines = [case(folder, rows, *kinds) for kinds in CASES]
    print(table(["X", "dtype=", "file GB", "growth MB", "target", "seconds"], lines))


if __name__ == "__main__":
    main()
