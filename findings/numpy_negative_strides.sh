#!/usr/bin/env bash
# np.negative ignores the step of its input if input and output both have steps.
#
# With every fourth number of a float32 array as input (every eighth of a float64 array)
# and an output whose step is at least two, the results are the negatives of consecutive
# numbers instead. In place, `np.negative(a[::4], out=a[::4])` therefore writes wrong
# numbers, without a warning; `a[::4] *= -1` is right, and so are other steps. Vector
# instructions (AVX2 here) and more than a few numbers are needed.
#
# Seen with numpy 2.4.6 (wheel from PyPI), Python 3.11, x86-64 with AVX2; numpy 2.2.6,
# 2.3.5 and 2.4.0 do the same, 1.26.4 and 2.0.2 do not:
#   float32, step 4: [-1.0, -2.0, -3.0, -4.0, -5.0] instead of [-1.0, -5.0, -9.0, ...]
#   float64, step 8: [-1.0, -2.0, -3.0, -4.0, -5.0] instead of [-1.0, -9.0, -17.0, ...]
#   float64, step 4: right
#
# Exit status: 0 while it is so, 1 if it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check numpy==2.4.6

cat > try.py <<'PYTHON'
import sys

import numpy as np

print("numpy", np.__version__)
found = {}
for dtype, step in (("float32", 4), ("float64", 8), ("float64", 4)):
    numbers = np.arange(1, 40 * step + 1, dtype=dtype)
    part = numbers[::step]
    expected = [-x for x in part.tolist()]
    np.negative(part, out=part)
    found[dtype, step] = part.tolist() == expected
    print(f"{dtype}, step {step}: {part[:5].tolist()}, expected {expected[:5]}")
as_seen = {("float32", 4): False, ("float64", 8): False, ("float64", 4): True}
sys.exit(found != as_seen)
PYTHON
venv/bin/python try.py
