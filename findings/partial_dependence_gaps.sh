#!/usr/bin/env bash
# scikit-learn 1.9.1: partial dependence on a column with gaps has a grid of NaN only.
#
# HistGradientBoostingRegressor takes missing numbers, and partial_dependence takes both.
# It lays its grid between the percentiles 5 and 95, of which the upper one is NaN where
# 5 % of the rows or more are missing: each point of the grid is NaN, and the curve is
# flat, the mean prediction with the column missing everywhere, and nothing is said.
# Points given by `custom_values` are taken as they are.
#
# Output seen on 2026-11-30:
#   scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6, Python 3.11.7
#   missing  2 %: grid [0.08 0.53 0.98], average [0.20 1.11 2.00]
#   missing 20 %: grid [nan nan nan], average [1.00 1.00 1.00]
#   missing 20 %, custom_values: average [0.26 1.09 1.84]
#
# Exit status: 0 while it is so, 1 once it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet scikit-learn==1.9.1 numpy==2.4.6 \
    scipy==1.17.1

"$folder/venv/bin/python" -W error - <<'PYTHON'
import platform
import sys

import numpy as np
import scipy
import sklearn
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.inspection import partial_dependence

print(
    f"scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, "
    f"numpy {np.__version__}, Python {platform.python_version()}"
)
rng = np.random.default_rng(0)
seen = []
for share in (0.02, 0.2):
    X = rng.random((500, 2))
    y = 2 * X[:, 0] + 0.1 * X[:, 1]
    X[: int(500 * share), 0] = np.nan
    model = HistGradientBoostingRegressor(random_state=0).fit(X, y)
    result = partial_dependence(model, X, [0], grid_resolution=3, method="brute")
    (grid,), (average,) = result["grid_values"], result["average"]
    seen.append(grid)
    with np.printoptions(precision=2, floatmode="fixed"):
        print(f"missing {share:3.0%}: grid {grid}, average {average}".replace("%", " %"))
points = {0: np.array([0.1, 0.5, 0.9])}
own = partial_dependence(model, X, [0], custom_values=points, method="brute")
with np.printoptions(precision=2, floatmode="fixed"):
    print(f"missing 20 %, custom_values: average {own['average'][0]}")
as_said = np.isfinite(seen[0]).all() and np.isnan(seen[1]).all()
sys.exit(0 if as_said and np.ptp(average) == 0 < np.ptp(own["average"]) else 1)
PYTHON
