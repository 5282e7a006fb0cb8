"""
Quick start
===========

A network is trained on two interleaved half-moons, and on a noisy sine. This example
shows the decision boundary, the fitted curve, and the attributes of a fitted network.
"""

# %%
# It is used like any scikit-learn classifier: parameters go into the
# constructor, data into ``fit``. The data should be centred and of unit scale, hence
# the ``StandardScaler``.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


X, y = make_moons(n_samples=400, noise=0.2, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
classifier = make_pipeline(
    StandardScaler(),
    SimpleMLPClassifier(
        (30, 30), learning_rate_init=0.01, max_iter=500, random_state=0
    ),
)
classifier.fit(X_train, y_train)
print(f"accuracy on new points: {classifier.score(X_test, y_test):.2f}")

# %%
# A fitted network keeps its loss curve. Training stopped by itself, once the training
# loss had not fallen by ``tol`` for ``n_iter_no_change`` epochs.

network = classifier[-1]
print(f"{network.n_iter_} epochs, training loss {network.loss_:.4f}")
print("weights:", [weight.shape for weight in network.coefs_])

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.plot(range(1, network.n_iter_ + 1), network.loss_curve_, color="#0072B2")
left.set(xlabel="epoch", ylabel="training loss", yscale="log", title="Training")
DecisionBoundaryDisplay.from_estimator(
    classifier, X, response_method="predict_proba", cmap="PuOr", alpha=0.6, ax=right
)
for label, marker, color in [(0, "o", "#7f3b08"), (1, "^", "#2d004b")]:
    points = X_test[y_test == label]
    right.scatter(*points.T, marker=marker, c=color, s=18, label=f"class {label}")
right.set(
    xlabel="first feature", ylabel="second feature", title="Probability, new points"
)
right.legend(frameon=False)
plt.show()

# %%
# The regressor works the same way. Its target should also be of unit scale:
# ``TransformedTargetRegressor`` scales the target, and scales the predictions back.

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-3, 3, size=(300, 1)), axis=0)
t = 100 * np.sin(2 * x[:, 0]) + rng.normal(scale=20, size=300)
regressor = TransformedTargetRegressor(
    make_pipeline(
        StandardScaler(),
        SimpleMLPRegressor(
            hidden_layer_sizes=(50,),
            activation="tanh",
            solver="lbfgs",
            alpha=0.1,
            tol=1e-3,
            max_iter=1000,
            random_state=0,
        ),
    ),
    transformer=StandardScaler(),
)
regressor.fit(x, t)
print(f"R2 on the training points: {regressor.score(x, t):.2f}")

figure, panel = plt.subplots(figsize=(6, 3.4), layout="constrained")
panel.scatter(x, t, s=8, color="#999999", label="data")
panel.plot(x, 100 * np.sin(2 * x), "--", color="#000000", lw=1, label="without noise")
panel.plot(x, regressor.predict(x), color="#D55E00", lw=2, label="network")
panel.set(xlabel="x", ylabel="y", title="Regression by L-BFGS")
panel.legend(frameon=False)
plt.show()

# %%
# What to try next: another ``activation`` or ``solver``; a tenth of the points with
# ``alpha=1``; and :ref:`sphx_glr_auto_examples_plot_pipeline_grid_search.py`, which
# chooses such settings by cross-validation.
