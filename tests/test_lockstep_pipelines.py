"""Pipelines and frames in a lockstep search: what stands before the network."""

import pickle

import numpy as np
import pandas as pd
import pytest
from paired_searches import FEW, LENGTH, NET, NET_FEW, SPECIES, X, scaled
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)

from sknet.lockstep import LockstepGridSearchCV


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FRAME = pd.DataFrame(X, columns=[*"abcd"]).assign(e=np.where(LENGTH > 1.1, "u", "v"))


def divided(X, by):
    """Return the columns divided by numbers."""
    return X / by


COLUMNS = ColumnTransformer(
    [("numbers", StandardScaler(), [*"abcd"]), ("words", OneHotEncoder(), ["e"])]
)
PIPELINES = {
    "one setting": (scaled(), NET_FEW),
    "settings": (scaled(), {"scale__with_mean": [True, False], **NET_FEW}),
    "steps": (
        scaled(),
        {"scale": [StandardScaler(), MinMaxScaler(), "passthrough", None], **NET_FEW},
    ),
    "step and its setting": (
        scaled(),
        {"scale": [MinMaxScaler()], "scale__feature_range": [(0, 1), (-1, 1)]},
    ),
    "networks": (scaled(), {"net": [NET, clone(NET).set_params(alpha=1.0)]}),
    "network alone": (Pipeline([("net", NET)]), NET_FEW),
    "selection": (scaled(scaler=SelectKBest()), {"scale__k": [1, 3]}),
    "union": (
        scaled(scaler=FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())])),
        {"scale__a__with_std": [True, False], **NET_FEW},
    ),
    "pipeline in front": (
        scaled(scaler=Pipeline([("inner", StandardScaler())])),
        {"scale__inner": [StandardScaler(), MinMaxScaler()], **NET_FEW},
    ),
    "no hash": (scaled(scaler=FunctionTransformer(lambda X: X / 3.0)), NET_FEW),
    "arrays": (
        scaled(scaler=FunctionTransformer(divided)),
        {"scale__kw_args": [{"by": np.ones(4)}, {"by": np.arange(1.0, 5.0)}]},
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline_equals_scikit_learn(both, name):
    """Whatever stands before the network."""
    both(*PIPELINES[name], return_train_score=True)


def test_pipeline_over_columns_of_a_frame_equals_scikit_learn(both):
    """Columns of different kinds, and names on the way."""
    both(make_pipeline(COLUMNS, NET), {"simplemlpclassifier__alpha": [1, 2]}, X=FRAME)
    with config_context(transform_output="pandas"):
        ours = both(scaled(), NET_FEW, X=FRAME[[*"abcd"]])
    assert [*ours.best_estimator_[-1].feature_names_in_] == [*"abcd"]


# joblib warns where the disk is slow, which says nothing about the search.
@pytest.mark.filterwarnings("ignore:Persisting input arguments took:UserWarning")
def test_pipeline_with_memory_equals_scikit_learn(both, tmp_path):
    """A cache of its own is no obstacle, not even when it is warm."""
    pipeline = scaled().set_params(memory=str(tmp_path))
    grid = {"scale__with_mean": [True, False], **NET_FEW}
    both(pipeline, grid)
    both(pipeline, grid)


class CountingScaler(StandardScaler):
    """Counts how often it is fitted."""

    n_fits = 0

    def fit(self, X, y=None):
        """Count."""
        CountingScaler.n_fits += 1
        return super().fit(X, y)


def test_transformers_are_fitted_once_for_each_fold_and_setting():
    """2 settings on 3 folds, for 8 candidates, and the refit."""
    grid = {"scale__with_std": [True, False], "net__alpha": [1e-4, 1e-3, 1e-2, 0.1]}
    CountingScaler.n_fits = 0
    LockstepGridSearchCV(scaled(scaler=CountingScaler()), grid, cv=3).fit(X, SPECIES)
    assert CountingScaler.n_fits == 2 * 3 + 1


class DoublingPipeline(Pipeline):
    """Trains on all rows twice, as one that balances classes might."""

    def fit(self, X, y=None, **params):
        """Fit all steps."""
        return super().fit(np.r_[X, X], np.r_[y, y], **params)


def test_pipeline_of_another_kind_equals_scikit_learn(both):
    """What reaches the network is what its ``fit`` hands on."""
    both(DoublingPipeline(scaled().steps), NET_FEW, return_train_score=True)


def test_input_is_untouched():
    """Neither data, nor estimator, nor grid are changed."""
    scaler, net = StandardScaler(copy=True), clone(NET)
    pipeline, grid = scaled(net, scaler), {"scale": [MinMaxScaler()], **NET_FEW}
    before = pickle.dumps((X, SPECIES, pipeline, grid))
    LockstepGridSearchCV(pipeline, grid, cv=3).fit(X, SPECIES)
    assert pickle.dumps((X, SPECIES, pipeline, grid)) == before


def test_search_takes_frames_and_lists(both):
    """What scikit-learn indexes is indexed."""
    both(NET, FEW, X=FRAME[[*"abcd"]], y=pd.Series(SPECIES))
    both(NET, FEW, X=X.tolist(), y=[*"abc"] * 50)
