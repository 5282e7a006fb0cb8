"""
Which input matters?
====================

Four answers to the question what a network looks at. You will see them agree where the
truth is known, and use them where it is not.
"""

# %%
# Made-up data: the target is three times the first feature plus the square of the
# second; the third does nothing.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.inspection import permutation_importance
from sklearn.preprocessing import StandardScaler

from sknet import SimpleMLPRegressor
from sknet.inspection import input_gradients, integrated_gradients


def four_answers(network, X, y):
    """Return four measures of each feature, each scaled to a sum of one."""
    answers = {
        "first weights": np.linalg.norm(network.coefs_[0], axis=1),
        "gradients": np.abs(input_gradients(network, X)).mean(axis=0),
        "integrated gradients": np.abs(integrated_gradients(network, X)).mean(axis=0),
        "permutation": permutation_importance(
            network, X, y, n_repeats=5, random_state=0
        ).importances_mean.clip(0.0),
    }
    return {name: answer / answer.sum() for name, answer in answers.items()}


def draw(answers, names):
    """Draw the measures side by side."""
    _, axes = plt.subplots(figsize=(8.0, 3.4), layout="constrained")
    places = np.arange(len(names))
    for i, (name, answer) in enumerate(answers.items()):
        axes.bar(places + 0.2 * (i - 1.5), answer, 0.2, label=name)
    axes.set_xticks(places, names)
    axes.set(xlabel="feature", ylabel="share")
    axes.legend()


rng = np.random.default_rng(0)
X = rng.normal(size=(1000, 3))
y = 3.0 * X[:, 0] + X[:, 1] ** 2
network = SimpleMLPRegressor(
    hidden_layer_sizes=(32,),
    activation="tanh",
    solver="lbfgs",
    max_iter=1000,
    random_state=0,
).fit(X, y)
answers = four_answers(network, X, y)
draw(answers, ["3 x", "x squared", "nothing"])
for name, answer in answers.items():
    print(f"{name:21s}", answer.round(2))

# %%
# A gradient says more than a share: it has a sign, and a value for each row. Those of
# the first feature are 3 everywhere, those of the second twice its value.

gradients = input_gradients(network, X)
_, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for column, name in enumerate(("3 x", "x squared", "nothing")):
    axes.plot(X[:, column], gradients[:, column], ".", markersize=3, label=name)
axes.set(xlabel="value of the feature", ylabel="gradient of the answer")
axes.legend()

# %%
# Integrated gradients share out the difference of two answers: that for a row, and that
# for a baseline. The shares sum to it.

row, baseline = X[:1], np.zeros(3)
shares = integrated_gradients(network, row, baseline=baseline)
difference = network.predict(row)[0] - network.predict(baseline[None])[0]
print("shares", shares.round(3), "sum", shares.sum().round(3), "=", difference.round(3))

# %%
# A real table: the progress of diabetes within a year. The measures agree on the large
# ones, and disagree on features that say the same thing: a network may lean on either.

data = load_diabetes()
X, y = StandardScaler().fit_transform(data.data), (data.target - 152.0) / 77.0
network = SimpleMLPRegressor(
    hidden_layer_sizes=(16,), alpha=10.0, solver="lbfgs", max_iter=500, random_state=0
).fit(X, y)
answers = four_answers(network, X, y)
draw(answers, data.feature_names)
largest = {name: data.feature_names[a.argmax()] for name, a in answers.items()}
print(f"R2 {network.score(X, y):.2f}; the largest by each measure: {largest}")
plt.show()

# %%
# Next: fit ten networks from ten seeds, and see which bars stay where they are.
