"""What a fit promises when numbers diverge, and users or the clock break in.

Divergence, failed refits, interrupts, time limits, no side effects, reproducibility.
"""

import contextlib
import copy
import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal, assert_equal
from scipy import sparse
from short_fits import (
    ESTIMATORS,
    FEW,
    LABELS,
    RNG,
    SOLVERS,
    TARGET,
    VARIANTS,
    X,
    fitted,
    target_for,
)
from sklearn.exceptions import ConvergenceWarning

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


# Most fits here are short; of ConvergenceWarnings only those on divergence matter.
pytestmark = pytest.mark.filterwarnings(
    "error",
    "ignore:Stochastic Optimizer. Maximum:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
    "ignore:Column .* so large that a network learns nothing:UserWarning",
)
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


def diverging(**params):
    """A linear regression whose steps are 5 % too long: it improves, then explodes."""
    steep = 1.05 * 2 / np.linalg.eigvalsh(X.T @ X / len(X)).max()
    settings = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": steep}
    settings |= {"alpha": 0.0, "max_iter": 100_000, "n_iter_no_change": np.inf}
    settings |= {"hidden_layer_sizes": (), "random_state": 0}
    return SimpleMLPRegressor(**(settings | params))


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
