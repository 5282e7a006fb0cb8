#!/usr/bin/env bash
# Hummingbird drops the exponential of scikit-learn's MLPRegressor(loss="poisson").
#
# Since scikit-learn 1.7 that loss gives the network the output activation "exp". The
# module that hummingbird.ml.convert returns predicts the logarithm of what predict()
# gives, without a warning.
#
# Seen with hummingbird-ml 0.4.12, torch 2.13.0 (CPU), scikit-learn 1.9.1, numpy 2.4.6,
# Python 3.11:
#   out_activation_: exp
#   predict:     [1.424, 1.8872, 0.6363]
#   Hummingbird: [0.3534, 0.6351, -0.4521]
#
# Exit status: 0 while it is so, 1 if it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    hummingbird-ml==0.4.12 torch==2.13.0 scikit-learn==1.9.1 numpy==2.4.6

cat > try.py <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
from hummingbird.ml import convert
from sklearn.neural_network import MLPRegressor

for name in ("hummingbird-ml", "torch", "scikit-learn", "numpy"):
    print(name, version(name))

rng = np.random.default_rng(0)
X = rng.normal(size=(100, 2))
counts = rng.poisson(np.exp(0.5 * X[:, 0])).astype(float)
mlp = MLPRegressor(
    loss="poisson", hidden_layer_sizes=(4,), solver="lbfgs", max_iter=500, random_state=0
)
mlp.fit(X, counts)
served, expected = convert(mlp, "torch", X).predict(X), mlp.predict(X)
print("out_activation_:", mlp.out_activation_)
print("predict:    ", expected[:3].round(4).tolist())
print("Hummingbird:", served[:3].astype(float).round(4).tolist())
is_logarithm = np.allclose(served, np.log(expected), rtol=0, atol=1e-5)
sys.exit(not (mlp.out_activation_ == "exp" and is_logarithm))
PYTHON
venv/bin/python try.py
