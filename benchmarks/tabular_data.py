"""Tables on disk, and the one split of each that every model gets.

A folder holds `INDEX.csv` (columns `name` and `task`) and `NAME.csv.gz` for each table:
a header line, the target last, categories as text, an empty field where a value is
missing. Whatever the index names without such a file (image sets) is left out.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split


TASKS = ("classification", "regression")
TRAIN_SHARE = 0.75  # of a table too small for n_rows to train and n_rows to test


def table_names(folder: Path | str) -> list[str]:
    """Return the names of the folder's tables, in the order of its index."""
    folder = Path(folder)
    names = pd.read_csv(folder / "INDEX.csv")["name"]
    return [name for name in names if (folder / f"{name}.csv.gz").exists()]


def load_table(folder: Path | str, name: str) -> tuple[pd.DataFrame, pd.Series, str]:
    """Return a table's features, its target and its task.

    Columns that are not numbers come as category, which every model here understands.
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

    At most `n_rows` rows each; of a table with fewer than twice as many, three
    quarters train (again at most `n_rows`) and the rest tests. Classes keep their
    shares where each has at least two rows. A category column of a part has the levels
    that occur there: whoever looks at the training rows learns nothing of the others.
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
    """Return the features with category dtype in place of text, and of truth values."""
    is_type = pd.api.types
    return X.astype(
        {
            key: "category"
            for key in X
            if is_type.is_bool_dtype(X[key]) or not is_type.is_numeric_dtype(X[key])
        }
    )


def _own_levels(X: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without the levels that only other rows have."""
    names = X.select_dtypes("category").columns
    return X.assign(**{name: X[name].cat.remove_unused_categories() for name in names})


def _strata(y: pd.Series, task: str, smallest_part: int) -> pd.Series | None:
    """Return the classes to draw by, or None where shares cannot be kept."""
    if task != "classification":
        return None
    counts = y.value_counts()
    if counts.min() < 2 or len(counts) > smallest_part:
        return None
    return y
