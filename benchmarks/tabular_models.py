"""The models of `tabular.py`, each with its defaults, for tables as they are.

The preprocessing that a model requires (imputation, scaling, encoding) is part of it,
and counts in its fit time. Only the seed and the number of threads are set. Optional
packages are imported when their model is requested.
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


REFERENCE = "hgb"  # the denominator of all ratios
MAX_LEVELS = 254  # HistGradientBoosting has 255 bins, one of them for missing values


class FrequentLevels(TransformerMixin, BaseEstimator):
    """Keep the most frequent levels of each category column; the rest become missing.

    HistGradientBoosting rejects a column with more levels than bins. Columns with
    fewer levels are not changed.
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> "FrequentLevels":
        """Find the columns with too many levels."""
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
    """Return the imputer; a column without any number becomes constant."""
    return SimpleImputer(strategy="median", keep_empty_features=True)


def hgb(task: str, seed: int, n_threads: int) -> Any:
    """Return scikit-learn's gradient boosting; the caller limits its threads."""
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
    """Return the same with a standardised target, if it is numeric.

    `MLPRegressor` leaves this to the user. Without it, the network hardly learns
    targets in the thousands, and the error reflects the units more than the network.
    """
    model = sklearn(task, seed, n_threads)
    if task == "classification":
        return model
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def lightgbm(task: str, seed: int, n_threads: int) -> Any:
    """Return LightGBM, which detects category columns itself."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    model = LGBMClassifier if task == "classification" else LGBMRegressor
    return model(random_state=seed, n_jobs=n_threads, verbose=-1)


def realmlp_td_s(task: str, seed: int, n_threads: int, **options: Any) -> Any:
    """Return pytabkit's RealMLP-TD-S after median imputation, which it requires.

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
    """Return sknet's estimator; its jobs are limited to the threads of other models.

    The threads for the matrix products of a job follow sknet's rule.
    """
    from sknet import TabularMLPClassifier, TabularMLPRegressor

    model = TabularMLPClassifier if task == "classification" else TabularMLPRegressor
    return model(random_state=seed, n_jobs=n_threads)


# The five models of the protocol; `sklearn-scaled` runs only on request.
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
