"""What do the layers of the design cost? fit against one hand-inlined loop.

The loop makes the same Adam steps for a network with one hidden layer, with the same
persistent buffers and one flat parameter vector, but in a single function: no members,
no layers, no loss object, no records, no validation of input.
"""

import argparse
import time

import numpy as np
from rivals import silent_fit
from threadpoolctl import threadpool_limits
from timing import conditions, table

from sknet import SimpleMLPClassifier


WORKLOADS = {
    "tiny": {"rows": 150, "features": 4, "classes": 3, "hidden": 10, "batch": 32},
    "digits": {"rows": 1797, "features": 64, "classes": 10, "hidden": 100},
}
EPOCHS = {"tiny": 200, "digits": 50}
ALPHA, RATE = 1e-4, 1e-3


class Arrays:
    """The arrays of the loop: parameters, gradient and moments as flat vectors."""

    def __init__(self, n_in, n_hidden, n_out, dtype):
        self.shapes = ((n_in, n_hidden), (n_hidden, n_out))
        self.n_weights = n_in * n_hidden + n_hidden * n_out
        n = self.n_weights + n_hidden + n_out
        rng = np.random.default_rng(0)
        self.theta = rng.uniform(-0.1, 0.1, n).astype(dtype)
        self.grad, self.first, self.second = (np.zeros(n, dtype) for _ in range(3))
        self.scratch = np.empty(self.n_weights, dtype)

    def views(self, flat):
        """Return both weight matrices and both bias vectors."""
        (n_in, n_hidden), (_, n_out) = self.shapes
        cut = n_in * n_hidden
        return (
            flat[:cut].reshape(n_in, n_hidden),
            flat[cut : self.n_weights].reshape(n_hidden, n_out),
            flat[self.n_weights : self.n_weights + n_hidden],
            flat[self.n_weights + n_hidden :],
        )


def buffers(n, n_in, n_hidden, n_out, dtype):
    """Return the buffers for one batch size."""
    widths = (n_in, n_out, n_hidden, n_out, n_out, 1, 1, n_hidden, n_hidden)
    return [*(np.empty((n, w), dtype) for w in widths), np.ones(n, dtype)]


def inlined_fit(X, Y, n_hidden, n_batch, n_epochs):  # noqa: PLR0915  (that is the point)
    """Train; the step is written out on purpose."""
    (n_rows, n_in), n_out, dtype = X.shape, Y.shape[1], X.dtype
    a = Arrays(n_in, n_hidden, n_out, dtype)
    (W1, W2, b1, b2), (G1, G2, g1, g2) = a.views(a.theta), a.views(a.grad)
    weights, weight_grad = a.theta[: a.n_weights], a.grad[: a.n_weights]
    ones_out, zeros = np.ones((n_out, 1), dtype), np.zeros(n_hidden, dtype)
    sizes = {min(n_batch, n_rows), n_rows % n_batch or n_batch}
    kept = {n: buffers(n, n_in, n_hidden, n_out, dtype) for n in sizes}
    stream, order, loss = np.random.RandomState(0), np.arange(n_rows), 0.0
    for _ in range(n_epochs):
        stream.shuffle(order)
        for start in range(0, n_rows, n_batch):
            rows = order[start : start + n_batch]
            n = len(rows)
            x, y, h, o, zy, top, total, dh, mask, ones = kept[n]
            X.take(rows, 0, x, "clip")
            Y.take(rows, 0, y, "clip")
            np.matmul(x, W1, out=h)
            h += b1
            np.maximum(h, zeros, out=h)
            np.matmul(h, W2, out=o)
            o += b2
            np.maximum.reduce(o, axis=1, keepdims=True, out=top)
            o -= top
            np.multiply(o, y, out=zy)
            np.exp(o, out=o)
            np.matmul(o, ones_out, out=total)
            o /= total
            np.log(total, out=total)
            loss += total.sum() - zy.sum()
            o -= y
            o *= 1 / n
            np.matmul(h.T, o, out=G2)
            np.matmul(ones, o, out=g2)
            np.matmul(o, W2.T, out=dh)
            np.greater(h, 0, out=mask)
            dh *= mask
            np.matmul(x.T, dh, out=G1)
            np.matmul(ones, dh, out=g1)
            np.multiply(weights, ALPHA / n, out=a.scratch)
            weight_grad += a.scratch
            loss += np.dot(a.scratch, weights) * n / 2
            a.first *= 0.9
            a.first += a.grad
            a.grad *= a.grad
            a.second *= 0.999
            a.second += a.grad
            np.sqrt(a.second, out=a.grad)
            a.grad += 1e-8
            np.divide(a.first, a.grad, out=a.grad)
            a.grad *= RATE
            a.theta -= a.grad
    return loss


def measure(name, dtype, runs):
    """Return the median seconds of both, and the ratios turn by turn."""
    w = WORKLOADS[name]
    n_batch, n_epochs = w.get("batch", 200), EPOCHS[name]
    rng = np.random.default_rng(0)
    X = rng.normal(size=(w["rows"], w["features"])).astype(dtype)
    y = rng.integers(w["classes"], size=w["rows"])
    Y = np.eye(w["classes"], dtype=dtype)[y]
    model = SimpleMLPClassifier(
        (w["hidden"],), batch_size=n_batch, max_iter=n_epochs, tol=0.0
    ).set_params(n_iter_no_change=np.inf)
    times = np.empty((runs, 2))
    for turn in range(runs):
        start = time.perf_counter()
        inlined_fit(X, Y, w["hidden"], n_batch, n_epochs)
        middle = time.perf_counter()
        silent_fit(model, X, y)
        times[turn] = middle - start, time.perf_counter() - middle
    steps = n_epochs * -(-w["rows"] // n_batch)
    return np.median(times, axis=0) / steps * 1e6, times[:, 1] / times[:, 0]


def main():
    """Print the microseconds per step and the cost of the layers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    print(conditions(f"{runs} turns, wall clock, one thread"), end="\n\n")
    lines = []
    with threadpool_limits(1):
        for name in WORKLOADS:
            for dtype in ("float32", "float64"):
                (inlined, fit), ratio = measure(name, dtype, runs)
                spread = f"{np.median(ratio):.2f} ({ratio.min():.2f}-{ratio.max():.2f})"
                lines.append([name, dtype, f"{inlined:.1f}", f"{fit:.1f}", spread])
    heads = ["workload", "dtype", "inlined us/step", "sknet us/step", "sknet / inlined"]
    print(table(heads, lines))


if __name__ == "__main__":
    main()
