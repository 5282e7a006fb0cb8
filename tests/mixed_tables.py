"""Tables of numbers and categories, and an encoder without scaled flags."""

import numpy as np
import pandas as pd

from sknet import TabularPreprocessor


def plain(**parameters):
    """A preprocessor whose flags are 0, 1 and -1, in float64."""
    return TabularPreprocessor(
        scale_flags=False, clip=None, dtype="float64"
    ).set_params(**parameters)


def column(*values):
    """One column of objects."""
    return np.array(values, dtype=object)[:, None]


def mixed_frame(rng, n_rows=60):
    """Numbers with and without holes, few levels, two levels, many levels."""
    number = rng.normal(size=n_rows).round(1)
    holes = np.where(rng.random(n_rows) < 0.2, np.nan, rng.normal(size=n_rows))
    color = np.array(["red", "green", "blue", None], dtype=object)
    return pd.DataFrame(
        {
            "age": number,
            "color": color[rng.integers(0, 4, n_rows)],
            "income": holes,
            "member": rng.random(n_rows) < 0.3,
            "city": [f"city {k}" for k in rng.integers(0, 15, n_rows)],
            "rooms": rng.integers(1, 6, n_rows),
        }
    )
