"""
Activations, saturation, dying units
====================================

Every activation in the registry, with its slope. You will see where slopes vanish, and
how many rectifiers die if the learning rate is too large.
"""

# %%
# Curves and slopes, read from the registry, so that new activations appear here. Maxout
# is left out, because it takes the largest of several sums. The slope of the hard
# threshold is a surrogate, since its derivative is zero; "blend" is initially equal to
# the activation that it blends.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from sknet import SimpleMLPClassifier
from sknet.activations import ACTIVATIONS


warnings.simplefilter("ignore", ConvergenceWarning)
plt.style.use("seaborn-v0_8-colorblind")


def value_and_slope(name, z):
    """Return the values of an activation, and its derivative."""
    function = ACTIVATIONS.make(name)
    a, slope, scratch = np.empty_like(z), np.ones_like(z), function.scratch(z)
    function.forward(z, a, scratch)
    function.backward(z, a, slope, scratch)
    return a, slope


z = np.linspace(-4.0, 4.0, 400).reshape(1, 400, 1)
names = [name for name in ACTIVATIONS if ACTIVATIONS.make(name).n_outputs(2) == 2]
columns = 5
rows = -(-len(names) // columns)
_, panels = plt.subplots(
    rows, columns, figsize=(10, 2.2 * rows), layout="constrained", sharex=True
)
for axes, name in zip(panels.flat, names, strict=False):
    a, slope = value_and_slope(name, z)
    axes.plot(z.ravel(), a.ravel(), color="#1f77b4")
    axes.plot(z.ravel(), slope.ravel(), "--", color="#d95f02")
    axes.set(title=name, ylim=(-1.6, 2.2), xlabel="input")
panels[0, 0].set_ylabel("value; slope dashed")
for axes in panels.flat[len(names) :]:
    axes.remove()

# %%
# Saturation: the factor by which ten layers scale a gradient, if the input of each is
# ``z``. Sigmoid functions shrink it at both ends, and the logistic one everywhere.

_, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for name in ("logistic", "tanh", "relu", "silu"):
    _, slope = value_and_slope(name, z)
    axes.semilogy(z.ravel(), np.abs(slope.ravel()) ** 10 + 1e-12, label=name)
axes.set(xlabel="input of each layer", ylabel="gradient behind ten layers")
axes.legend()

# %%
# Dying units: the share of hidden units whose slope is zero for every row, after
# training at increasing learning rates. A leaky unit has a slope on both sides, and is
# never dead.

X, y = load_digits(return_X_y=True)
X = X[:800] / 16.0
y = y[:800]
rates = [0.001, 0.01, 0.03, 0.1]
dead = {"relu": [], "leaky_relu": []}
for name, shares in dead.items():
    for rate in rates:
        network = SimpleMLPClassifier(
            (100,),
            activation=name,
            learning_rate_init=rate,
            max_iter=30,
            random_state=0,
        ).fit(X, y)
        sums = (X @ network.coefs_[0] + network.intercepts_[0])[None]
        _, slope = value_and_slope(name, sums)
        shares.append((slope == 0.0).all(axis=1).mean())
    print(name, [f"{share:.0%}" for share in shares])
_, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
for name, shares in dead.items():
    axes.plot(rates, shares, "o-", label=name)
axes.set(xscale="log", xlabel="learning rate", ylabel="share of units without gradient")
axes.legend()
plt.show()

# %%
# Next: with ``Blend("relu")``, each unit learns to what degree it is a rectifier. Look
# at the shares in ``theta_`` after training.
