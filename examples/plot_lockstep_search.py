"""
A search of 200 candidates in seconds
=====================================

``LockstepGridSearchCV`` trains all candidates on all folds together, as rows of one
array. A map of 200 settings then takes seconds, and shows what a search over ten
settings could not. Successive halving finds a good setting even sooner.
"""

# %%
# How large should the steps be, and how strong the penalty? 20 learning rates times 10
# penalties on 3 folds are 600 networks. Each gets the same 54 epochs, so warnings that
# they have not converged are not useful here.

import warnings
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknet import LockstepGridSearchCV, LockstepHalvingSearchCV, SimpleMLPClassifier


warnings.simplefilter("ignore", ConvergenceWarning)
X, y = load_breast_cancer(return_X_y=True)
network = SimpleMLPClassifier((10,), batch_size=64, max_iter=54, random_state=0)
pipeline = Pipeline([("scale", StandardScaler()), ("network", network)])
rates, alphas = np.logspace(-4, 0, 20), np.logspace(-4, 2, 10)
grid = {"network__alpha": alphas, "network__learning_rate_init": rates}


def log_likelihood(model, X, y):
    """Return the mean log probability of the true classes; larger is better.

    It is "neg_log_loss" in one line: that scorer takes longer to validate its arguments
    than these small networks take to predict.
    """
    return np.log(model.predict_proba(X)[np.arange(len(y)), y]).mean()


start = perf_counter()
search = LockstepGridSearchCV(pipeline, grid, scoring=log_likelihood, cv=3).fit(X, y)
n_fits = len(search.cv_results_["params"]) * search.n_splits_
print(f"{n_fits} fits in {perf_counter() - start:.1f} s")

# %%
# Arguments, results and methods are those of ``GridSearchCV``, to the last bit. The
# candidates come in the order of the grid, so that the scores can be laid out as a map.

loss = -search.cv_results_["mean_test_score"].reshape(len(alphas), len(rates))
row, column = np.unravel_index(loss.argmin(), loss.shape)
figure, panel = plt.subplots(figsize=(7, 4.4), layout="constrained")
shown = panel.pcolormesh(
    rates, alphas, loss, shading="nearest", cmap="cividis_r", norm=LogNorm(vmax=0.8)
)
panel.plot(rates[column], alphas[row], "*", ms=16, mfc="#D55E00", mec="white")
panel.set(xscale="log", yscale="log", xlabel="learning_rate_init", ylabel="alpha")
panel.set_title("200 candidates; the star is the best one")
bar = figure.colorbar(shown, location="bottom", label="log loss, 3 folds", aspect=40)
bar.set_ticks([0.1, 0.2, 0.4, 0.8], labels=["0.1", "0.2", "0.4", "0.8"])
bar.minorticks_off()
plt.show()

# %%
# With small rates training is not finished after 54 epochs, and large rates overfit,
# unless the penalty prevents it: with ``alpha`` about one a wide range of rates works.
# Beyond that the penalty dominates. The best candidate alone does not show how wide the
# valley is:

good = loss <= 1.1 * loss.min()
print(f"best: alpha={alphas[row]:.2g}, learning_rate_init={rates[column]:.2g}")
print(f"log loss {loss.min():.3f}; {good.sum()} candidates are within a tenth of it")

# %%
# Successive halving drops poor candidates early. All candidates start with 2 epochs;
# the best third continues to 6, from its current state, and so on. Nothing is trained
# twice.

start = perf_counter()
halving = LockstepHalvingSearchCV(
    pipeline,
    grid,
    resource="network__max_iter",
    min_resources=2,
    scoring=log_likelihood,
    cv=3,
    return_train_score=False,
).fit(X, y)
print(f"halving in {perf_counter() - start:.1f} s, log loss {-halving.best_score_:.3f}")
trained = np.diff(halving.n_resources_, prepend=0) @ halving.n_candidates_
print(f"at most {trained} epochs a fold, and {54 * loss.size} in the whole grid")

# %%
# One line for each candidate, up to the rung in which it was dropped. The first rungs
# see only the first epochs, so candidates that start slowly are dropped even if they
# would have won, here those with small learning rates. ``min_resources`` controls this
# trade-off.

results = halving.cv_results_
courses = {}
for params, epochs, score in zip(
    results["params"], results["n_resources"], results["mean_test_score"], strict=True
):
    key = params["network__alpha"], params["network__learning_rate_init"]
    courses.setdefault(key, []).append((epochs, -score))
best = halving.best_params_
best = best["network__alpha"], best["network__learning_rate_init"]
last = len(halving.n_resources_)
figure, panel = plt.subplots(figsize=(7, 4), layout="constrained")
for course in courses.values():
    color, width = ("#0072B2", 1.5) if len(course) == last else ("#999999", 0.7)
    panel.plot(*zip(*course, strict=True), ".-", color=color, lw=width, ms=4)
panel.plot(*zip(*courses[best], strict=True), "o-", color="#D55E00", lw=2.5)
panel.set(xscale="log", yscale="log", xlabel="epochs", ylabel="log loss, 3 folds")
panel.set_xticks(
    halving.n_resources_,
    [
        f"{epochs}\n{n} left"
        for epochs, n in zip(halving.n_resources_, halving.n_candidates_, strict=True)
    ],
)
panel.minorticks_off()
panel.set_yticks([0.1, 0.3, 1, 3], ["0.1", "0.3", "1", "3"])
handles = [
    plt.Line2D([], [], color=color, lw=width)
    for color, width in [("#999999", 0.7), ("#0072B2", 1.5), ("#D55E00", 2.5)]
]
panel.legend(handles, ["stopped early", "in the last rung", "best"], frameon=False)
plt.show()

# %%
# What to try next: ``LockstepRandomizedSearchCV`` with
# ``scipy.stats.loguniform(1e-4, 1)`` in place of the grid; ``network__dropout`` or
# ``network__random_state`` in it, which also run in lockstep;
# ``network__hidden_layer_sizes``, which makes an array for each layout; ``verbose=1``,
# which reports what does not run in lockstep, and why.
