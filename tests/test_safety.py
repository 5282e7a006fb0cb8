"""What a fit promises when numbers, users or the clock misbehave.

Saturation, single classes, weights of any scale, divergence, failed refits,
interrupts, time limits, reproducibility, threads and pickling.
"""

import _thread
import contextlib
import copy
import pickle
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


# Most fits here are short; of ConvergenceWarnings only those on divergence matter.
pytestmark = pytest.mark.filterwarnings(
    "error",
    "ignore:Stochastic Optimizer. Maximum:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
    "ignore:Column .* beside which a network learns nothing:UserWarning",
)

SOLVERS = ["sgd", "adam", "lbfgs"]
ESTIMATORS = [SimpleMLPClassifier, SimpleMLPRegressor]
RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
LABELS = (X[:, 0] > 0).astype(int)
TARGET = X @ [1.0, 2.0, 0.0, -1.0]

FEW = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}
# Noise, learned by heart: only an interrupt, the clock or a defect ends such a fit.
NOISE = RNG.normal(size=(1000, 20)), RNG.randint(2, size=1000)
ENDLESS = {
    "hidden_layer_sizes": (50,),
    "max_iter": 10**7,
    "max_fun": 10**9,
    "n_iter_no_change": np.inf,
    "tol": 0.0,
    "random_state": 0,
}


VARIANTS = {
    "sgd": {"solver": "sgd", "batch_size": 16},
    "adam": {"solver": "adam", "batch_size": 16},
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2},
}


def target_for(estimator):
    return LABELS if issubclass(estimator, SimpleMLPClassifier) else TARGET


def fitted(estimator=SimpleMLPClassifier, **params):
    return estimator(**(FEW | params)).fit(X, target_for(estimator))


def diverging(**params):
    """A linear regression whose steps are 5 % too long: it improves, then explodes."""
    steep = 1.05 * 2 / np.linalg.eigvalsh(X.T @ X / len(X)).max()
    settings = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": steep}
    settings |= {"alpha": 0.0, "max_iter": 100_000, "n_iter_no_change": np.inf}
    settings |= {"hidden_layer_sizes": (), "random_state": 0}
    return SimpleMLPRegressor(**(settings | params))


def with_raw_outputs(raw, classes):
    """A linear classifier whose raw output for the row [1.] is ``raw``, and no penalty.

    Its ``partial_fit`` reports the loss of the weights from before the step.
    """
    model = SimpleMLPClassifier((), alpha=0.0, solver="sgd", random_state=0)
    model.partial_fit([[1.0]], classes[:1], classes=classes)
    model.coefs_ = [np.array([raw])]
    model.intercepts_ = [np.zeros(len(raw))]
    return model


# --------------------------------------------------------------------- saturation


@pytest.mark.parametrize("raw", [-1e4, -800.0, -40.0, 40.0, 800.0, 1e4])
def test_loss_of_a_saturated_binary_output_is_exact(raw):
    """Where the probability is 0 or 1, the loss is softplus(-raw), not a bound."""
    model = with_raw_outputs([raw], [0, 1])

    model.partial_fit([[1.0]], [1])

    assert_allclose(model.loss_, np.logaddexp(0.0, -raw), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("raw", [-1e4, -800.0, -40.0, 40.0, 800.0, 1e4])
def test_loss_of_a_saturated_softmax_is_exact(raw):
    """Where a softmax is 0 or 1, the loss is logsumexp(raw) - raw_y."""
    model = with_raw_outputs([0.0, raw, -5.0], [0, 1, 2])

    model.partial_fit([[1.0]], [1])

    exact = np.logaddexp.reduce([-raw, 0.0, -5.0 - raw])
    assert_allclose(model.loss_, exact, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("raw", [-1e4, -800.0, -500.0, 500.0, 800.0, 1e4])
def test_log_probability_is_finite_at_saturation(raw):
    """Log probabilities are exact down to -700; what is less is finite, and less."""
    binary = with_raw_outputs([raw], [0, 1]).predict_log_proba([[1.0]])
    multiclass = with_raw_outputs([0.0, raw, 0.0], [0, 1, 2]).predict_log_proba([[1.0]])

    exact_binary = -np.logaddexp(0.0, [[raw, -raw]])
    exact_multiclass = np.array([[0.0, raw, 0.0]]) - np.logaddexp.reduce([0, raw, 0])
    for log, exact in [(binary, exact_binary), (multiclass, exact_multiclass)]:
        assert np.isfinite(log).all()
        assert_allclose(
            np.maximum(log, -700), np.maximum(exact, -700), rtol=1e-12, atol=1e-15
        )


def test_multilabel_probability_is_strictly_between_0_and_1():
    """However large the raw output, a label's probability is neither 0 nor 1."""
    model = SimpleMLPClassifier((), random_state=0, max_iter=1)
    model.fit(X, X[:, :2] > 0)
    model.coefs_ = [model.coefs_[0] * 1e6]

    probability = model.predict_proba(X)

    assert (probability > 0).all()
    assert (probability < 1).all()
    assert np.isfinite(model.predict_log_proba(X)).all()


@pytest.mark.parametrize("shift", [0.0, 15.0, 25.0, 36.0, 800.0])
def test_multilabel_log_probability_is_the_log_of_the_probability(shift):
    """Rounded or not, probabilities and their logarithms rank labels alike."""
    model = SimpleMLPClassifier((), random_state=0, max_iter=1).fit(X, X[:, :2] > 0)
    model.coefs_ = [model.coefs_[0] * 10]
    model.intercepts_ = [model.intercepts_[0] + shift]

    probability = model.predict_proba(X)

    assert_allclose(model.predict_log_proba(X), np.log(probability), rtol=1e-7)


def test_poisson_prediction_is_finite_for_far_rows():
    """The exponential of a large raw output is large, not infinite."""
    model = SimpleMLPRegressor("poisson", (), max_iter=5, random_state=0)
    model.fit(X, np.abs(TARGET))

    assert np.isfinite(model.predict(X * 1e6)).all()


def test_one_class_is_certain():
    """With one class in y its probability is 1, in one column, and its log is 0."""
    model = SimpleMLPClassifier(**FEW).fit(X, np.full(60, "only"))

    assert_array_equal(model.predict(X), np.full(60, "only"))
    assert_array_equal(model.predict_proba(X), np.ones((60, 1)))
    assert_array_equal(model.predict_log_proba(X), np.zeros((60, 1)))


# ----------------------------------------------------------------- sample weights


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_batch_of_no_weight_is_skipped(estimator, solver):
    """A mini-batch whose weights are all 0 changes nothing: as if it were not there."""
    y = target_for(estimator)
    weight = np.r_[np.ones(50), np.zeros(10)]
    params = FEW | {"solver": solver, "batch_size": 10, "shuffle": False}

    skipped = estimator(**params).fit(X, y, sample_weight=weight)
    absent = estimator(**params).fit(X[:50], y[:50])

    assert_allclose(skipped.predict(X), absent.predict(X), rtol=1e-10)
    assert_allclose(skipped.coefs_[0], absent.coefs_[0], rtol=1e-10)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1e8, 1e300])
def test_common_factor_of_the_weights_changes_nothing(solver, scale):
    """Without penalty, weights and weights times anything train the same model."""
    weight = RNG.uniform(0.5, 2.0, size=60)
    params = FEW | {"solver": solver, "alpha": 0.0}

    plain = SimpleMLPClassifier(**params).fit(X, LABELS, weight)
    scaled = SimpleMLPClassifier(**params).fit(X, LABELS, weight * scale)

    assert_allclose(scaled.predict_proba(X), plain.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("scale", [1e-308, 1e-300, 1e300, 1e308])
def test_weights_of_any_scale_give_a_finite_model(estimator, scale):
    """With the default penalty, too, tiny and huge weights give finite predictions."""
    model = estimator(**FEW).fit(X, target_for(estimator), np.full(60, scale))

    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.loss_)


# --------------------------------------------------------------------- divergence


def test_divergence_is_named_and_ends_training_at_once():
    """A fit that explodes stops there, warns, and names the cause to look at."""
    model = diverging()

    with pytest.warns(ConvergenceWarning, match="learning_rate_init"):
        model.fit(X, TARGET)

    assert model.n_iter_ < model.max_iter
    assert np.isfinite(model.loss_curve_[: model.n_iter_ - 1]).all()


def test_divergence_restores_the_best_finite_weights():
    """After a divergence the model is as good as in its best epoch."""
    model = diverging()

    with pytest.warns(ConvergenceWarning):
        model.fit(X, TARGET)

    loss = np.mean((model.predict(X) - TARGET) ** 2) / 2
    assert loss <= 1.5 * np.nanmin(model.loss_curve_)


def test_divergence_with_early_stopping_keeps_the_best_scored_weights():
    """NaN scores are no improvement: the best finite weights are what remains."""
    model = diverging(early_stopping=True, validation_fraction=0.2)

    with pytest.warns(ConvergenceWarning, match="learning_rate_init"):
        model.fit(X, TARGET)

    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.best_validation_score_)


def test_score_that_is_nan_is_no_improvement():
    """A scorer that turns to NaN is waited for as long as one that stands still."""
    scores = iter([0.5] + [np.nan] * 100)
    params = FEW | VARIANTS["early stopping"] | {"max_iter": 50, "n_iter_no_change": 3}
    model = SimpleMLPClassifier(**params, scoring=lambda *_: next(scores))

    model.fit(X, LABELS)

    assert model.n_iter_ == 1 + 3 + 1
    assert model.best_validation_score_ == 0.5


@pytest.mark.parametrize("solver", SOLVERS)
def test_fit_without_one_finite_epoch_raises(solver):
    """Where no epoch had a finite loss there is nothing to keep: a ValueError."""
    model = SimpleMLPRegressor(**FEW | {"solver": solver})

    with pytest.raises(
        ValueError, match="Solver produced non-finite parameter weights"
    ):
        model.fit(X * 1e250, TARGET)

    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e20, 1e100, 1e160, 1e200, 1e300])
def test_no_warning_of_numpy_reaches_the_user(estimator, solver, scale):
    """Data of any scale: finite predictions or a ValueError, no RuntimeWarning."""
    model = estimator(**FEW | {"solver": solver})

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with contextlib.suppress(ValueError):
            model.fit(X * scale, target_for(estimator))
            assert np.isfinite(model.predict(X * scale)).all()

    assert {w.category for w in caught} <= {ConvergenceWarning, UserWarning}


# ----------------------------------------------------------------- failed refits


def never(*_):
    raise RuntimeError("this scorer never works")


FAILURES = {
    "nan in X": (ValueError, {}, X * np.nan, LABELS),
    "text in X": (ValueError, {}, X.astype(str).astype(object) + "kg", LABELS),
    "rows missing in y": (ValueError, {}, X, LABELS[:-1]),
    "nan in y": (ValueError, {}, X, LABELS * np.nan),
    "bad parameter": (ValueError, {"alpha": -1.0}, X, LABELS),
    "bad layers": (ValueError, {"hidden_layer_sizes": (3, 0)}, X, LABELS),
    "no finite epoch": (ValueError, {"warm_start": False}, X * 1e250, LABELS * 1e100),
    "failing scorer": (
        RuntimeError,
        {"early_stopping": True, "validation_fraction": 0.2, "scoring": never},
        X,
        LABELS,
    ),
    "other layers, warm": (
        ValueError,
        {"warm_start": True, "hidden_layer_sizes": (7,)},
        X,
        LABELS,
    ),
    "other width, warm": (ValueError, {"warm_start": True}, X[:, :3], LABELS),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_failed_refit_leaves_the_model_bit_for_bit(failure):
    """Whatever makes a fit raise, the model that was there before is untouched."""
    error, params, bad_x, bad_y = FAILURES[failure]
    model = SimpleMLPRegressor(**FEW).fit(X, TARGET).set_params(**params)
    before = copy.deepcopy(vars(model))
    predicted = model.predict(X)

    with pytest.raises(error):
        model.fit(bad_x, bad_y)

    assert_equal(vars(model), before)
    assert_array_equal(model.predict(X), predicted)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_failed_partial_fit_leaves_the_model_bit_for_bit(solver):
    """A batch that partial_fit refuses leaves weights, moments and stream alone."""
    model = SimpleMLPClassifier(**FEW | {"solver": solver})
    model.partial_fit(X, LABELS, classes=[0, 1])
    twin = copy.deepcopy(model)

    for bad_x, bad_y in [(X[:, :2], LABELS), (X, LABELS + 5), (X * np.nan, LABELS)]:
        with pytest.raises(ValueError, match=r"."):
            model.partial_fit(bad_x, bad_y)

    assert_equal(vars(model), vars(twin))
    assert_array_equal(
        model.partial_fit(X, LABELS).coefs_[0], twin.partial_fit(X, LABELS).coefs_[0]
    )


def test_failed_first_fit_leaves_an_unfitted_object():
    """A first fit that raises leaves nothing but the parameters."""
    model = SimpleMLPClassifier(**FEW | VARIANTS["early stopping"], scoring=never)
    before = copy.deepcopy(vars(model))

    with pytest.raises(RuntimeError, match="never works"):
        model.fit(X, LABELS)

    assert_equal(vars(model), before)


# ----------------------------------------------------------- interrupts, the clock


class OnThirdLine:
    """A stream that does something when the third line is printed to it."""

    def __init__(self, deed):
        self.deed, self.lines = deed, 0

    def write(self, text):
        self.lines += text.count("\n")
        if self.lines == 3:
            self.lines += 1
            self.deed()

    def flush(self):
        pass


def interrupt():
    raise KeyboardInterrupt


@contextlib.contextmanager
def ctrl_c_after(seconds):
    """Give a function that sends this process Ctrl-C a while after it is called."""
    still_running = threading.Event()
    still_running.set()

    def send():
        if still_running.is_set():
            _thread.interrupt_main()

    timer = threading.Timer(seconds, send)
    # a job in the background begins with a Ctrl-C that nobody listens to
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield timer.start
    finally:
        signal.signal(signal.SIGINT, before)
        still_running.clear()
        timer.cancel()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_interrupt_keeps_a_usable_model(estimator, solver):
    """An interrupt ends training with a warning; the model as it is then predicts."""
    model = estimator(**ENDLESS | {"solver": solver, "verbose": True})

    with (
        contextlib.redirect_stdout(OnThirdLine(interrupt)),
        pytest.warns(UserWarning, match="interrupted"),
    ):
        model.fit(*NOISE)

    assert 2 <= model.n_iter_ <= 3
    assert np.isfinite(model.loss_)
    assert np.isfinite(model.predict(NOISE[0])).all()


@pytest.mark.parametrize("solver", SOLVERS)
def test_interrupt_at_any_moment_keeps_a_usable_model(solver):
    """Ctrl-C may come between any two instructions of the training."""
    model = SimpleMLPRegressor(**ENDLESS | {"solver": solver, "verbose": True})

    with (
        ctrl_c_after(0.05) as start,
        contextlib.redirect_stdout(OnThirdLine(start)),
        pytest.warns(UserWarning, match="interrupted"),
    ):
        model.fit(*NOISE)

    assert np.isfinite(model.predict(NOISE[0])).all()


def test_interrupt_with_early_stopping_restores_the_best_weights():
    """Ctrl-C in the middle keeps the weights of the best epoch up to then."""
    scores = iter([0.1, 0.9, 0.2, 0.3])

    def interrupted_later(*_):
        try:
            return next(scores)
        except StopIteration:
            raise KeyboardInterrupt from None

    params = VARIANTS["early stopping"] | {"scoring": interrupted_later}
    params["max_iter"] = 50
    model = SimpleMLPClassifier(**FEW | params)
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(X, LABELS)

    scores = iter([0.1, 0.9])
    best = SimpleMLPClassifier(**FEW | params | {"max_iter": 2}).fit(X, LABELS)
    assert_array_equal(model.coefs_[0], best.coefs_[0])
    assert model.best_validation_score_ == 0.9


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_interrupted_model_goes_on_with_partial_fit(solver):
    """After Ctrl-C training can be taken up again."""
    model = SimpleMLPClassifier(**ENDLESS | {"solver": solver, "verbose": True})
    with (
        contextlib.redirect_stdout(OnThirdLine(interrupt)),
        pytest.warns(UserWarning, match="interrupted"),
    ):
        model.fit(*NOISE)
    before = model.coefs_[0].copy()

    model.set_params(verbose=False).partial_fit(*NOISE)

    assert np.isfinite(model.predict_proba(NOISE[0])).all()
    assert not np.array_equal(model.coefs_[0], before)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_max_time_ends_an_endless_fit(estimator, solver):
    """max_time=0.2 stops a fit of ten million iterations long before they are done."""
    model = estimator(**ENDLESS | {"solver": solver, "max_time": 0.2})
    start = time.perf_counter()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(*NOISE)

    assert time.perf_counter() - start < 20  # a machine may be busy
    assert 1 <= model.n_iter_ < model.max_iter
    assert np.isfinite(model.predict(NOISE[0])).all()


# ------------------------------------------------------------------ no side effects


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fit_changes_neither_data_nor_parameters(estimator, solver, dtype):
    """X, y, weights and the parameters are after a fit what they were before."""
    data = X.astype(dtype), target_for(estimator).copy(), np.linspace(0.5, 2, 60)
    copies = [array.copy() for array in data]
    sizes, state = [5, 3], np.random.RandomState(0)
    params = {"hidden_layer_sizes": sizes, "max_iter": 3, "random_state": state}
    model = estimator(**params, solver=solver)
    before = model.get_params()

    model.fit(data[0], data[1], sample_weight=data[2])

    for array, original in zip(data, copies, strict=True):
        assert_array_equal(array, original)
    assert all(model.get_params()[name] is value for name, value in before.items())
    assert sizes == [5, 3]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_predicting_leaves_no_trace(estimator):
    """Predicting adds and changes no attribute."""
    model = fitted(estimator)
    before = copy.deepcopy(vars(model))

    model.predict(X)

    assert_equal(vars(model), before)


# ----------------------------------------------------------------- reproducibility


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_same_seed_gives_the_same_bits(estimator, variant):
    """Two fits with one seed agree in every bit, and another seed differs."""
    one = fitted(estimator, **VARIANTS[variant])
    two = fitted(estimator, **VARIANTS[variant])
    other = fitted(estimator, **VARIANTS[variant] | {"random_state": 1})

    assert_array_equal(one.theta_, two.theta_)
    assert not np.array_equal(one.theta_, other.theta_)


@pytest.mark.parametrize("variant", VARIANTS)
def test_memory_order_and_container_change_no_bit(variant):
    """Rows in C order, in Fortran order and as lists train the same model."""
    params = FEW | VARIANTS[variant]
    expected = SimpleMLPClassifier(**params).fit(X, LABELS)

    fortran = SimpleMLPClassifier(**params).fit(np.asfortranarray(X), LABELS)
    lists = SimpleMLPClassifier(**params).fit(X.tolist(), LABELS.tolist())

    assert_array_equal(fortran.theta_, expected.theta_)
    assert_array_equal(lists.theta_, expected.theta_)
    assert_array_equal(
        expected.predict_proba(np.asfortranarray(X)), expected.predict_proba(X)
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_sparse_rows_train_the_same_model(estimator, variant):
    """Dense and CSR rows agree to 1e-12 in the weights and in the predictions."""
    zeros = np.where(np.abs(X) > 0.5, X, 0.0)
    params = FEW | VARIANTS[variant]
    y = target_for(estimator)

    dense = estimator(**params).fit(zeros, y)
    csr = estimator(**params).fit(sparse.csr_matrix(zeros), y)

    assert_allclose(csr.theta_, dense.theta_, rtol=0, atol=1e-12)
    assert_allclose(
        csr.predict(sparse.csr_matrix(zeros)), dense.predict(zeros), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_row_alone_is_predicted_as_in_the_batch(estimator):
    """A prediction does not depend on the other rows (to 1e-12)."""
    model = fitted(estimator, hidden_layer_sizes=(50, 20))
    method = model.predict_proba if estimator is SimpleMLPClassifier else model.predict

    alone = np.concatenate([method(row.reshape(1, -1)) for row in X])

    assert_allclose(alone, method(X), rtol=0, atol=1e-12)


def test_threads_may_predict_with_one_model():
    """Four threads that predict with the same model get what one would get."""
    rows = np.random.RandomState(1).normal(size=(2000, 4))
    model = fitted(hidden_layer_sizes=(50, 50))
    parts = [rows[i::16] for i in range(16)] * 4

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(model.predict_proba, parts))

    for part, probability in zip(parts, together, strict=True):
        assert_array_equal(probability, model.predict_proba(part))


def test_threads_may_fit_side_by_side():
    """Four fits in four threads give what the same fits give one after the other."""
    seeds = range(8)
    expected = [fitted(random_state=seed).theta_ for seed in seeds]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda s: fitted(random_state=s).theta_, seeds))

    assert_array_equal(together, expected)


# -------------------------------------------------------------------- plain state


def kinds(value):
    """The types of a value and of everything inside it."""
    found = {type(value)}
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        found = found.union(*map(kinds, value))
    return found


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_fitted_state_is_plain(estimator, variant):
    """A fitted model holds arrays, numbers, text and containers of them, no more."""
    model = fitted(estimator, **VARIANTS[variant])
    if VARIANTS[variant].get("solver") != "lbfgs":
        model.partial_fit(X, target_for(estimator))

    plain = (np.ndarray, np.generic, int, float, str, list, tuple, dict, type(None))
    odd = {
        name: strange
        for name, value in vars(model).items()
        if (strange := {kind for kind in kinds(value) if not issubclass(kind, plain)})
    }
    assert odd == {}


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_pickled_model_is_the_same_model(estimator, variant, tmp_path):
    """Through pickle and joblib a model keeps predictions and training state."""
    model = fitted(estimator, **VARIANTS[variant])
    joblib.dump(model, tmp_path / "model.joblib")

    copies = [pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")]

    for loaded in copies:
        assert_equal(vars(loaded), vars(model))
        assert_array_equal(loaded.predict(X), model.predict(X))
    if VARIANTS[variant].get("solver") == "lbfgs":
        return
    model.partial_fit(X, target_for(estimator))
    for loaded in copies:
        loaded.partial_fit(X, target_for(estimator))
        assert_array_equal(loaded.theta_, model.theta_)


# ------------------------------------------------------- schedules, counterparts of
# what test_sklearn_suite.py lists as deviations


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_invscaling_acts_for_each_stochastic_solver(solver):
    """After n rows the rate is learning_rate_init / (n + 1) ** power_t."""
    model = fitted(solver=solver, learning_rate="invscaling", power_t=0.25)

    assert model.t_ == 5 * 60
    assert_allclose(model.learning_rate_, 0.001 / (5 * 60 + 1) ** 0.25)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_adaptive_rate_acts_for_each_stochastic_solver(solver):
    """Each time the loss stalls the rate is divided by 5, until it is below 1e-6."""
    model = fitted(
        solver=solver,
        learning_rate="adaptive",
        tol=10.0,
        n_iter_no_change=2,
        max_iter=99,
    )

    assert model.n_iter_ < 99
    assert model.learning_rate_ <= 1e-6
    assert_allclose(np.log(0.001 / model.learning_rate_) / np.log(5), 5, atol=1e-9)


def test_one_step_of_descent_equals_the_worked_example():
    """One step from hand-set weights gives the numbers worked out by hand."""
    x = np.array([[0.6, 0.8, 0.7]])
    model = SimpleMLPClassifier(
        2, "logistic", solver="sgd", learning_rate_init=0.1, alpha=0.1, momentum=0.0
    )
    model.partial_fit(x, [0], classes=[0, 1])
    model.coefs_ = [
        np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0]]),
        np.array([[0.1], [0.2]]),
    ]
    model.intercepts_ = [np.array([0.1, 0.1]), np.array([1.0])]

    model.partial_fit(x, [0])

    # hidden units 0.6792 and 0.5746, output 0.7654: the error of the output is 0.7654,
    # of the hidden units 0.01667 and 0.0374; weights also shrink by 0.1 * 0.1 of theirs
    first = [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]]
    assert_allclose(model.coefs_[0], first, atol=5e-4)
    assert_allclose(model.coefs_[1], [[0.04706], [0.154089]], atol=5e-4)
    assert_allclose(model.intercepts_[0], [0.098333, 0.09626], atol=5e-4)
    assert_allclose(model.intercepts_[1], [0.9235], atol=5e-4)
    assert_allclose(model.predict_proba(x)[0, 1], 0.739, atol=5e-4)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_step_follows_the_gradient_of_the_loss(activation, n_classes):
    """A step of plain descent, over its rate, is the derivative of the loss."""
    y = np.arange(60) % n_classes
    start = SimpleMLPClassifier(
        (5,),
        activation,
        solver="sgd",
        momentum=0.0,
        learning_rate_init=1e-3,
        random_state=0,
    ).partial_fit(X, y, classes=range(n_classes))

    def after_a_step_from(theta):
        model = copy.deepcopy(start)
        model.theta_ = theta
        return model.partial_fit(X, y)

    theta = start.theta_.copy()
    direction = np.random.RandomState(0).normal(size=theta.shape)
    gradient = (theta - after_a_step_from(theta).theta_) / 1e-3
    ahead, behind = (after_a_step_from(theta + h * direction) for h in (1e-6, -1e-6))

    slope = (ahead.loss_ - behind.loss_) / 2e-6
    assert_allclose(np.sum(gradient * direction), slope, rtol=1e-5)


def test_class_of_one_row_is_named_and_training_goes_on():
    """A class that cannot be split is named in a warning; all rows are trained on."""
    y = np.array(["rare"] + ["frequent"] * 59)
    model = SimpleMLPClassifier(**FEW | VARIANTS["early stopping"])

    with pytest.warns(UserWarning, match="rare"):
        model.fit(X, y)

    plain = SimpleMLPClassifier(**FEW).fit(X, y)
    assert_array_equal(model.theta_, plain.theta_)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("n_rows", [2, 10, 40])
def test_too_few_rows_for_a_split_are_all_trained_on(estimator, n_rows):
    """Of few rows no validation set is split off: a warning, and a plain fit."""
    y = np.arange(n_rows) % 2
    model = estimator(**FEW, early_stopping=True)

    with pytest.warns(UserWarning, match="validation"):
        model.fit(X[:n_rows], y)

    plain = estimator(**FEW).fit(X[:n_rows], y)
    assert_array_equal(model.theta_, plain.theta_)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_partial_fit_goes_on_after_early_stopping(estimator):
    """partial_fit trains on all rows it is given, whatever early_stopping says."""
    model = fitted(estimator, **VARIANTS["early stopping"])
    before = model.theta_.copy()

    model.partial_fit(X, target_for(estimator))

    assert model.t_ == 5 * 48 + 60
    assert not np.array_equal(model.theta_, before)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_column_names_are_kept_with_early_stopping(estimator):
    """The scores on validation rows cause no warning about names of columns."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "d"])
    params = FEW | VARIANTS["early stopping"]

    model = estimator(**params).fit(frame, target_for(estimator))

    assert_array_equal(model.feature_names_in_, ["a", "b", "c", "d"])
    assert len(model.validation_scores_) == 5


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("estimator", [SimpleMLPClassifier, SimpleMLPRegressor])
def test_any_finite_matrix_gives_finite_predictions_or_a_value_error(estimator, seed):
    """Columns of any scale a float has; no other exception, no warning of NumPy's."""
    rng = np.random.default_rng(seed)
    n_rows, n_columns = rng.integers(1, 80), rng.integers(1, 6)
    rows = rng.normal(size=(n_rows, n_columns))
    rows *= 10.0 ** rng.uniform(-310, 305, size=(1 if seed % 2 else n_rows, n_columns))
    labels = rng.integers(0, rng.integers(2, 5), size=n_rows)
    model = estimator(
        hidden_layer_sizes=[(), (5,), (4, 3)][seed % 3],
        solver=["adam", "sgd", "lbfgs"][seed % 3],
        activation=["relu", "tanh", "logistic", "identity"][seed % 4],
        early_stopping=seed % 7 == 0,
        max_iter=8,
        random_state=0,
    )
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of few rows, of divergence
        try:
            model.fit(rows, labels)
        except ValueError as error:
            assert "non-finite" in str(error)  # noqa: PT017  (either is right)
            return
        predicted = model.predict(rows)
        assert np.isfinite(predicted).all()
        if estimator is SimpleMLPClassifier:
            assert_allclose(model.predict_proba(rows).sum(axis=1), 1.0, rtol=1e-9)
