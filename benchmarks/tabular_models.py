"""The models of `tabular.py`, each with its defaults, taking a table as it is.

What a model needs before it can read a table (imputation, scaling, encoding) is part
of it, and so of its fit time. Nothing but the seed and the number of threads is set.
Packages that are not always installed are imported when their model is asked for.
"""

from collections.abc import Callable
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
)
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


REFERENCE = "hgb"  # the model that the ratios are formed against
MAX_LEVELS = 254  # HistGradientBoosting takes 255 a column, missing among them


class FrequentLevels(TransformerMixin, BaseEstimator):
    """Keep the most frequent levels of each category column; the rest is missing.

    HistGradientBoosting refuses a column with more levels than it has bins. Columns
    with fewer pass unchanged.
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> "FrequentLevels":
        """Look for columns with too many levels."""
        del y
        categories = X.select_dtypes("category")
        wide = [key for key in categories if X[key].nunique() > MAX_LEVELS]
        self.levels_ = {
            key: X[key].value_counts().index[:MAX_LEVELS].to_list() for key in wide
        }
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the table with fewer levels."""
        fewer = {
            key: X[key].cat.set_categories(kept) for key, kept in self.levels_.items()
        }
        return X.assign(**fewer)


def _numbers() -> make_column_selector:
    return make_column_selector(dtype_include="number")


def _categories() -> make_column_selector:
    return make_column_selector(dtype_include="category")


def _median() -> SimpleImputer:
    """Return the imputation; a column without any number stays, as a constant."""
    return SimpleImputer(strategy="median", keep_empty_features=True)


def hgb(task: str, seed: int, n_threads: int) -> Any:
    """Gradient boosting of scikit-learn; threads by the limit that is set outside."""
    del n_threads
    classes = {
        "classification": HistGradientBoostingClassifier,
        "regression": HistGradientBoostingRegressor,
    }
    model = classes[task](categorical_features="from_dtype", random_state=seed)
    return make_pipeline(FrequentLevels(), model)


def sklearn(task: str, seed: int, n_threads: int) -> Any:
    """Return scikit-learn's network behind the usual preprocessing of the features."""
    del n_threads
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(_median(), StandardScaler()), _numbers()),
            ("levels", OneHotEncoder(handle_unknown="ignore"), _categories()),
        ]
    )
    network = MLPClassifier if task == "classification" else MLPRegressor
    return make_pipeline(columns, network(early_stopping=True, random_state=seed))


def sklearn_scaled(task: str, seed: int, n_threads: int) -> Any:
    """Return the same with a standardised target, where it is a number.

    `MLPRegressor` leaves that to its user. Without it, the net hardly moves on targets
    in the thousands, and the error tells of the units more than of the network.
    """
    model = sklearn(task, seed, n_threads)
    if task == "classification":
        return model
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def lightgbm(task: str, seed: int, n_threads: int) -> Any:
    """LightGBM, which finds the category columns by itself."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    model = LGBMClassifier if task == "classification" else LGBMRegressor
    return model(random_state=seed, n_jobs=n_threads, verbose=-1)


def realmlp_td_s(task: str, seed: int, n_threads: int, **options: Any) -> Any:
    """RealMLP-TD-S of pytabkit, behind median imputation: it refuses missing numbers.

    `options` are further parameters of the class, for `tabular_steps.py`.
    """
    from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor

    classes = {
        "classification": RealMLP_TD_S_Classifier,
        "regression": RealMLP_TD_S_Regressor,
    }
    model = classes[task](
        device="cpu", random_state=seed, n_threads=n_threads, **options
    )
    columns = ColumnTransformer(
        [("numbers", _median(), _numbers())],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    return make_pipeline(columns, model)


def sknet(task: str, seed: int, n_threads: int) -> Any:
    """This package: at most as many jobs as the others have threads.

    How many threads a job's matrix products get is its own rule.
    """
    from sknet import TabularMLPClassifier, TabularMLPRegressor

    model = TabularMLPClassifier if task == "classification" else TabularMLPRegressor
    return model(random_state=seed, n_jobs=n_threads)


# The five of the protocol; `sklearn-scaled` runs when it is asked for.
DEFAULT_MODELS = ("sknet", "sklearn", REFERENCE, "lightgbm", "realmlp-td-s")
Builder = Callable[[str, int, int], Any]
MODELS: dict[str, Builder] = {
    "sknet": sknet,
    "sklearn": sklearn,
    "sklearn-scaled": sklearn_scaled,
    REFERENCE: hgb,
    "lightgbm": lightgbm,
    "realmlp-td-s": realmlp_td_s,
}
