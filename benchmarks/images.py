"""How well and how fast do convolutional networks learn pictures?

`--data PATH` trains one recipe on 28 x 28 pictures of ten classes, and prints its test
accuracy: an `.npz` file with uint8 arrays `X_train` (N, 784), `y_train`, `X_test` and
`y_test`; or the folder of `mnist.npz`. Without it, epochs are compared with those of
PyTorch (eager, on the processor, in the memory format that suits it better), a step
with its matrix products alone, and an ensemble with single fits, on pictures of noise.
"""

import argparse
import time
import warnings
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits
from timing import Ratio, conditions, in_turns, table

from sknet import Conv, SimpleCNNClassifier


N_PICTURES = 3840


class Work(NamedTuple):
    """A network and its batches: (filters, kernel size, padding) of each convolution.

    Each convolution is followed by a pool of 2 x 2.
    """

    name: str
    convolutions: tuple[tuple[int, int, str], ...]
    hidden: tuple[int, ...]
    batch_size: int


WORKS = (
    Work("LeNet-5", ((6, 5, "same"), (16, 5, "valid")), (120, 84), 64),
    Work("32-64 filters", ((32, 3, "same"), (64, 3, "same")), (128,), 128),
)


def network(work, n_epochs, threads, **params):
    """Return the estimator of a workload."""
    convolutions = [
        Conv(filters, size, padding=padding, pool=2)
        for filters, size, padding in work.convolutions
    ]
    given = {"alpha": 0.0, "tol": 0.0, "random_state": 0, "n_threads": threads}
    return SimpleCNNClassifier(
        work.hidden,
        conv_layers=tuple(convolutions),
        batch_size=work.batch_size,
        max_iter=n_epochs,
        **(given | params),
    )


def pictures():
    """Return pictures of noise, in [0, 1], and labels."""
    rng = np.random.default_rng(0)
    X = rng.random((N_PICTURES, 28, 28), dtype=np.float32)
    return X, rng.integers(0, 10, N_PICTURES)


# ----------------------------------------------------------------------------- PyTorch


def torch_network(work):
    """Return the same network in PyTorch."""
    from torch import nn

    parts, channels, side = [], 1, 28
    for filters, size, padding in work.convolutions:
        zeros = size // 2 if padding == "same" else 0
        parts += [nn.Conv2d(channels, filters, size, padding=zeros), nn.ReLU()]
        parts.append(nn.MaxPool2d(2))
        channels, side = filters, (side + 2 * zeros - size + 1) // 2
    parts.append(nn.Flatten())
    width = channels * side * side
    for units in work.hidden:
        parts += [nn.Linear(width, units), nn.ReLU()]
        width = units
    return nn.Sequential(*parts, nn.Linear(width, 10))


def torch_fit(work, X, y, given, channels_last):
    """Return a function that trains the network in PyTorch."""
    import torch

    torch.set_num_threads(given.threads)

    order = torch.channels_last if channels_last else torch.contiguous_format
    model = torch_network(work).to(memory_format=order)
    optimizer = torch.optim.Adam(model.parameters())
    loss = torch.nn.CrossEntropyLoss()
    pixels = torch.tensor(X[:, None]).to(memory_format=order)
    labels = torch.tensor(y)

    def fit():
        for _ in range(given.epochs):
            for rows in torch.randperm(len(labels)).split(work.batch_size):
                optimizer.zero_grad()
                loss(model(pixels[rows]), labels[rows]).backward()
                optimizer.step()

    return fit


# ---------------------------------------------------------------- the products alone


def shapes_of_products(work):
    """Yield (rows, inputs, outputs) of the product of each layer, for a batch."""
    channels, side = 1, 28
    for filters, size, padding in work.convolutions:
        side = side if padding == "same" else side - size + 1
        yield work.batch_size * side * side, size * size * channels, filters
        channels, side = filters, side // 2
    widths = (channels * side * side, *work.hidden, 10)
    for n_in, n_out in pairwise(widths):
        yield work.batch_size, n_in, n_out


def products(work, n_epochs):
    """Return a function that computes the matrix products of training alone.

    The windows of all pictures are already the rows of a matrix, which costs nothing
    here.
    """
    rng = np.random.default_rng(0)
    steps = n_epochs * N_PICTURES // work.batch_size
    arrays = []
    for i, (rows, n_in, n_out) in enumerate(shapes_of_products(work)):
        x, w, dy = (
            rng.random(shape, dtype=np.float32)
            for shape in ((rows, n_in), (n_in, n_out), (rows, n_out))
        )
        out = np.empty_like(dy), np.empty_like(w), np.empty_like(x)
        arrays.append((i > 0, x, w, dy, out))

    def fit():
        for _ in range(steps):
            for needs_dx, x, w, dy, (y, dw, dx) in arrays:
                np.matmul(x, w, out=y)
                np.matmul(x.T, dy, out=dw)
                if needs_dx:
                    np.matmul(dy, w.T, out=dx)

    return fit


# ------------------------------------------------------------------------------- tables


def speed(given):
    """Print the ratios of times."""
    X, y = pictures()
    print(conditions(f"{given.threads} thread(s), float32, {given.runs} turns"))
    rows = []
    for work in WORKS:
        fit = network(work, given.epochs, given.threads).fit
        calls = {"sknet": partial(fit, X, y), "products": products(work, given.epochs)}
        for name, last in (("channels first", False), ("channels last", True)):
            try:
                calls[name] = torch_fit(work, X, y, given, last)
            except ImportError:
                continue
        numpy = network(work, given.epochs, given.threads, engine="numpy")
        calls["NumPy"] = partial(numpy.fit, X, y)
        taken = in_turns(calls, given.runs)
        own = taken["sknet"]
        over = [
            Ratio(taken[name], own) if name in taken else "-"
            for name in ("channels first", "channels last", "NumPy")
        ]
        rows.append([work.name, *over, Ratio(own, taken["products"])])
        print(" ".join(map(str, rows[-1])), flush=True)
    head = ["PyTorch / sknet", "channels last / sknet", "NumPy's way / sknet"]
    print(f"\n{table(['network', *head, 'sknet / products'], rows)}\n")
    ensemble(given, X, y)


def ensemble(given, X, y):
    """Print how an ensemble compares with as many fits."""
    make = partial(network, WORKS[0], given.epochs, given.threads, n_jobs=given.threads)
    together, alone = make(n_estimators=5), make()

    def one_by_one():
        for seed in range(5):
            alone.set_params(random_state=seed).fit(X, y)

    taken = in_turns(
        {"five": one_by_one, "one": partial(together.fit, X, y)}, given.runs
    )
    print(f"five fits / an ensemble of five: {Ratio(taken['five'], taken['one'])}")


def recipe(threads, n_epochs):
    """Return the network whose accuracy is measured; nothing in it was tuned."""
    return SimpleCNNClassifier(
        (64,),
        conv_layers=(
            Conv(32, normalization="batch", pool=2),
            Conv(64, normalization="batch", pool=2),
            Conv(64, normalization="batch", pool=2, dropout=0.2),
        ),
        dropout=0.3,
        solver="adamw",
        learning_rate="one_cycle",
        learning_rate_init=0.004,
        batch_size=128,
        max_iter=n_epochs,
        tol=0.0,
        n_iter_no_change=np.inf,
        dtype="float32",
        n_threads=threads,
        random_state=0,
    )


def accuracy(given):
    """Print the test accuracy of the recipe."""
    path = given.data / "mnist.npz" if given.data.is_dir() else given.data
    arrays = np.load(path)
    X, X_test = (arrays[f"X_{name}"].reshape(-1, 28, 28) for name in ("train", "test"))
    print(conditions(f"{given.threads} thread(s), float32"))
    model, start = recipe(given.threads, given.recipe_epochs), time.perf_counter()
    model.fit(X, arrays["y_train"])
    seconds = time.perf_counter() - start
    print(
        f"{model.theta_.size:,} parameters, {model.n_iter_} epochs of "
        f"{seconds / model.n_iter_:.1f} s, engine {model.engine_}: accuracy "
        f"{model.score(X_test, arrays['y_test']):.4f}"
    )


def main():
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, metavar="PATH")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=2, help="of a turn")
    parser.add_argument("--recipe-epochs", type=int, default=12, help="with --data")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    with threadpool_limits(given.threads):
        (speed if given.data is None else accuracy)(given)


if __name__ == "__main__":
    main()
