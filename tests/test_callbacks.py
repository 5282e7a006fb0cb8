"""scikit-learn's callbacks (1.9): told of every epoch, with a model that predicts."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import (
    Checkpoint,
    LockstepGridSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


callback = pytest.importorskip("sklearn.callback", reason="came with scikit-learn 1.9")
# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, DIGIT = load_digits(return_X_y=True)
X, DIGIT = X[:220] / 16.0, DIGIT[:220]
FEW = {"hidden_layer_sizes": (6,), "max_iter": 7, "random_state": 3}
SPLIT = {"early_stopping": True, "validation_fraction": 0.2}
TRIO = {"n_estimators": 3}


class Listener:
    """Keeps what it is told, and asks to stop after some epochs."""

    def __init__(self, stop_after=None, raises=None):
        self.stop_after, self.raises = stop_after, raises
        self.told, self.models, self.weights, self.is_set_up = [], [], [], None

    def setup(self, estimator, context):
        self.is_set_up = True

    def teardown(self, estimator, context):
        self.is_set_up = False

    def on_fit_task_begin(self, estimator, context):
        self.told.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.told.append(("end", context.task_name))
        if context.task_name == "epoch":
            self.models.append(fitted_estimator)
            self.weights.append(metadata)
        n_epochs = len(self.models)
        if self.raises is not None and n_epochs == 3:
            raise self.raises
        return self.stop_after is not None and n_epochs >= self.stop_after


def fitted(model, listener, **fit_params):
    """The same estimator, fitted with a listener."""
    return clone(model).set_callbacks(listener).fit(X, DIGIT, **fit_params)


MODELS = {
    "classifier": SimpleMLPClassifier(**FEW),
    "regressor": SimpleMLPRegressor(**FEW),
    "trio": SimpleMLPClassifier(**FEW, **TRIO),
    "average": SimpleMLPClassifier(**FEW, averaging="ema"),
    "lbfgs": SimpleMLPRegressor(**FEW, solver="lbfgs"),
    "two by lbfgs": SimpleMLPRegressor(**FEW, solver="lbfgs", n_estimators=2),
    "table": TabularMLPClassifier(**FEW, early_stopping=False),
    "values of a table": TabularMLPRegressor(**FEW, early_stopping=False),
}


@pytest.mark.parametrize("name", MODELS)
def test_listening_changes_nothing(name):
    """The same bits as without."""
    model = fitted(MODELS[name], Listener())
    assert_array_equal(model.theta_, clone(MODELS[name]).fit(X, DIGIT).theta_)
    left = [key for key in vars(model) if "callback" in key]
    assert left == ["_skl_callbacks"]


@pytest.mark.parametrize("name", [name for name in MODELS if "lbfgs" not in name])
def test_each_epoch_has_a_model_as_if_the_fit_had_stopped_there(name):
    """Equal to a fit of so many epochs; the model of the end is the fitted one."""
    listener = Listener()
    model = fitted(MODELS[name], listener)
    assert len(listener.models) == model.n_iter_
    for n_epochs in (1, 4):
        shorter = clone(MODELS[name]).set_params(max_iter=n_epochs)
        if name in ("table", "values of a table"):  # its plan is for 7 epochs
            shorter.set_params(max_iter=7, checkpoint=None)
            stopped = Listener(stop_after=n_epochs)
            shorter = fitted(shorter, stopped)
        else:
            shorter.fit(X, DIGIT)
        seen = listener.models[n_epochs - 1]
        assert_array_equal(seen.theta_, shorter.theta_)
        assert_array_equal(seen.predict(X), shorter.predict(X))
        assert seen.n_iter_ == n_epochs


def test_lbfgs_tells_of_its_iterations():
    """The model of each scores what its own loss says: the last is the fitted one."""
    listener = Listener()
    model = fitted(MODELS["lbfgs"], listener)
    assert len(listener.models) == model.n_iter_
    assert_array_equal(listener.models[-1].theta_, model.theta_)
    scores = [seen.score(X, DIGIT) for seen in listener.models]
    assert scores[-1] > scores[0]


def test_models_of_a_refit_have_nothing_of_the_fit_before():
    """They are copies of the estimator, whose old temperature they must not take."""
    model = TabularMLPClassifier(**FEW, validation_fraction=0.2).fit(X, DIGIT)
    assert model.temperature_ != 1.0
    model.set_params(solver="lbfgs", learning_rate="constant", early_stopping=False)
    model.set_params(dropout=0.0, learning_rate_multipliers=None)
    listener = Listener()
    model.set_callbacks(listener).fit(X, DIGIT)
    assert {seen.temperature_ for seen in listener.models} == {1.0}
    last = listener.models[-1]
    assert_array_equal(last.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("name", MODELS)
def test_callback_may_stop_a_fit(name):
    """After two epochs there is a model of two epochs, and no warning."""
    listener = Listener(stop_after=2)
    model = fitted(MODELS[name], listener)
    assert model.n_iter_ == 2
    assert_array_equal(model.theta_[-1], listener.models[-1].theta_[-1])


def test_error_of_a_callback_leaves_the_estimator_as_it_was():
    """As optuna's TrialPruned; the callback is torn down."""
    model = clone(MODELS["classifier"]).fit(X, DIGIT)
    before = model.theta_.copy()
    listener = Listener(raises=KeyError("pruned"))
    with pytest.raises(KeyError, match="pruned"):
        model.set_callbacks(listener).fit(X, -DIGIT)
    assert_array_equal(model.theta_, before)
    assert listener.is_set_up is False
    model.set_callbacks().fit(X, DIGIT)
    assert_array_equal(model.theta_, before)


class Uploader(Listener):
    """Fails when all is done."""

    def on_fit_task_end(self, estimator, context, **told):
        if context.task_name == "fit":
            raise ConnectionError
        return False


def test_error_of_a_callback_at_the_end_loses_no_checkpoint(tmp_path):
    """The next fit goes on from there."""
    saved = Checkpoint(tmp_path, epochs=1)
    model = clone(MODELS["classifier"]).set_params(checkpoint=saved)
    with pytest.raises(ConnectionError):
        fitted(model, Uploader())
    listener = Listener()
    again = fitted(model, listener)
    assert len(listener.models) == 1
    assert_array_equal(again.theta_, clone(MODELS["classifier"]).fit(X, DIGIT).theta_)


def test_failed_fit_tears_callbacks_down():
    """Also before the first epoch."""
    listener = Listener()
    with pytest.raises(ValueError, match="NaN"):
        clone(MODELS["classifier"]).set_callbacks(listener).fit(X * np.nan, DIGIT)
    assert listener.is_set_up is False


def test_weights_are_handed_on():
    """As metadata, in the names of fit."""
    listener, weight = Listener(), np.arange(len(X)) % 3
    fitted(MODELS["classifier"], listener, sample_weight=weight)
    assert_array_equal(listener.weights[0]["sample_weight"], weight)


def test_partial_fit_tells_nobody():
    """It is one epoch; what drives it knows."""
    listener = Listener()
    clone(MODELS["regressor"]).set_callbacks(listener).partial_fit(X, DIGIT)
    assert listener.told == []
    assert listener.is_set_up is None


# ------------------------------------------------------------------ ScoringMonitor


def scores_of(monitor, task):
    """The scores that a monitor has logged of one kind of task."""
    return [
        row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == task
    ]


@pytest.mark.parametrize("params", [SPLIT, SPLIT | TRIO, SPLIT | {"averaging": "ema"}])
def test_monitor_scores_the_validation_set(params):
    """What early stopping has seen, epoch for epoch; and the training rows apart."""
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = SimpleMLPClassifier(**FEW | params).set_callbacks(monitor).fit(X, DIGIT)
    assert scores_of(monitor, "validation") == pytest.approx(model.validation_scores_)
    assert len(scores_of(monitor, "epoch")) == model.n_iter_


def test_monitor_scores_a_validation_set_that_was_handed_in():
    """With its weights, on columns with names."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X).add_prefix("pixel")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = SimpleMLPClassifier(**FEW).set_callbacks(monitor)
    weight = np.arange(20) + 1.0
    model.fit(
        frame[:200],
        DIGIT[:200],
        X_val=frame[200:],
        y_val=DIGIT[200:],
        sample_weight_val=weight,
    )
    assert scores_of(monitor, "validation") == pytest.approx(model.validation_scores_)
    assert scores_of(monitor, "epoch")[-1] == model.score(frame[:200], DIGIT[:200])


@pytest.mark.parametrize("form", ["coo", "bsr", "lil"])
def test_monitor_scores_sparse_rows_of_every_format(form):
    """Those without rows to choose from, too."""
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = SimpleMLPClassifier(**FEW | SPLIT).set_callbacks(monitor)
    model.fit(sparse.csr_matrix(X).asformat(form), DIGIT)
    assert scores_of(monitor, "validation") == pytest.approx(model.validation_scores_)


@pytest.mark.parametrize("params", [{}, SPLIT, {"solver": "lbfgs"}])
def test_monitor_scores_with_a_number_as_weight(params):
    """It stands for the weight of every row, of validation rows as well."""
    logs = []
    for weight in (2.0, np.full(200, 2.0)):
        monitor = callback.ScoringMonitor(scoring="accuracy")
        model = SimpleMLPClassifier(**FEW | params).set_callbacks(monitor)
        more = {}
        if not params:
            more = {"X_val": X[200:], "y_val": DIGIT[200:]}
            more["sample_weight_val"] = weight if np.isscalar(weight) else weight[:20]
        model.fit(X[:200], DIGIT[:200], sample_weight=weight, **more)
        logs.append([scores_of(monitor, task) for task in ("epoch", "validation")])
    assert logs[0] == logs[1]


def test_monitor_in_a_grid_search():
    """A row for each epoch of each fit; the results are those without it."""
    grid = {"alpha": [1e-4, 1.0]}
    plain = GridSearchCV(SimpleMLPClassifier(**FEW), grid, cv=2).fit(X, DIGIT)
    monitor = callback.ScoringMonitor(scoring="accuracy")
    network = SimpleMLPClassifier(**FEW).set_callbacks(monitor)
    search = GridSearchCV(network, grid, cv=2).fit(X, DIGIT)
    assert_array_equal(
        search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )
    assert len(scores_of(monitor, "epoch")) == 5 * FEW["max_iter"]


def test_lockstep_search_leaves_networks_with_callbacks_to_scikit_learn():
    """Lockstep has no epochs of a single candidate; nothing is ignored."""
    grid = {"alpha": [1e-4, 1.0]}
    monitor = callback.ScoringMonitor(scoring="accuracy")
    network = SimpleMLPClassifier(**FEW).set_callbacks(monitor)
    LockstepGridSearchCV(network, grid, cv=2).fit(X, DIGIT)
    assert len(scores_of(monitor, "epoch")) == 5 * FEW["max_iter"]


# --------------------------------------------------------------------- ProgressBar


@pytest.mark.parametrize("search", [GridSearchCV, LockstepGridSearchCV])
def test_progress_bar_shows_the_fit(search, capsys):
    """Alone, and nested in a pipeline in a search."""
    pytest.importorskip("rich")
    bar = callback.ProgressBar(max_propagation_depth=None)
    network = SimpleMLPClassifier(**FEW)
    clone(network).set_callbacks(bar).fit(X, DIGIT)
    assert "SimpleMLPClassifier - fit" in " ".join(capsys.readouterr().out.split())

    pipeline = make_pipeline(StandardScaler(), network)
    grid = {"simplemlpclassifier__alpha": [1e-4, 1.0]}
    plain = search(pipeline, grid, cv=2).fit(X, DIGIT)
    told = search(clone(pipeline), grid, cv=2).set_callbacks(bar).fit(X, DIGIT)
    assert f"{search.__name__} - fit" in " ".join(capsys.readouterr().out.split())
    assert_array_equal(
        told.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )
