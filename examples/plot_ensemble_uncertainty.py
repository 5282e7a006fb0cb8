"""
Uncertainty estimates from an ensemble
======================================

Networks that start from different weights agree where there are training data, and
differ elsewhere. ``n_estimators`` trains many of them in one pass; the spread of their
predictions is a measure of uncertainty.
"""

# %%
# A noisy sine, with a gap in the middle where nothing was measured.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


rng = np.random.default_rng(0)
x = np.concatenate([rng.uniform(-3.0, -1.0, 60), rng.uniform(1.0, 3.0, 60)])
y = np.sin(2.0 * x) + rng.normal(scale=0.1, size=len(x))
grid = np.linspace(-5.0, 5.0, 201)

# %%
# Sixteen separate networks, and thirty-two that share their hidden layers
# (``shared_backbone``): each of the thirty-two has only its own input scaling and
# output layer, and together they take little more memory than one network.
# ``predict(..., return_std=True)`` returns the mean of the networks and their standard
# deviation.

params = {"hidden_layer_sizes": (50, 50), "learning_rate_init": 0.01, "random_state": 0}
ensembles = {
    "16 networks": SimpleMLPRegressor(n_estimators=16, **params),
    "32 on a shared backbone": SimpleMLPRegressor(
        n_estimators=32, shared_backbone=True, **params
    ),
}
figure, panels = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
for panel, (name, ensemble) in zip(panels, ensembles.items(), strict=True):
    ensemble.fit(x[:, None], y)
    mean, std = ensemble.predict(grid[:, None], return_std=True)
    panel.plot(grid, ensemble.predict_members(grid[:, None]).T, color="#56B4E9", lw=0.5)
    panel.fill_between(
        grid, mean - 2 * std, mean + 2 * std, color="#0072B2", alpha=0.2, lw=0
    )
    panel.plot(grid, mean, color="#0072B2", lw=2, label="mean, 2 standard deviations")
    panel.plot(grid, np.sin(2.0 * grid), color="#000000", lw=1, ls=":", label="truth")
    panel.plot(x, y, ".", color="#D55E00", ms=4, label="data")
    panel.set(xlabel="x", ylim=(-3.5, 3.5), title=name)
    places = {"data": np.abs(x).mean(), "gap": 0.0, "outside": 5.0}
    _, spread = ensemble.predict([[place] for place in places.values()], True)
    told = ", ".join(f"{s:.2f} ({p})" for p, s in zip(places, spread, strict=True))
    print(f"{name}, {ensemble.theta_.size} parameters: spread {told}")
panels[0].set_ylabel("y")
panels[0].legend(frameon=False, loc="lower center", fontsize="small")
plt.show()

# %%
# The spread is small near the data and grows in the gap and outside. It does not
# include the noise of the data: ``loss="gaussian"`` learns that noise, and for
# an ensemble of such networks ``return_std`` combines both. Nor is it a guarantee:
# in the gap the truth may well leave the band, since networks agree on what they find
# simple. The shared backbone gives a similar result, with a tenth of the parameters.
#
# Classification: two half-moons. With ``bootstrap`` each network draws its own rows, as
# in a bagging ensemble.

X, labels = make_moons(200, noise=0.2, random_state=0)
moons = SimpleMLPClassifier(n_estimators=16, bootstrap=True, tol=0.001, **params)
moons.fit(X, labels)
first, second = np.meshgrid(np.linspace(-4, 5, 120), np.linspace(-3, 3.5, 100))
plane = np.column_stack([first.ravel(), second.ravel()])
members = moons.predict_proba_members(plane)[..., 1]
print(f"predict_proba_members: {members.shape[0]} networks, {members.shape[1]} rows")
worst = plane[members.std(axis=0).argmax()]
print(f"they differ most at ({worst[0]:.1f}, {worst[1]:.1f})")

# %%
# The left panel shows the mean of their probabilities, which is ``predict_proba``, and
# the right panel how much they differ.

figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True, layout="constrained")
for panel, values, title in [
    (panels[0], members.mean(axis=0), "mean probability of class 1"),
    (panels[1], members.std(axis=0), "standard deviation of the probability"),
]:
    shown = panel.pcolormesh(
        first, second, values.reshape(first.shape), cmap="cividis", rasterized=True
    )
    for label, marker, color in [(0, "o", "#000000"), (1, "s", "#FFFFFF")]:
        panel.plot(
            *X[labels == label].T, marker, color=color, ms=3, mec="#777777", mew=0.4
        )
    panel.set_xlabel("first feature")
    figure.colorbar(shown, ax=panel, location="bottom", label=title, aspect=40)
panels[0].set_ylabel("second feature")
plt.show()

# %%
# The networks differ along the decision boundary, and more so the farther it is
# from any data. There the mean probability is uncertain, while a single
# network would be confident. Far away on one side of the boundary all networks agree: a
# spread of nearly zero means that they agree, not that they are right.
#
# What to try next: ``early_stopping=True``, which stops all networks at the epoch in
# which their mean was best; ``n_estimators=64``; ``activation="tanh"``, with which the
# networks level off outside the data; ``n_jobs=2`` for larger networks.
