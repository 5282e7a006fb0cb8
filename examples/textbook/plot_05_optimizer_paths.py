"""
Optimizers and their paths
==========================

The same valley for every optimizer in the registry, and four batch sizes. You will see
how each optimizer descends, and how noise affects the path.
"""

# %%
# Two weights, least squares; the valley is much steeper across than along.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknet import SimpleMLPRegressor
from sknet.optimizers import OPTIMIZERS, SGD


warnings.simplefilter("ignore", ConvergenceWarning)
rng = np.random.default_rng(0)
X = rng.normal(size=(1024, 2)) * [1.0, 0.25]
y = X @ [1.0, 1.0] + 0.1 * rng.normal(size=1024)
START = np.array([[-1.5], [-1.5]])
grid = np.linspace(-2.0, 2.0, 120)
plane = np.stack(np.meshgrid(grid, grid), axis=-1)
surface = 0.5 * ((plane @ X.T - y) ** 2).mean(axis=-1)


def path(solver, rate, n_steps, batch_size=1024, **params):
    """Return the weights after each step, on rows in random order."""
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(),
        use_bias=False,
        initializer=[START],
        solver=solver,
        alpha=0.0,
        learning_rate_init=rate,
        batch_size=batch_size,
        random_state=0,
        **params,
    )
    order = np.random.default_rng(1)
    points = [START.ravel()]
    for _ in range(n_steps):
        rows = order.choice(1024, batch_size, replace=False)
        network.partial_fit(X[rows], y[rows])
        points.append(network.coefs_[0].ravel().copy())
    return np.array(points)


def draw(axes, points, title):
    """Draw a path over the valley."""
    axes.contour(grid, grid, surface, levels=np.geomspace(0.01, 4, 10), cmap="cividis")
    axes.plot(*points.T, ".-", color="#d95f02", markersize=4, linewidth=1)
    axes.plot(1.0, 1.0, "k*", markersize=9)
    axes.set(title=title, xlabel="first weight", ylabel="second weight")


# %%
# Every optimizer makes sixty steps on all rows. Adam and its relatives make steps of
# about the learning rate in each coordinate, whatever the slope; plain gradient descent
# does not.

rates = {"sgd": 0.3}
columns = 4
rows = -(-len(OPTIMIZERS) // columns)
_, panels = plt.subplots(
    rows, columns, figsize=(10, 2.9 * rows), layout="constrained", squeeze=False
)
for axes, name in zip(panels.flat, OPTIMIZERS, strict=False):
    points = path(name, rates.get(name, 0.1), 60)
    draw(axes, points, name)
    print(f"{name:8s} distance to the minimum {np.linalg.norm(points[-1] - 1.0):.3f}")
for axes in panels.flat[len(OPTIMIZERS) :]:
    axes.remove()

# %%
# Momentum: without it, progress along the valley is slow; with it, the path oscillates.

_, panels = plt.subplots(1, 3, figsize=(9.6, 3.2), layout="constrained")
for axes, momentum in zip(panels, (0.0, 0.7, 0.95), strict=True):
    points = path(SGD(momentum=momentum, nesterov=False), 0.3, 60)
    draw(axes, points, f"momentum {momentum}")

# %%
# Batches: all rows (gradient descent), a single row (stochastic gradient descent), and
# two sizes of mini-batches, with four hundred steps each. The fewer rows, the noisier
# the path; but all steps in the last panel together read 400 rows, whereas each step in
# the first reads all 1024 rows.

_, panels = plt.subplots(1, 4, figsize=(10, 2.9), layout="constrained")
for axes, batch_size in zip(panels, (1024, 128, 32, 1), strict=True):
    points = path(SGD(momentum=0.0), 0.2, 400, batch_size)
    draw(axes, points, f"batches of {batch_size}")
    way = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    print(f"batches of {batch_size:4d}: the way is {way:.1f} long", end=", ")
    print(f"it ends {np.linalg.norm(points[-1] - 1.0):.3f} from the minimum")
plt.show()

# %%
# Next: pass ``learning_rate="cosine", max_iter=400`` to ``path``. The noise dies down,
# but at this learning rate short of the minimum. Which learning rate reaches it?
