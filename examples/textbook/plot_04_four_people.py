"""
Four people and two numbers
===========================

The data are the weight and height of four people, less 135 pounds and 66 inches, and
whether the person is a woman. You will see a network of two hidden neurons learn this,
one person a step.
"""

# %%
# Four rows, a 2-2-1 network of logistic neurons, squared error, weights and biases
# drawn from N(0, 1): the classic first exercise.

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sknet import SimpleMLPClassifier
from sknet.initializers import Normal


warnings.simplefilter("ignore", ConvergenceWarning)
people = np.array([[-2.0, -1.0], [25.0, 6.0], [17.0, 4.0], [-15.0, -6.0]])
is_woman = np.array([1, 0, 0, 1])


def learn(seed):
    """Train for a thousand rounds over the four people, in the order given."""
    return SimpleMLPClassifier(
        (2,),
        activation="logistic",
        loss="squared_error",
        output_activation="logistic",
        initializer=Normal(exponent=0.0, biases="normal"),
        solver="sgd",
        momentum=0.0,
        alpha=0.0,
        learning_rate_init=0.2,
        batch_size=1,
        shuffle=False,
        max_iter=1000,
        tol=0.0,
        n_iter_no_change=np.inf,
        random_state=seed,
    ).fit(people, is_woman)


networks = [learn(seed) for seed in range(8)]

# %%
# The error falls from each start, sooner or later. Loss curves contain half the squared
# error, as in scikit-learn; it is doubled here.

_, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for network in networks:
    axes.semilogy(2.0 * np.array(network.loss_curve_), color="#1f77b4", alpha=0.6)
axes.set(xlabel="round over the four people", ylabel="mean squared error")
worst = max(2.0 * network.loss_curve_[-1] for network in networks)
print(f"the largest of the last errors: {worst:.4f}")

# %%
# Two new people: a light and short one, and a heavy and tall one.

new = np.array([[-7.0, -3.0], [20.0, 2.0]])
for name, column in zip(("light", "heavy"), (0, 1), strict=True):
    answers = [network.predict_proba(new)[column, 1] for network in networks]
    print(f"{name}: a woman with {min(answers):.3f} to {max(answers):.3f}")

# %%
# Between the four people, the networks disagree: four rows determine little of the
# plane.

grid_w, grid_h = np.linspace(-25.0, 30.0, 150), np.linspace(-10.0, 10.0, 150)
plane = np.stack(np.meshgrid(grid_w, grid_h), axis=-1).reshape(-1, 2)
_, panels = plt.subplots(1, 3, figsize=(9.6, 3.2), layout="constrained", sharey=True)
for axes, network in zip(panels, networks, strict=False):
    answer = network.predict_proba(plane)[:, 1].reshape(150, 150)
    shown = axes.contourf(grid_w, grid_h, answer, levels=10, cmap="cividis")
    axes.scatter(*people.T, c=is_woman, cmap="gray", edgecolors="w", s=60)
    axes.set(xlabel="weight - 135 (pounds)")
panels[0].set_ylabel("height - 66 (inches)")
plt.colorbar(
    shown, ax=panels, label="answer (1: a woman)", orientation="horizontal", aspect=40
)
plt.show()

# %%
# Next: scale the two columns (``StandardScaler``) and find how many rounds are enough.
