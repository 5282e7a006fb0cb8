"""
The digit reader
================

The classic three-layer network has pixels, hidden neurons and ten outputs, no biases,
logistic neurons throughout, and is trained on the squared error, one digit a step. You
will see how it learns, what its hidden neurons look at, and which digits it misreads.
"""

# %%
# scikit-learn's digits have 8 x 8 pixels. As in the textbook, pixels range from 0.01 to
# 1 and targets from 0.01 to 0.99, since a logistic neuron never quite reaches 0 or 1.
# ``benchmarks/mnist.py --data PATH`` does the same with the 60,000 digits of MNIST.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.initializers import Normal


warnings.simplefilter("ignore", ConvergenceWarning)
plt.style.use("seaborn-v0_8-colorblind")
X, y = load_digits(return_X_y=True)
X = X / 16.0 * 0.99 + 0.01
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
targets = np.full((len(y_train), 10), 0.01)
targets[np.arange(len(y_train)), y_train] = 0.99
reader = SimpleMLPRegressor(
    hidden_layer_sizes=(40,),
    activation="logistic",
    output_activation="logistic",
    use_bias=False,
    initializer=Normal(exponent=-0.5, fan="out"),
    solver="sgd",
    momentum=0.0,
    alpha=0.0,
    learning_rate_init=0.2,
    batch_size=1,
    random_state=0,
)
accuracy = []
for _ in range(15):
    reader.partial_fit(X_train, targets)
    accuracy.append((reader.predict(X_test).argmax(axis=1) == y_test).mean())
print(f"right after 1, 5 and 15 epochs: {accuracy[0]:.3f} {accuracy[4]:.3f}", end=" ")
print(f"{accuracy[14]:.3f}")

# %%
# A classifier encodes the targets itself. Here are three losses for the same network:
# the squared error of the textbook, with a logistic function for each output; the
# squared error of a softmax; and the log loss.

curves = {}
for name, params in {
    "squared error, logistic": {
        "loss": "squared_error",
        "output_activation": "logistic",
    },
    "squared error, softmax": {"loss": "squared_error"},
    "log-loss": {"loss": "log_loss"},
}.items():
    network = SimpleMLPClassifier((40,), random_state=0, **params)
    scores = []
    for _ in range(40):
        network.partial_fit(X_train, y_train, classes=np.arange(10))
        scores.append(network.score(X_test, y_test))
    curves[name] = scores
    print(f"{name:25s} {scores[-1]:.3f}")
_, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for name, scores in curves.items():
    axes.plot(np.arange(1, 41), scores, label=name)
axes.set(xlabel="epoch", ylabel="share of new digits read")
axes.legend()

# %%
# The weights of a hidden neuron form an image: bright pixels excite the neuron, dark
# pixels inhibit it.

figure, panels = plt.subplots(2, 8, figsize=(8, 2.6), layout="constrained")
for axes, weights in zip(panels.flat, reader.coefs_[0].T, strict=False):
    axes.imshow(weights.reshape(8, 8), cmap="cividis")
    axes.set(xticks=[], yticks=[], xlabel="pixels")
panels[0, 0].set_ylabel("pixels")
figure.suptitle("what sixteen hidden neurons look at")

# %%
# The digits that it misreads are mostly hard for humans, too.

answers = reader.predict(X_test).argmax(axis=1)
wrong = np.flatnonzero(answers != y_test)[:8]
figure, panels = plt.subplots(1, len(wrong), figsize=(8, 1.7), layout="constrained")
for axes, row in zip(panels, wrong, strict=True):
    axes.imshow(X_test[row].reshape(8, 8), cmap="gray_r")
    axes.set(xticks=[], yticks=[], xlabel=f"{y_test[row]} read as {answers[row]}")
panels[0].set_ylabel("pixels")
plt.show()

# %%
# Next: rotate each training digit a little to the left and to the right, and train on
# all three versions.
