"""Layers to go through, and a network of one of them with parameters and rows."""

from types import SimpleNamespace

import numpy as np

from sknet.activations import Logistic, Maxout, ReLU, Tanh
from sknet.initializers import INITIALIZERS
from sknet.network.layers import (
    Activate,
    BatchNorm,
    Dense,
    Dropout,
    ErrorUnits,
    FeedbackDense,
    GroupedDense,
    Highway,
    LayerNorm,
    Mix,
    Residual,
    Sequential,
    Training,
    ZeroPad,
)
from sknet.network.network import Network


N_IN, N_ROWS = 6, 7
IDENTITY = Sequential(())
GATE = Sequential((Dense(N_IN), Activate(Logistic(), in_place=True)))
BODY = Sequential((Dense(N_IN), Activate(Tanh(), in_place=True)))
LAYERS = {
    "dense": Dense(5),
    "dense without bias": Dense(5, use_bias=False),
    "dense in the NTK form": Dense(5, initializer=INITIALIZERS.make("ntk")),
    "grouped": GroupedDense(3, 4),
    "grouped without bias": GroupedDense(2, 2, use_bias=False),
    "grouped in the NTK form": GroupedDense(3, 1, initializer=INITIALIZERS.make("ntk")),
    "activate": Activate(Tanh()),
    "activate in place": Sequential((Dense(5), Activate(Tanh(), in_place=True))),
    "maxout": Activate(Maxout(3)),
    "maxout in place": Sequential((Dense(4), Activate(Maxout(), in_place=True))),
    "mix": Mix(Tanh(), 0.3),
    "mix with a kink": Mix(ReLU()),
    "dropout": Dropout(0.4),
    "batch norm": BatchNorm(),
    "layer norm": LayerNorm(),
    "residual": Residual(BODY, IDENTITY),
    "residual of an activation": Residual(Activate(Tanh()), IDENTITY),
    "residual with a projection": Residual(Dense(4), Dense(4)),
    "residual with zeros": Residual(Dense(9), ZeroPad(9)),
    "zero pad to more": ZeroPad(9),
    "zero pad to fewer": ZeroPad(4),
    "highway": Highway(BODY, GATE, IDENTITY),
    "highway with a projection": Highway(Dense(6), GATE, Dense(6)),
    "nothing": IDENTITY,
    "feedback": FeedbackDense(5),
    "feedback to one unit": FeedbackDense(1, use_bias=False),
    "error units": ErrorUnits((Dense(5), Activate(Tanh(), in_place=True))),
    "error units in the NTK form": ErrorUnits(
        (Dense(5, initializer=INITIALIZERS.make("ntk")), Mix(Tanh(), 0.3))
    ),
    "error units at the output": ErrorUnits((Dense(5, use_bias=False),)),
    "sequential": Sequential(
        (Dense(8), BatchNorm(), Activate(Tanh(), in_place=True), Dropout(0.3), Dense(2))
    ),
}


def place(layer, n_members=1, dtype=np.float64, n_in=N_IN, n_rows=N_ROWS):
    """Return a network of one layer with random parameters, buffers and rows."""
    rng = np.random.default_rng(0)
    network = Network([layer], (n_in,), input_gradient=True)
    size = network.layout.n_parameters
    theta = rng.uniform(0.3, 1.3, size=(n_members, size)).astype(dtype)
    theta[:, ::2] *= -1.0
    for variance in network.layout.named(theta, "running_variance"):
        np.abs(variance, out=variance)
    grad = np.full((n_members, network.layout.n_trainable), np.nan, dtype=dtype)
    workspace = network.workspace(n_members, np.dtype(dtype), training=True)
    weight = rng.uniform(0.1, 1.0, size=(n_members, n_rows, 1)).astype(dtype)
    weight /= weight.sum(axis=1, keepdims=True)
    return SimpleNamespace(
        network=network,
        theta=theta,
        grad=grad,
        x=rng.normal(size=(n_members, n_rows, n_in)).astype(dtype),
        v=rng.normal(size=(n_members, n_rows, network.n_outputs)).astype(dtype),
        weight=weight,
        cache=workspace.cache(n_rows),
    )


def views_of(case, theta=None):
    """Return the views of the one layer of a network."""
    bound = case.network.layout.bind(case.theta if theta is None else theta)
    return bound.children[0]


def streams(numbers):
    """Return noise streams, always the same for the same numbers."""
    return [np.random.Generator(np.random.PCG64(number)) for number in numbers]


def training_of(mode, weight):
    """Return what the layers are told, with noise that is the same at each call."""
    if mode == "predict":
        return None
    noise = streams(range(len(weight)))
    return Training(noise, 1.0 / weight.shape[1] if mode == "train" else weight)


def run_forward(case, mode="train", theta=None, x=None):
    """Return the outputs, as a copy; the running statistics move along."""
    theta = case.theta if theta is None else theta
    x = case.x if x is None else x
    views = case.network.layout.bind(theta)
    training = training_of(mode, case.weight)
    return case.network.forward(views, x, case.cache, training).copy()


def run_backward(case):
    """Return the gradients with respect to parameters and inputs, as copies."""
    layout = case.network.layout
    views, grads = layout.bind(case.theta), layout.bind(case.grad)
    dx = case.network.backward(views, grads, case.v.copy(), case.cache)
    return case.grad.copy(), None if dx is None else dx.copy()
