"""
Class weights
=============

If one class is rare, or errors on it are costly, ``class_weight`` shifts the decision.
This example shows how the boundary moves, and at what cost.
"""

# %%
# One class has 40 points, the other 800, and they overlap.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_blobs
from sklearn.metrics import precision_score, recall_score

from sknet import SimpleMLPClassifier


def draw_points(random_state):
    """Return points of a frequent class 0 and a rare class 1."""
    return make_blobs(
        [800, 40], centers=[[0, 0], [1.8, 1.2]], random_state=random_state
    )


X, y = draw_points(0)
X_new, y_new = draw_points(1)

# %%
# ``"balanced"`` gives both classes the same sum of weights; a dict sets them by hand,
# here so that a miss costs as much as five false alarms. Sample weights, if there are
# any, are multiplied by the class weights.

choices = {
    "None": (None, "#000000", "-"),
    "{1: 5}": ({1: 5}, "#0072B2", "--"),
    '"balanced"': ("balanced", "#D55E00", "-."),
}
fitted = {}
for name, (class_weight, _, _) in choices.items():
    network = SimpleMLPClassifier(
        (20,),
        "tanh",
        solver="lbfgs",
        alpha=1.0,
        max_iter=1000,
        class_weight=class_weight,
        random_state=0,
    ).fit(X, y)
    fitted[name] = network
    predicted = network.predict(X_new)
    print(
        f"class_weight={name:<11} finds {recall_score(y_new, predicted):.0%} of the "
        f"rare points; {precision_score(y_new, predicted):.0%} of its alarms are right"
    )

# %%
# ``decision_function`` is the log-odds, so the boundary is its zero line. The boundary
# moves into the frequent class as the rare class gains weight.

grid_x, grid_y = np.meshgrid(np.linspace(-4, 5, 200), np.linspace(-4, 4.5, 200))
grid = np.c_[grid_x.ravel(), grid_y.ravel()]
figure, panel = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
panel.scatter(*X[y == 0].T, s=6, c="#bbbbbb", label="frequent class")
panel.scatter(*X[y == 1].T, s=26, c="#009E73", marker="^", label="rare class")
for name, (_, color, style) in choices.items():
    height = fitted[name].decision_function(grid).reshape(grid_x.shape)
    panel.contour(grid_x, grid_y, height, [0.0], colors=color, linestyles=style)
    panel.plot([], [], color=color, ls=style, label=f"class_weight={name}")
panel.set(xlabel="first feature", ylabel="second feature")
panel.legend(frameon=False, loc="upper left", fontsize="small")
plt.show()

# %%
# Weights also change the probabilities: those of a balanced network no longer reflect
# how frequent the rare class is. If that matters, train without weights and move the
# threshold, e.g. with ``sklearn.model_selection.TunedThresholdClassifierCV``.
#
# What to try next: that class; ``scoring="balanced_accuracy"`` with
# ``early_stopping=True``; three classes and a dict that names one of them.
