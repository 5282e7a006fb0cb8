"""Tables on disk, and their splits, which are the same for all models.

A folder holds `INDEX.csv` (columns `name` and `task`) and `NAME.csv.gz` for each table:
a header line, the target last, categories as text, an empty field where a value is
missing. Entries of the index without a file (image sets) are left out.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split


TASKS = ("classification", "regression")
TRAIN_SHARE = 0.75  # training share of a table with fewer than 2 * n_rows rows


def table_names(folder: Path | str) -> list[str]:
    """Return the names of the folder's tables, in the order of its index."""
    folder = Path(folder)
    names = pd.read_csv(folder / "INDEX.csv")["name"]
    return [name for name in names if (folder / f"{name}.csv.gz").exists()]


def load_table(folder: Path | str, name: str) -> tuple[pd.DataFrame, pd.Series, str]:
    """Return a table's features, its target and its task.

    Columns that are not numbers have category dtype, which every model here supports.
    """
    folder = Path(folder)
    index = pd.read_csv(folder / "INDEX.csv").set_index("name")
    task = str(index.loc[name, "task"])
    if task not in TASKS:
        raise ValueError(f"{name}: task {task!r} is none of {TASKS}")
    frame = pd.read_csv(folder / f"{name}.csv.gz", low_memory=False)
    X, y = frame.iloc[:, :-1], frame.iloc[:, -1]
    if task == "classification":
        y = y.astype(str).astype(object)
    return _with_categories(X), y.rename("target"), task


def split(
    X: pd.DataFrame, y: pd.Series, task: str, seed: int, n_rows: int = 8000
) -> tuple[Any, Any, Any, Any]:
    """Return X_train, X_test, y_train and y_test: shuffled rows without overlap.

    Each part has at most `n_rows` rows; a table with fewer than twice as many rows is
    split into three quarters for training (at most `n_rows`) and the rest for testing.
    The split is stratified if each class has at least two rows. A category column has
    only the levels that occur in its part, so that training rows reveal nothing about
    test rows.
    """
    n_train = min(n_rows, int(TRAIN_SHARE * len(y)))
    n_test = min(n_rows, len(y) - n_train)
    parts = train_test_split(
        *(X, y),
        train_size=n_train,
        test_size=n_test,
        random_state=np.random.RandomState(seed),
        stratify=_strata(y, task, min(n_train, n_test)),
    )
    X_train, X_test, y_train, y_test = (part.reset_index(drop=True) for part in parts)
    return _own_levels(X_train), _own_levels(X_test), y_train, y_test


def _with_categories(X: pd.DataFrame) -> pd.DataFrame:
    """Return the features with category dtype instead of text and booleans."""
    is_type = pd.api.types
    return X.astype(
        {
            key: "category"
            for key in X
            if is_type.is_bool_dtype(X[key]) or not is_type.is_numeric_dtype(X[key])
        }
    )


def _own_levels(X: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without the levels that occur only in other rows."""
    names = X.select_dtypes("category").columns
    return X.assign(**{name: X[name].cat.remove_unused_categories() for name in names})


def _strata(y: pd.Series, task: str, smallest_part: int) -> pd.Series | None:
    """Return the classes to stratify by, or None if that is impossible."""
    if task != "classification":
        return None
    counts = y.value_counts()
    if counts.min() < 2 or len(counts) > smallest_part:
        return None
    return y
