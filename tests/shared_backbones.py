"""Networks with a shared backbone, rows for them, and a submodel as its own network."""

import numpy as np

from sknet.activations import Tanh
from sknet.network.architecture import Architecture
from sknet.network.blocks import BLOCKS
from sknet.network.network import perceptron
from sknet.objective import Batch


N_INPUTS, N_ROWS, N_OUTPUTS, E = 4, 6, 2, 3
NORMALIZATIONS = (None, "batch", "layer")


def described(block="plain", normalization=None, hidden=(5, 4), n_heads=E, **more):
    """Return an architecture with a smooth activation."""
    made = BLOCKS[block](normalization=normalization)
    return Architecture(hidden, (Tanh(),), made, n_heads=n_heads, **more)


def built(architecture, n_outputs=N_OUTPUTS):
    """Return its network."""
    return perceptron(N_INPUTS, architecture, n_outputs)


def point_of(network, n_members=1, dtype=np.float64):
    """Return parameters away from where they start."""
    rng = np.random.default_rng(0)
    streams = [np.random.RandomState(k) for k in range(n_members)]
    theta = network.initial(streams, np.dtype(dtype))
    n_trainable = network.layout.n_trainable
    theta[:, :n_trainable] += 0.3 * rng.normal(size=(n_members, n_trainable))
    return theta


def batch_of(n_members=1, weighted=False, dtype=np.float64, n_columns=N_OUTPUTS):
    """Return rows and targets, with a weight for each row if wanted."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n_members, N_ROWS, N_INPUTS)).astype(dtype)
    y = rng.normal(size=(n_members, N_ROWS, n_columns)).astype(dtype)
    if not weighted:
        return Batch(x, y, 1.0 / N_ROWS, float(N_ROWS), N_ROWS)
    weight = rng.uniform(0.1, 2.0, size=(n_members, N_ROWS, 1)).astype(dtype)
    total = weight.sum(axis=1)
    return Batch(x, y, weight / total[:, :, None], total, N_ROWS)


def noise(n_members):
    """Return a stream for each member, always the same."""
    return [np.random.default_rng(k) for k in range(n_members)]


def parameter(network, theta, path):
    """Return one parameter of all members, by its path."""
    (found,) = (p for p in network.layout.parameters if p.path == path)
    return network.layout.view(theta, found)


def separate(network, plain, theta, e):
    """Return the factors of one submodel and all else as a network of its own."""
    last = f"{len(network.layers) - 1}."
    own = np.zeros((len(theta), plain.layout.n_parameters))
    for p in plain.layout.parameters:
        first, rest = p.path.split(".", 1)
        path = f"{int(first) + 1}.{rest}"
        value = parameter(network, theta, path)
        plain.layout.view(own, p)[...] = value[:, e] if path.startswith(last) else value
    return parameter(network, theta, "0.scale")[:, e], own


def evaluate(objective, theta, batch, streams=()):
    """Return the values and a copy of the gradient; every element is written."""
    point = objective.point(theta, streams)
    point.grad.fill(np.nan)
    data, _ = objective.value_and_gradient(point, batch)
    return data, point.grad.copy()
