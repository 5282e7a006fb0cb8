"""
XOR, and what the hidden layer does to the points
=================================================

No line separates the classes of XOR, so no single neuron can learn it. You will see two
hidden neurons move the four points so that a line separates them.
"""

# %%
# The perceptron rule never ends: its weights return to earlier values while errors
# remain. From there on, they repeat forever.

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from sknet import SimpleMLPClassifier


corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
xor = np.array([0, 1, 1, 0])
neuron = SimpleMLPClassifier(
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
states = []
while len(states) < 50:
    neuron.partial_fit(corners, xor, classes=[0, 1])
    state = tuple(neuron.theta_.ravel().tolist())
    if state in states:
        break
    states.append(state)
first, again = states.index(state) + 1, len(states) + 1
errors = int((neuron.predict(corners) != xor).sum())
print(
    f"the weights of round {first} are back in round {again}; {errors} of 4 are wrong"
)
assert errors

# %%
# Two hidden logistic neurons are enough. From some initial weights, training ends in a
# local minimum; the first of twenty starts that succeeds is used.

for seed in range(20):
    network = SimpleMLPClassifier(
        (2,), activation="logistic", solver="lbfgs", random_state=seed
    ).fit(corners, xor)
    if network.score(corners, xor) == 1.0:
        break
print(f"start {seed}: answers {network.predict(corners).tolist()}")

# %%
# Left: the plane of the inputs, cut by two lines, one for each hidden neuron. Right:
# the plane of the hidden neurons' outputs. There a single line is enough, and the
# output neuron draws it. White points belong to class one, which is shown in blue.


def hidden(points):
    """Return the outputs of the hidden neurons."""
    return expit(points @ network.coefs_[0] + network.intercepts_[0])


grid = np.linspace(-0.5, 1.5, 250)
plane = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
unit = np.linspace(-0.05, 1.05, 250)
inner = np.stack(np.meshgrid(unit, unit), axis=-1).reshape(-1, 2)
outer = inner @ network.coefs_[1] + network.intercepts_[1]
_, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.8), layout="constrained")
answer = network.predict(plane).reshape(250, 250)
left.contourf(grid, grid, answer, levels=1, colors=["#dddddd", "#9ecae1"])
for column in range(2):
    on = hidden(plane)[:, column].reshape(250, 250)
    left.contour(grid, grid, on, levels=[0.5], colors="#d95f02")
left.scatter(*corners.T, c=xor, cmap="gray", edgecolors="k", s=90)
left.set(title="inputs", xlabel="first input", ylabel="second input")
right.contourf(
    unit,
    unit,
    outer.reshape(250, 250) > 0,
    levels=1,
    colors=["#dddddd", "#9ecae1"],
)
right.scatter(*hidden(corners).T, c=xor, cmap="gray", edgecolors="k", s=90)
right.set(title="hidden layer", xlabel="first neuron", ylabel="second neuron")
plt.show()

# %%
# Next: count the starts that fail with two, three and four hidden neurons.
