"""
Early stopping on your own metric and validation set
====================================================

Training can be stopped by your own validation set and by the metric you care about.
This example shows the recorded curves, and the best epoch according to each metric.
"""

# %%
# Made-up data like those of fraud detection: 7 % of the rows are positive. The accuracy
# says little here, because always predicting "no" is correct for 93 % of the rows.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score, make_scorer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknet import SimpleMLPClassifier


X, y = make_classification(
    n_samples=3000,
    n_features=20,
    n_informative=8,
    n_clusters_per_class=4,
    weights=[0.93],
    random_state=0,
)
X_rest, X_test, y_rest, y_test = train_test_split(X, y, stratify=y, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(
    X_rest, y_rest, stratify=y_rest, random_state=0
)
scaler = StandardScaler().fit(X_train)
X_train, X_val, X_test = map(scaler.transform, (X_train, X_val, X_test))

# %%
# ``scoring`` takes the name of a scikit-learn scorer, ``"loss"``, or a callable
# ``scorer(estimator, X, y)``. With ``X_val`` and ``y_val`` no rows are split off from
# the training data. The weights of the best epoch are kept.


def recall_of_top_hundred(y_true, probability):
    """Return the share of the positives among the hundred most probable rows."""
    top = np.argsort(probability)[-100:]
    return y_true[top].sum() / y_true.sum()


own_metric = make_scorer(recall_of_top_hundred, response_method="predict_proba")
fitted = {}
for name, scoring in {
    "accuracy (default)": None,
    "average precision": "average_precision",
    "loss": "loss",
    "recall of the top 100": own_metric,
}.items():
    network = SimpleMLPClassifier(
        (100,),
        early_stopping=True,
        scoring=scoring,
        n_iter_no_change=25,
        learning_rate_init=0.003,
        random_state=0,
    ).fit(X_train, y_train, X_val=X_val, y_val=y_val)
    fitted[name] = network
    best = int(np.argmax(network.validation_scores_)) + 1
    precision = average_precision_score(y_test, network.predict_proba(X_test)[:, 1])
    print(
        f"{name:<22} best epoch {best:>3} of {network.n_iter_:>3}, "
        f"average precision on new rows {precision:.3f}"
    )

# %%
# The curves show why they differ. The validation loss is flat for a while and then
# rises, as the network becomes overconfident; this does not change the order in which
# it ranks the rows, so the average precision is best some epochs later.

network = fitted["average precision"]
epochs = range(1, network.n_iter_ + 1)
best = int(np.argmax(network.validation_scores_)) + 1
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
left.plot(epochs, network.loss_curve_, color="#0072B2", label="training")
left.plot(epochs, network.validation_loss_curve_, color="#D55E00", label="validation")
left.set(xlabel="epoch", ylabel="log loss", title="loss_curve_, validation_loss_curve_")
right.plot(epochs, network.validation_scores_, color="#009E73", label="validation")
right.set(xlabel="epoch", ylabel="average precision", title="validation_scores_")
for panel in (left, right):
    panel.axvline(best, color="#000000", lw=1, ls=":", label="best epoch, kept")
    panel.legend(frameon=False)
plt.show()

# %%
# What to try next: ``sample_weight_val`` to weight the validation rows by amounts;
# ``X_val`` without ``early_stopping``, which records the curves without stopping; a
# larger ``alpha``, which keeps the validation loss low for longer.
