"""
XOR, and what the hidden layer does to the points
=================================================

No line separates XOR, so no single neuron learns it. You will see two hidden neurons
move the four points to where a line does.
"""

# %%
# The perceptron's rule never ends: its weights come back to where they have been, with
# errors still there. What repeats once, repeats for ever.

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
# Two hidden logistic neurons are enough. There are starts from which descent ends in a
# local minimum; the first of twenty that gets out is taken.

for seed in range(20):
    network = SimpleMLPClassifier(
        (2,), activation="logistic", solver="lbfgs", random_state=seed
    ).fit(corners, xor)
    if network.score(corners, xor) == 1.0:
        break
print(f"start {seed}: answers {network.predict(corners).tolist()}")

# %%
# Left: the plane of the inputs, cut by two lines, one for each hidden neuron. Right:
# the plane of the hidden neurons' answers. There a single line is enough, and it is
# what the output neuron draws. White points should be answered by one, in blue.


def hidden(points):
    """Return the answers of the hidden neurons."""
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
# Next: count the starts that fail, with two hidden neurons, with three, and with four.
