"""A warning about columns that are constant in the first table of ``partial_fit``."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np


# Maximum number of columns that the warning names.
_MANY = 5


def warn_of_constant_columns(encoder: Any) -> None:
    """Warn about columns that were constant in the table that an encoder was fitted to.

    Parameters
    ----------
    encoder : TabularPreprocessor
        The encoder, fitted to the first table of ``partial_fit``. It encodes all later
        tables.
    """
    constant = np.zeros(encoder.n_features_in_, dtype=bool)
    is_category = encoder.is_categorical_
    constant[~is_category] = encoder.scale_[: encoder.n_numeric_] == 0
    constant[is_category] = [c["n_slots"] <= 1 for c in encoder._categories]
    found = np.flatnonzero(constant)
    if not len(found):
        return
    names = vars(encoder).get("feature_names_in_", np.arange(len(constant)))
    named = ", ".join(repr(name) for name in names[found[:_MANY]].tolist())
    if len(found) > _MANY:
        named += f" and {len(found) - _MANY} more"
    warnings.warn(
        f"The first table of partial_fit determines the encoding of all later ones, "
        "and has only a single value, or no frequent value, in "
        f"{'column' if len(found) == 1 else 'columns'} {named}: all later values there "
        "will be encoded as 0. Call fit on a sample of the rows first, then "
        "partial_fit.",
        stacklevel=2,
    )
