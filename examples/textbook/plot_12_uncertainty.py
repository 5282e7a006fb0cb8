"""
How sure is a prediction?
=========================

A prediction is incomplete without its uncertainty. You will see quantiles that never
cross, and a mean with a standard deviation, each from one network.
"""

# %%
# Synthetic data whose noise increases to the right.

import matplotlib.pyplot as plt
import numpy as np

from sknet import SimpleMLPRegressor
from sknet.losses import Quantile


plt.style.use("seaborn-v0_8-colorblind")


def sample(n_rows, seed):
    """Return rows, targets, and the true standard deviations of the targets."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.0, 1.0, size=(n_rows, 1))
    spread = 0.05 + 0.4 * X.ravel() ** 2
    return X, rng.normal(np.sin(5.0 * X.ravel()), spread), spread


X, y, _ = sample(1500, seed=0)
X_new, y_new, _ = sample(5000, seed=1)
grid = np.linspace(0.0, 1.0, 200)[:, None]
params = {"hidden_layer_sizes": (64, 64), "learning_rate": "cosine", "random_state": 0}
params |= {"learning_rate_init": 0.005, "max_iter": 60, "n_iter_no_change": np.inf}

# %%
# Quantiles: five levels from one network. The share of new rows below each is close to
# its level, and no level ever lies above the next.

levels = (0.05, 0.25, 0.5, 0.75, 0.95)
quantiles = SimpleMLPRegressor(loss=Quantile(levels=levels), **params).fit(X, y)
predicted = quantiles.predict(X_new)
below = (y_new[:, None] <= predicted).mean(axis=0)
for level, share in zip(levels, below, strict=True):
    print(f"level {level:.2f}: {share:.3f} of the new rows lie below")
crossings = int((np.diff(predicted, axis=1) < 0.0).sum())
print("crossings:", crossings)
assert crossings == 0
_, axes = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
axes.plot(X, y, ".", color="#bbbbbb", markersize=3)
for level, line in zip(levels[::-1], quantiles.predict(grid).T[::-1], strict=True):
    axes.plot(grid, line, label=f"level {level:.2f}")
axes.set(xlabel="feature", ylabel="target and quantiles")
axes.legend()

# %%
# Mean and standard deviation: the Gaussian likelihood learns both.

gaussian = SimpleMLPRegressor(loss="gaussian", **params).fit(X, y)
mean, std = gaussian.predict(grid, return_std=True)
inside = (
    np.abs(y_new - gaussian.predict(X_new))
    <= gaussian.predict(X_new, return_std=True)[1]
)
print(f"{inside.mean():.3f} of the new rows lie within one deviation (normal: 0.683)")
_, axes = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
axes.plot(X, y, ".", color="#bbbbbb", markersize=3)
axes.plot(grid, mean, color="#d95f02")
axes.fill_between(
    grid.ravel(), mean - 2 * std, mean + 2 * std, color="#d95f02", alpha=0.25
)
axes.set(xlabel="feature", ylabel="target; mean and two deviations")

# %%
# The learned deviation, beside the true one.

_, axes = plt.subplots(figsize=(6.4, 3.0), layout="constrained")
axes.plot(grid, std, label="learned")
axes.plot(grid, 0.05 + 0.4 * grid**2, "k--", label="true")
axes.set(xlabel="feature", ylabel="standard deviation")
axes.legend()
plt.show()

# %%
# Next: let the Gaussian network predict rows far to the right of 1. It is unaware of
# its ignorance there: both losses learn the noise in the data, not the lack of data.
