#!/usr/bin/env bash
# Yellowbrick 1.5: parameters of the model silently replace those of the visualizer.
#
# LearningCurve(RidgeCV(), cv=3, scoring="neg_mean_absolute_error") draws R2 of 5 folds:
# RidgeCV has parameters `scoring` and `cv` of its own, for its choice of alpha, which are
# None here. The visualizer's get_params() gives parameters of the estimator without their
# prefix, over its own of the same name, and fit() reads `scoring`, `cv`, `n_jobs`,
# `shuffle` and `random_state` from there. Within a Pipeline the names differ, and what
# was asked for is drawn.
#
# Output seen on 2026-11-30:
#   yellowbrick 1.5, scikit-learn 1.9.1, Python 3.11.7
#   asked for the mean absolute error of 3 folds:
#     LearningCurve, model alone: 5 folds, mean scores [0.4536 0.4695 0.4799]
#     LearningCurve, in a pipeline: 3 folds, mean scores [-46.1998 -45.2241 -44.7226]
#     R2 of 5 folds, by scikit-learn: 5 folds, mean scores [0.4536 0.4695 0.4799]
#
# Exit status: 0 while it is so, 1 once it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet yellowbrick==1.5 scikit-learn==1.9.1 \
    numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2

MPLBACKEND=Agg "$folder/venv/bin/python" -W ignore - <<'PYTHON'
import platform
import sys

import numpy as np
import sklearn
import yellowbrick
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import learning_curve
from sklearn.pipeline import make_pipeline
from yellowbrick.model_selection import LearningCurve

print(
    f"yellowbrick {yellowbrick.__version__}, scikit-learn {sklearn.__version__}, "
    f"Python {platform.python_version()}"
)
X, y = load_diabetes(return_X_y=True)
options = {"train_sizes": [0.4, 0.7, 1.0]}
asked = {"scoring": "neg_mean_absolute_error", "cv": 3}
piped = make_pipeline(RidgeCV())
ways = {
    "LearningCurve, model alone": LearningCurve(RidgeCV(), **asked, **options),
    "LearningCurve, in a pipeline": LearningCurve(piped, **asked, **options),
}
drawn = [curve.fit(X, y).test_scores_ for curve in ways.values()]
r2 = learning_curve(RidgeCV(), X, y, scoring="r2", cv=5, **options)[2]
errors = learning_curve(RidgeCV(), X, y, **asked, **options)[2]
print("asked for the mean absolute error of 3 folds:")
names = [*ways, "R2 of 5 folds, by scikit-learn"]
for name, scores in zip(names, [*drawn, r2], strict=True):
    means = np.array2string(scores.mean(axis=1), precision=4, floatmode="fixed")
    print(f"  {name}: {scores.shape[1]} folds, mean scores {means}")
same = np.array_equal(drawn[0], r2) and np.array_equal(drawn[1], errors)
sys.exit(0 if same else 1)
PYTHON
