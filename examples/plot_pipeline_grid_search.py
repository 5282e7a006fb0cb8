"""
Pipeline and grid search
========================

A network is a step like any other. Here it is the last step of a pipeline that starts
with a dataframe, and a grid search chooses its size and its penalty.
"""

# %%
# The breast-cancer data have 30 columns of very different scales. The scaler is part of
# the pipeline, so that in every fold it sees only the training rows.

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknet import SimpleMLPClassifier


X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
pipeline = Pipeline(
    [
        ("scale", StandardScaler()),
        ("network", SimpleMLPClassifier(max_iter=1000, random_state=0)),
    ]
)

# %%
# Parameters of the network are set as ``network__<name>``. The search is scored by
# the log loss, which rewards good probabilities and not only the right class.

grid = {
    "network__hidden_layer_sizes": [(10,), (50,)],
    "network__alpha": [0.01, 0.1, 1.0, 10.0],
}
search = GridSearchCV(pipeline, grid, scoring="neg_log_loss", cv=3)
search.fit(X_train, y_train)
print("best:", search.best_params_)
print(f"accuracy on new rows: {search.best_estimator_.score(X_test, y_test):.3f}")

# %%
# A figure of all candidates shows more than the best candidate alone: only the largest
# penalty hurts, and the size hardly matters.

results = search.cv_results_
figure, panel = plt.subplots(figsize=(6, 3.6), layout="constrained")
for sizes, color, marker in [((10,), "#0072B2", "o"), ((50,), "#D55E00", "s")]:
    rows = [
        i
        for i, p in enumerate(results["params"])
        if p["network__hidden_layer_sizes"] == sizes
    ]
    panel.errorbar(
        [results["params"][i]["network__alpha"] for i in rows],
        -results["mean_test_score"][rows],
        results["std_test_score"][rows],
        color=color,
        marker=marker,
        capsize=3,
        label=f"hidden_layer_sizes={sizes}",
    )
panel.set(xlabel="alpha (L2 penalty)", ylabel="log loss, 3 folds", xscale="log")
panel.legend(frameon=False)
plt.show()

# %%
# What to try next: ``sknet.LockstepGridSearchCV`` in place of ``GridSearchCV``, for the
# same results sooner; ``n_jobs=2`` in the search (BLAS threads do not interfere: a
# small network uses only one); ``network__learning_rate_init`` in the grid.
