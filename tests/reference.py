"""The algorithm on one page: a multilayer perceptron and how it is trained.

Nothing is fast here: one sample at a time, one layer at a time, in float64, as a
textbook has it. The package computes the same numbers, for many rows at once.

A network is a list of layers, a layer a pair ``[W, b]``. From the input ``a = x`` each
layer makes ``z = a W + b`` and hands on ``a = f(z)``; the last one hands on ``z``, the
raw outputs ``r``. A sample is a triple ``(x, y, weight)``, where ``y`` holds targets,
or for each class a one or a zero.
"""

import numpy as np


# Each activation f, and its derivative written in terms of a = f(z).
ACTIVATIONS = {
    "identity": (lambda z: z, lambda a: np.ones_like(a)),
    "logistic": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda a: np.where(a > 0, 1.0, 0.0)),
}


# ---- losses: from raw outputs to a number, and its gradient with respect to them


def squared_error(r, y):
    """Half the squared error."""
    return np.sum((r - y) ** 2) / 2, r - y


def binary_log_loss(r, y):
    """Minus the log-likelihood of yes (p = 1 / (1 + exp(-r))) or no (q = 1 - p)."""
    minus_log_p, minus_log_q = np.log(1 + np.exp(-r)), np.log(1 + np.exp(r))
    return np.sum(y * minus_log_p + (1 - y) * minus_log_q), 1 / (1 + np.exp(-r)) - y


def log_loss(r, y):
    """Minus the log-likelihood of exclusive classes, with softmax probabilities p."""
    p = np.exp(r) / np.sum(np.exp(r))
    return -np.sum(y * np.log(p)), p - y


# ---- one sample: forward, and backward by the chain rule


def forward(network, activation, x):
    """Return what every layer hands on: the input first, the raw outputs last."""
    f, _ = ACTIVATIONS[activation]
    a = [x]
    for W, b in network[:-1]:
        a.append(f(a[-1] @ W + b))
    W, b = network[-1]
    return [*a, a[-1] @ W + b]


def backward(network, activation, a, dz):
    """Return the gradient for each layer, from that of the raw outputs, ``dz``."""
    _, derivative = ACTIVATIONS[activation]
    gradient = []
    for layer in reversed(range(len(network))):
        gradient.insert(0, [np.outer(a[layer], dz), dz])
        W, _ = network[layer]
        da = W @ dz
        dz = derivative(a[layer]) * da
    return gradient


# ---- one batch: the weighted mean loss, and the ridge penalty


def objective(network, activation, loss, alpha, batch):
    """Return value and gradient: ``(sum w loss + alpha/2 sum W^2) / sum w``."""
    total = sum(weight for _, _, weight in batch)
    value = 0.0
    gradient = [[np.zeros_like(W), np.zeros_like(b)] for W, b in network]
    for x, y, weight in batch:
        a = forward(network, activation, x)
        sample_value, dr = loss(a[-1], y)
        value += weight / total * sample_value
        of_sample = backward(network, activation, a, dr)
        for (dW, db), (sample_dW, sample_db) in zip(gradient, of_sample, strict=True):
            dW += weight / total * sample_dW
            db += weight / total * sample_db
    for (W, _), (dW, _) in zip(network, gradient, strict=True):  # biases are free
        value += alpha / (2 * total) * np.sum(W**2)
        dW += alpha / total * W
    return value, gradient


# ---- optimizers: the step number t of one array, with a memory of its own


def sgd(g, memory, t, rate, momentum=0.9, nesterov=True):
    """Return the step of gradient descent with momentum."""
    del t  # only Adam counts
    v = memory["v"] = momentum * memory.get("v", 0.0) + rate * g
    return momentum * v + rate * g if nesterov else v


def adam(g, memory, t, rate, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
    """Return the step of Adam, scaled by running moments of the gradient."""
    m = memory["m"] = beta_1 * memory.get("m", 0.0) + (1 - beta_1) * g
    v = memory["v"] = beta_2 * memory.get("v", 0.0) + (1 - beta_2) * g**2
    correction = np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return rate * correction * m / (np.sqrt(v) + epsilon)


# ---- training


def train(network, activation, loss, alpha, samples, orders, batch_size, step):
    """Train in place, an epoch for each order of the rows; return the loss curve.

    ``step(g, memory, t)`` is an optimizer whose other arguments are settled.
    """
    memories = [[{}, {}] for _ in network]
    curve, t = [], 0
    for order in orders:
        total = 0.0
        for start in range(0, len(order), batch_size):
            batch = [samples[row] for row in order[start : start + batch_size]]
            value, gradient = objective(network, activation, loss, alpha, batch)
            t += 1
            for parts in zip(network, gradient, memories, strict=True):
                for theta, g, memory in zip(*parts, strict=True):
                    theta -= step(g, memory, t)
            total += len(batch) * value
        curve.append(total / len(order))
    return curve
