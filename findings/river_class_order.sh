#!/usr/bin/env bash
# river 0.26.1: convert_sklearn_to_river swaps probabilities where classes are not sorted.
#
# The wrapper names the columns of predict_proba by the list `classes` that it was given,
# in that order. scikit-learn's columns are in the order of `classes_`, which is sorted.
# With classes=["spam", "ham"] each probability goes to the other class, without a word:
# predict_proba_one contradicts predict_one, and metrics such as LogLoss and ROCAUC are
# those of the opposite. Nothing in the documentation asks for sorted classes.
#
# Output seen on 2026-11-30:
#   river 0.26.1, scikit-learn 1.9.1, Python 3.11.7
#   ['ham', 'spam']  accuracy by predict_one 1.00, by predict_proba_one 1.00
#   ['spam', 'ham']  accuracy by predict_one 1.00, by predict_proba_one 0.00
#
# Exit status: 0 while it is so, 1 once it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet river==0.26.1 scikit-learn==1.9.1 \
    numpy==2.4.6 scipy==1.17.1

"$folder/venv/bin/python" - <<'PYTHON'
import platform
import sys

import numpy as np
import river
import sklearn
from river import compat
from sklearn.linear_model import SGDClassifier

print(
    f"river {river.__version__}, scikit-learn {sklearn.__version__}, "
    f"Python {platform.python_version()}"
)
values = np.random.default_rng(0).uniform(0.5, 2.0, 200) * np.tile([1, -1], 100)
stream = [({"x": x}, "spam" if x > 0 else "ham") for x in values.tolist()]
seen = []
for classes in (["ham", "spam"], ["spam", "ham"]):
    network = SGDClassifier(loss="log_loss", random_state=0)
    model = compat.convert_sklearn_to_river(network, classes=classes)
    for row, label in stream:
        model.learn_one(row, label)
    by_class = [model.predict_one(row) == label for row, label in stream]
    said = [(model.predict_proba_one(row), label) for row, label in stream]
    by_probability = [max(p, key=p.get) == label for p, label in said]
    seen += [np.mean(by_class), np.mean(by_probability)]
    print(
        f"{classes}  accuracy by predict_one {seen[-2]:.2f}, "
        f"by predict_proba_one {seen[-1]:.2f}"
    )
sys.exit(0 if seen == [1.0, 1.0, 1.0, 0.0] else 1)
PYTHON
