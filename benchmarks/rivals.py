"""What sknet's fit is measured against: scikit-learn, PyTorch, bare products."""

import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import ThreadpoolController
from workloads import Workload

from sknet import SimpleMLPClassifier


try:
    import torch
    from torch import nn
except ImportError:
    torch = None

RATE, ALPHA = 1e-3, 1e-4  # the defaults of both estimators


def silent_fit(model, X: np.ndarray, y: np.ndarray) -> None:
    """Fit without convergence warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)


def sknet_fit(
    work: Workload, dtype: str, threads: int | None, engine: str = "auto"
) -> Callable[[], None]:
    """Return the call that fits sknet's class; None uses its rule for threads."""
    X, y = work.data(dtype)
    model = SimpleMLPClassifier(**work.parameters(), n_threads=threads, engine=engine)
    return lambda: silent_fit(model, X, y)


def sklearn_fit(work: Workload, dtype: str, threads: int | None) -> Callable[[], None]:
    """Return the call that fits scikit-learn's class; None uses the default threads."""
    X, y = work.data(dtype)
    model = MLPClassifier(**work.parameters())
    blas = ThreadpoolController()  # outside of the time: its search takes milliseconds

    def fit() -> None:
        with blas.limit(limits=threads, user_api="blas"):
            silent_fit(model, X, y)

    return fit


def torch_fit(work: Workload, dtype: str, threads: int | None) -> Callable[[], None]:
    """Return the call that trains the same network with eager PyTorch."""
    if threads is not None:
        torch.set_num_threads(threads)
    X, y = work.data(dtype)
    inputs, targets = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64))
    if work.outputs == 1:
        targets = targets.to(inputs.dtype)[:, None]

    def fit() -> None:
        torch.manual_seed(0)
        network = torch_network(work).to(inputs.dtype)
        torch_epochs(work, network, inputs, targets)

    return fit


def torch_network(work: Workload) -> "nn.Sequential":
    """Return the workload's network as PyTorch modules."""
    layers: list[nn.Module] = []
    for n_in, n_out in zip(work.widths[:-1], work.widths[1:], strict=True):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def torch_epochs(
    work: Workload,
    network: "nn.Module",
    inputs: "torch.Tensor",
    targets: "torch.Tensor",
) -> list[float]:
    """Train with a typical PyTorch loop; return the mean loss of each epoch."""
    measure = nn.BCEWithLogitsLoss() if work.outputs == 1 else nn.CrossEntropyLoss()
    decay = ALPHA / work.batch
    optimizer = torch.optim.Adam(
        network.parameters(), lr=RATE, weight_decay=decay, fused=True
    )
    curve = []
    for _ in range(work.epochs):
        total = 0.0
        for rows in torch.randperm(work.rows).split(work.batch):
            optimizer.zero_grad()
            loss = measure(network(inputs[rows]), targets[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        curve.append(total / work.rows)
    return curve


def bare_products(work: Workload, dtype: str, threads: int = 1) -> Callable[[], None]:
    """Return the call that performs only the matrix products of a fit."""
    rng, blas = np.random.default_rng(0), ThreadpoolController()

    def numbers(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(dtype)

    shapes = list(zip(work.widths[:-1], work.widths[1:], strict=True))
    weights = [numbers(*shape) / np.sqrt(shape[0], dtype=dtype) for shape in shapes]
    gradients = [np.empty_like(weight) for weight in weights]
    values = [numbers(work.batch, width) for width in work.widths]
    deltas = [numbers(work.batch, width) for width in work.widths]
    last = work.rows % work.batch
    full = (weights, gradients, values, deltas)
    part = (weights, gradients, [v[:last] for v in values], [d[:last] for d in deltas])

    def multiply() -> None:
        with blas.limit(limits=threads, user_api="blas"):
            for _ in range(work.epochs):
                for _ in range(work.rows // work.batch):
                    step_products(*full)
                if last:
                    step_products(*part)

    return multiply


def step_products(
    weights: list[np.ndarray],
    gradients: list[np.ndarray],
    values: list[np.ndarray],
    deltas: list[np.ndarray],
) -> None:
    """Compute the products of one batch: forward, gradients, backward."""
    for k, weight in enumerate(weights):
        np.matmul(values[k], weight, out=values[k + 1])
    for k in range(len(weights) - 1, -1, -1):
        np.matmul(values[k].T, deltas[k + 1], out=gradients[k])
        if k:
            np.matmul(deltas[k + 1], weights[k].T, out=deltas[k])
