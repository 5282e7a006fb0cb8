"""
One neuron
==========

A neuron weighs its inputs, adds a bias, and gives an output. You will see a neuron with
hand-picked weights, and one that learns AND, OR and NOT by Rosenblatt's rule.
"""

# %%
# Forward, by hand: weights (0, 1), bias 4, input (2, 3). The sum is 7, and its logistic
# function almost one. A network without hidden layers is such a neuron; its weights can
# be assigned.

import matplotlib.pyplot as plt
import numpy as np

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


plt.style.use("seaborn-v0_8-colorblind")
by_hand = 1.0 / (1.0 + np.exp(-(0.0 * 2.0 + 1.0 * 3.0 + 4.0)))
neuron = SimpleMLPRegressor(
    hidden_layer_sizes=(), output_activation="logistic", tol=10.0, n_iter_no_change=1
).fit([[2.0, 3.0]], [1.0])
neuron.coefs_, neuron.intercepts_ = [[[0.0], [1.0]]], [[4.0]]
print(f"by hand {by_hand:.16f}")
print(f"sknet   {neuron.predict([[2.0, 3.0]])[0]:.16f}")

# %%
# The output of a logistic neuron is gradual, that of a hard threshold is yes or no. The
# first has a slope everywhere, which shows how to improve it.

sums = np.linspace(-8.0, 8.0, 400)
_, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
axes.plot(sums, 1.0 / (1.0 + np.exp(-sums)), label="logistic")
axes.step(sums, sums > 0.0, label="hard threshold", where="mid")
axes.plot(7.0, by_hand, "ko", label="the neuron above")
axes.set(xlabel="weighted sum", ylabel="answer")
axes.legend()

# %%
# The perceptron learns only from its errors: one row a step, starting from weights of
# zero, with a learning rate of 1. Four points are enough for AND and OR, two for NOT.


def perceptron():
    """Return Rosenblatt's perceptron."""
    return SimpleMLPClassifier(
        (),
        loss="perceptron",
        solver="sgd",
        momentum=0.0,
        alpha=0.0,
        learning_rate_init=1.0,
        initializer="constant",
        batch_size=1,
        shuffle=False,
    )


CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
gates = {
    "AND": (CORNERS, [0, 0, 0, 1]),
    "OR": (CORNERS, [0, 1, 1, 1]),
    "NOT": (np.array([[0], [1]]), [1, 0]),
}
learned = {}
for name, (X, y) in gates.items():
    learned[name] = perceptron()
    for _ in range(20):
        learned[name].partial_fit(X, y, classes=[0, 1])
    print(name, learned[name].predict(X).tolist())
    assert learned[name].score(X, y) == 1.0

# %%
# The result is a line: on its blue side the output is yes, as it should be for the
# white points.

_, panels = plt.subplots(1, 2, figsize=(6.4, 3.2), layout="constrained", sharey=True)
grid = np.linspace(-0.5, 1.5, 200)
plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
for axes, name in zip(panels, ("AND", "OR"), strict=True):
    margin = learned[name].decision_function(plane).reshape(200, 200)
    axes.contourf(grid, grid, margin > 0, levels=1, colors=["#dddddd", "#9ecae1"])
    axes.scatter(*CORNERS.T, c=gates[name][1], cmap="gray", edgecolors="k", s=80)
    axes.set(title=name, xlabel="first input", ylabel="second input")
plt.show()

# %%
# Next: train it on ``XOR``, ``[0, 1, 1, 0]``, and watch it run in circles. The seventh
# page explains why, and what helps.
