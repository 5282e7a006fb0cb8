#!/usr/bin/env bash
# sklearn2pmml drops the exponential of scikit-learn's MLPRegressor(loss="poisson").
#
# Since scikit-learn 1.7 that loss gives the network the output activation "exp". The PMML
# has an output layer with activationFunction="identity" and no transformation behind it,
# so that an engine predicts the logarithm of what predict() gives, without a warning.
# PMML has the means: activationFunction="exponential".
#
# Needs a Java runtime. Seen with sklearn2pmml 0.133.1, scikit-learn 1.9.0,
# jpmml-evaluator 0.16.0, numpy 2.4.6, Python 3.11, OpenJDK 17:
#   out_activation_: exp
#   layers in PMML: [None, 'identity']
#   predict: [1.424, 1.8872, 0.6363]
#   PMML:    [0.3534, 0.6351, -0.4521]
#
# Exit status: 0 while it is so, 1 if it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
java -version
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check \
    sklearn2pmml==0.133.1 jpmml-evaluator==0.16.0 scikit-learn==1.9.0 numpy==2.4.6 pandas==3.1.1

cat > try.py <<'PYTHON'
import re
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from jpmml_evaluator import make_evaluator
from sklearn.neural_network import MLPRegressor
from sklearn2pmml import make_pmml_pipeline, sklearn2pmml

for name in ("sklearn2pmml", "jpmml_evaluator", "scikit-learn", "numpy", "pandas"):
    print(name, version(name))

rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(100, 2)), columns=["a", "b"])
counts = rng.poisson(np.exp(0.5 * X["a"])).astype(float)
mlp = MLPRegressor(
    loss="poisson", hidden_layer_sizes=(4,), solver="lbfgs", max_iter=500, random_state=0
)
mlp.fit(X, counts)
pipeline = make_pmml_pipeline(mlp, active_fields=["a", "b"], target_fields=["y"])
sklearn2pmml(pipeline, "network.pmml")
written = Path("network.pmml").read_text()
layers = [
    found[1] if (found := re.search('activationFunction="(.*?)"', tag)) else None
    for tag in re.findall("<NeuralLayer.*?>", written)
]
served = make_evaluator("network.pmml").verify().evaluateAll(X)["y"].to_numpy(float)
expected = mlp.predict(X)
print("out_activation_:", mlp.out_activation_)
print("layers in PMML:", layers)
print("predict:", expected[:3].round(4).tolist())
print("PMML:   ", served[:3].round(4).tolist())
is_logarithm = np.allclose(served, np.log(expected), rtol=0, atol=1e-9)
sys.exit(not (mlp.out_activation_ == "exp" and is_logarithm))
PYTHON
venv/bin/python try.py
