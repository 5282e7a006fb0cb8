"""Tables of one column, in many containers."""

import pandas as pd


# As float64 these are one or two levels.
IDS = [2**60 + 3 * k for k in range(6)]


def frame_of(values, dtype):
    """A frame of pandas' own types, or of NumPy's."""
    return pd.DataFrame({"id": pd.Series(pd.array(values, dtype=dtype))})
