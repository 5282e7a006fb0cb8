"""
Which input matters?
====================

Four measures of the features that a network uses. You will see where they agree and
where one of them is wrong, on data with a known truth, and apply them to real data.
"""

# %%
# Synthetic data: the target is three times the first feature plus the square of the
# second; the third has no effect. Three measures show this. The weights of the first
# layer do not: they rank the square first, since a curve requires large weights,
# however little it contributes.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.inspection import permutation_importance
from sklearn.preprocessing import StandardScaler

from sknet import SimpleMLPRegressor
from sknet.inspection import input_gradients, integrated_gradients


plt.style.use("seaborn-v0_8-colorblind")


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
    assert answer.argmin() == 2
    assert answer.argmax() == (1 if name == "first weights" else 0)

# %%
# A gradient is more informative than a share: it has a sign, and a value for each row.
# Gradients of the first feature are 3 everywhere, those of the second twice its value.

gradients = input_gradients(network, X)
_, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for column, name in enumerate(("3 x", "x squared", "nothing")):
    axes.plot(X[:, column], gradients[:, column], ".", markersize=3, label=name)
axes.set(xlabel="value of the feature", ylabel="gradient of the answer")
axes.legend()

# %%
# Integrated gradients divide the difference between two predictions, for a row and for
# a baseline, among the features. The shares sum to the difference.

row, baseline = X[:1], np.zeros(3)
shares = integrated_gradients(network, row, baseline=baseline)
difference = network.predict(row)[0] - network.predict(baseline[None])[0]
print("shares", shares.round(3), "sum", shares.sum().round(3), "=", difference.round(3))

# %%
# A real table: the progression of diabetes within a year. All four measures rank the
# same two features first, in one order or the other. They disagree on the rest, because
# the importance of strongly correlated features can be divided in different ways.

data = load_diabetes()
X, y = StandardScaler().fit_transform(data.data), (data.target - 152.0) / 77.0
network = SimpleMLPRegressor(
    hidden_layer_sizes=(16,), alpha=10.0, solver="lbfgs", max_iter=500, random_state=0
).fit(X, y)
answers = four_answers(network, X, y)
draw(answers, data.feature_names)
print(f"R2 on the rows it was trained on: {network.score(X, y):.2f}")
for name, answer in answers.items():
    largest = [data.feature_names[i] for i in (-answer).argsort()[:4]]
    print(f"{name:21s}", *largest)
    assert set(largest[:2]) == {"bmi", "s5"}
plt.show()

# %%
# Next: fit ten networks with ten seeds, and see which bars remain the same.
