"""
Forward and backward by hand
============================

A network of two layers, small enough for pencil and paper. You will see its output, its
gradient by the chain rule, and that finite differences give the same gradient.
"""

# %%
# Two inputs, two hidden neurons, one output; the weights of each neuron are (0, 1), the
# biases zero, and all neurons logistic. The input (2, 3) gives 0.7216.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from sknet import SimpleMLPRegressor
from sknet.testing import check_gradient


warnings.simplefilter("ignore", ConvergenceWarning)
plt.style.use("seaborn-v0_8-colorblind")


def network(weights, biases, rate=1.0, n_steps=1, **params):
    """Return a network that starts from given weights, with plain gradient descent."""
    return SimpleMLPRegressor(
        hidden_layer_sizes=(len(biases[0]),),
        activation="logistic",
        initializer=list(zip(weights, biases, strict=True)),
        solver="sgd",
        momentum=0.0,
        alpha=0.0,
        learning_rate_init=rate,
        max_iter=n_steps,
        tol=0.0,
        n_iter_no_change=np.inf,
        **params,
    )


weights = [np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[0.0], [1.0]])]
biases = [np.zeros(2), np.zeros(1)]
x = np.array([[2.0, 3.0]])
h = expit(x @ weights[0] + biases[0])
o = expit(h @ weights[1] + biases[1])
small = network(weights, biases, rate=1e-300, output_activation="logistic").fit(x, [1])
print(f"by hand {o.item():.16f}, sknet {small.predict(x)[0]:.16f}")

# %%
# Backward: all weights 1, input (-2, -1), target 1. The derivative of (t - o)^2 goes
# back through the output neuron, the weight, and the hidden neuron. A step at learning
# rate 1 shows the network's gradient; the network minimises half the squared error.

weights = [np.ones((2, 2)), np.ones((2, 1))]
x = np.array([[-2.0, -1.0]])
h = expit(-3.0)
o = expit(2.0 * h)
by_hand = -2.0 * (1.0 - o) * o * (1.0 - o) * 1.0 * h * (1.0 - h) * -2.0
step = network(weights, biases, output_activation="logistic").fit(x, [1.0])
print(f"o = {o:.6f}; by hand dL/dw1 = {by_hand:.7f}")
print(f"sknet {2.0 * (1.0 - step.coefs_[0][0, 0]):.7f}")

# %%
# Three hidden neurons without biases, and a linear output: the input (1, 1) gives
# hidden sums of 1, 1.3 and 0.8, and the output 1.2332.

W1 = np.array([[0.8, 0.4, 0.3], [0.2, 0.9, 0.5]])
W2 = np.array([[0.3], [0.5], [0.9]])
x = np.ones((1, 2))
h = expit(x @ W1)
no_biases = SimpleMLPRegressor(
    hidden_layer_sizes=(3,),
    activation="logistic",
    use_bias=False,
    initializer=[W1, W2],
    solver="sgd",
    learning_rate_init=1e-300,
    max_iter=1,
).fit(x, [0.0])
print("sums", (x @ W1).round(4), "hidden", h.round(4))
print(f"by hand {(h @ W2).item():.15f}, sknet {no_biases.predict(x)[0]:.15f}")

# %%
# A gradient of a hundred parameters cannot be checked by hand, but by finite
# differences. The report has a line for each array of parameters.

report = check_gradient(
    SimpleMLPRegressor(hidden_layer_sizes=(4, 4), activation="mish")
)
print(report)

# %%
# The smaller the step, the closer a forward difference is to the gradient, until
# rounding errors dominate. The error of a central difference decreases with the square
# of the step.


def loss(w):
    """Return half the squared error of the network above, given its first weight."""
    z = np.array([-2.0 * w - 1.0, -3.0])
    return 0.5 * (1.0 - expit(expit(z).sum())) ** 2


sizes = 10.0 ** np.arange(-12, 0)
forward = [(loss(1.0 + s) - loss(1.0)) / s for s in sizes]
central = [(loss(1.0 + s) - loss(1.0 - s)) / (2.0 * s) for s in sizes]
_, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
axes.loglog(sizes, np.abs(np.array(forward) * 2.0 - by_hand), "o-", label="forward")
axes.loglog(sizes, np.abs(np.array(central) * 2.0 - by_hand), "s--", label="central")
axes.set(xlabel="step of the difference", ylabel="error of the gradient")
axes.legend()
plt.show()

# %%
# Next: write an activation with a mistake in ``backward``, and read the report of
# ``check_gradient``.
