"""
Gradient descent on a surface
=============================

The loss surface of a hundred weights cannot be drawn, but that of two weights can. You
will see the path down the surface, and the effect of the learning rate.
"""

# %%
# One neuron, two weights, synthetic points with a linear target: half the mean squared
# error is a bowl, steeper in one direction than in the other.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknet import SimpleMLPRegressor


warnings.simplefilter("ignore", ConvergenceWarning)
plt.style.use("seaborn-v0_8-colorblind")
rng = np.random.default_rng(0)
X = rng.normal(size=(64, 2)) * [1.0, 0.35]
y = X @ [1.0, -2.0]


def path(rate, momentum=0.0, n_steps=40):
    """Return the weights after each full-batch step, from (-2, 1)."""
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(),
        use_bias=False,
        initializer=[np.array([[-2.0], [1.0]])],
        solver="sgd",
        momentum=momentum,
        alpha=0.0,
        learning_rate_init=rate,
        batch_size=64,
    )
    points = [np.array([-2.0, 1.0])]
    for _ in range(n_steps):
        network.partial_fit(X, y)
        points.append(network.coefs_[0].ravel().copy())
    return np.array(points)


steepest = np.linalg.eigvalsh(X.T @ X / len(X))[-1]
print(f"descent ends at the bottom for rates below 2 / {steepest:.2f} = ", end="")
print(f"{2.0 / steepest:.2f}")
paths = {rate: path(rate) for rate in (0.05, 0.8, 2.4)}
for rate, points in paths.items():
    error = 0.5 * ((X @ points[-1] - y) ** 2).mean()
    print(f"rate {rate}: error {error:.2g} after 40 steps")

# %%
# If the learning rate is too small, descent creeps; if it is about right, descent
# rushes down and then along the valley; if it is too large, each step across the valley
# overshoots by more than the one before.

grid = np.linspace(-4.0, 4.0, 120)
plane = np.stack(np.meshgrid(grid, grid), axis=-1)
across = np.abs(paths[2.4][:, 0] - 1.0)
assert across[-1] > across[0]
surface = 0.5 * ((plane @ X.T - y) ** 2).mean(axis=-1)
_, panels = plt.subplots(1, 3, figsize=(9.6, 3.4), layout="constrained", sharey=True)
for axes, (rate, points) in zip(panels, paths.items(), strict=True):
    axes.contour(
        grid, grid, surface, levels=np.geomspace(0.05, 20.0, 12), cmap="cividis"
    )
    inside = points[(np.abs(points) < 4.0).all(axis=1)]
    axes.plot(*inside.T, "o-", color="#d95f02", markersize=3)
    axes.plot(1.0, -2.0, "k*", markersize=10)
    axes.set(title=f"learning rate {rate}", xlabel="first weight")
panels[0].set_ylabel("second weight")

# %%
# A hundred steps of a network with a hidden layer, from the initial weights of a
# tutorial: the error falls from 0.3346 to 0.000326, and the output for a target of 0 is
# -0.0174.

start = [
    (
        np.array([[-0.0053, -0.5820, -0.2723], [0.3793, -0.5204, 0.1896]]),
        np.array([-0.0140, 0.5607, -0.0628]),
    ),
    (np.array([[0.1528], [-0.1745], [-0.1135]]), np.array([-0.5516])),
]
network = SimpleMLPRegressor(
    hidden_layer_sizes=(3,),
    activation="logistic",
    initializer=start,
    solver="sgd",
    momentum=0.0,
    alpha=0.0,
    learning_rate_init=0.02,
    max_iter=100,
    tol=0.0,
    n_iter_no_change=np.inf,
).fit([[1.0, 1.0]], [0.0])
errors = 2.0 * np.array(network.loss_curve_)
print(f"error {errors[0]:.6f} -> {errors[-1]:.6g}, answer", end=" ")
print(f"{network.predict([[1.0, 1.0]])[0]:.7f}")

_, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
axes.semilogy(np.arange(1, 101), errors)
axes.set(xlabel="step", ylabel="squared error")
plt.show()

# %%
# Next: ``path(0.3, momentum=0.8)`` shortens the path along the valley.
