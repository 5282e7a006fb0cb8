"""Ctrl-C at any moment: the fit ends with a usable model, or nothing has happened.

The signal is a real one, sent to this process by a timer while it fits.
"""

import _thread
import contextlib
import os
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits

from sknet import (
    LockstepGridSearchCV,
    LockstepHalvingSearchCV,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)
from sknet.solvers import executor, minibatch
from sknet.training.interrupts import Interrupts


X, DIGIT = load_digits(return_X_y=True)
X, DIGIT = X[:300] / 16.0, DIGIT[:300]
ENDLESS = {"max_iter": 10**6, "n_iter_no_change": np.inf}
SMALL = ENDLESS | {"hidden_layer_sizes": (10,), "random_state": 0}
SPLIT = {"early_stopping": True, "validation_fraction": 0.2}
TRIO = {"n_estimators": 3}
LBFGS = {"hidden_layer_sizes": (40, 40), "solver": "lbfgs", "tol": 0.0}
LBFGS |= {"max_iter": 10**5, "max_fun": 10**6}
MODELS = {
    "sgd": SimpleMLPClassifier(**SMALL, solver="sgd"),
    "adam": SimpleMLPRegressor(**SMALL),
    "early stopping": SimpleMLPClassifier(**SMALL | SPLIT),
    "dropout, average": SimpleMLPClassifier(**SMALL, dropout=0.2, averaging="ema"),
    "trio": SimpleMLPClassifier(**SMALL, **TRIO),
    "trio, apart": SimpleMLPClassifier(
        **SMALL | SPLIT | TRIO, joint_early_stopping=False
    ),
    "trio in threads": SimpleMLPClassifier(
        **SMALL | TRIO | {"hidden_layer_sizes": (120, 120)}, n_jobs=2
    ),
    "shared backbone": SimpleMLPRegressor(**SMALL, **TRIO, shared_backbone=True),
    "table": TabularMLPClassifier(**SMALL),
    "values of a table": TabularMLPRegressor(**SMALL),
    "lbfgs": SimpleMLPRegressor(**LBFGS),
    "trio by lbfgs": SimpleMLPClassifier(**LBFGS, **TRIO),
}


@contextlib.contextmanager
def ctrl_c_after(seconds):
    """Send this process Ctrl-C after a while, unless the block has ended before."""
    lock, through = threading.Lock(), False

    def send():
        with lock:
            if not through:
                os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(seconds, send)
    # a job in the background begins with a Ctrl-C that nobody listens to
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        timer.start()
        yield
        with lock:
            through = True
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGINT, before)


def interrupted_fit(model, seconds):
    """Fit until Ctrl-C; say whether there is a new model, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with ctrl_c_after(seconds):
                model.fit(X, DIGIT)
        except KeyboardInterrupt:
            return False, caught
    return True, caught


# After these seconds something is trained: the first will do, but on a busy machine.
LATER = [0.4, 1.5, 6.0, 24.0]


@pytest.mark.parametrize("name", MODELS)
def test_interrupt_at_random_moments(name, rng):
    """A new model with a warning; or the old one bit for bit, and the exception."""
    model = clone(MODELS[name])
    model.set_params(max_iter=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few iterations
        model.fit(X, DIGIT)
    model.set_params(**clone(MODELS[name]).get_params(deep=False))
    n_new = 0
    for seconds in [0.0, *rng.uniform(0.0, 0.15, size=5), *LATER]:
        before = dict(vars(model))
        is_new, caught = interrupted_fit(model, seconds)
        if is_new:
            n_new += 1
            # L-BFGS may come to the end of its digits before
            said = any("interrupted by user" in str(w.message) for w in caught)
            assert said or MODELS[name].solver == "lbfgs"
            assert np.isfinite(model.theta_).all()
            assert np.isfinite(model.predict(X)).all()
        else:
            assert vars(model).keys() == before.keys()
            assert all(vars(model)[key] is value for key, value in before.items())
        if n_new and seconds >= LATER[0]:
            break
    assert n_new > 0


@pytest.mark.parametrize("search", [LockstepGridSearchCV, LockstepHalvingSearchCV])
def test_interrupted_search_has_a_best_model_or_did_nothing(search, rng):
    """What was finished counts; without anything finished the exception comes out."""
    grid = {"alpha": [1e-5, 1e-3, 1e-1], "max_iter": [20, 10**6]}
    options = {"cv": 2, "verbose": 0}
    if search is LockstepHalvingSearchCV:
        grid.pop("max_iter")
        options |= {"resource": "max_iter", "min_resources": 5, "max_resources": 10**6}
    network = SimpleMLPClassifier(**SMALL)
    for seconds in [0.0, *rng.uniform(0.0, 0.4, size=2), *LATER]:
        model = search(network, grid, **options)
        is_new, _ = interrupted_fit(model, seconds)
        if is_new:
            assert np.isfinite(model.best_score_)
            assert model.predict(X).shape == DIGIT.shape
        else:
            assert not hasattr(model, "best_estimator_")
        if is_new and seconds >= LATER[0]:
            break
    assert is_new  # candidates of few epochs were finished long before


def test_interrupt_while_the_model_is_made_waits_for_it(monkeypatch):
    """Nothing of a training is lost because Ctrl-C came just after its last epoch."""
    real = minibatch.finalize
    plain = SimpleMLPRegressor(hidden_layer_sizes=(5,), random_state=0, max_iter=3)

    def finalize(*args):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)  # the signal arrives
        return real(*args)

    monkeypatch.setattr(minibatch, "finalize", finalize)
    model = clone(plain)
    with ctrl_c_after(60.0), pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, DIGIT)
    monkeypatch.undo()
    with pytest.warns(UserWarning, match="Maximum iterations"):
        plain.fit(X, DIGIT)
    assert_array_equal(model.theta_, plain.theta_)


def test_interrupt_between_two_networks_keeps_the_first(monkeypatch):
    """Ctrl-C when one block of an ensemble is through and the next has not begun."""
    real, trained = executor.train_block, []

    def train_block(*args):
        real(*args)
        trained.append(args)
        if len(trained) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(executor, "train_block", train_block)
    monkeypatch.setattr(executor, "BLOCK_BYTES", 1)  # each network is a block
    model = SimpleMLPClassifier((5,), random_state=0, max_iter=3, n_estimators=4)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, DIGIT)
    monkeypatch.undo()
    with pytest.warns(UserWarning, match="Maximum iterations"):
        whole = clone(model).fit(X, DIGIT)
    assert_array_equal(model.theta_, whole.theta_[:2])


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_interrupt_that_goes_no_further_ends_the_fit_all_the_same(solver):
    """Python drops what a finalizer raises, and a function of the user may, too."""
    values = iter(range(20))

    def squares(raw, y):
        if next(values, None) == 5:
            with contextlib.suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)
        return ((raw - y) ** 2).sum(axis=1)

    loss = (squares, lambda raw, y: 2.0 * (raw - y))
    params = SMALL | {"solver": solver, "max_iter": 500, "batch_size": len(X)}
    if solver == "lbfgs":
        params.pop("batch_size")
    model = SimpleMLPRegressor(loss, **params)
    with ctrl_c_after(60.0), pytest.warns(UserWarning, match="interrupted by user"):
        model.fit(X, DIGIT)
    assert 1 <= model.n_iter_ < 20
    assert np.isfinite(model.theta_).all()


def interrupted(interrupts):
    """Send Ctrl-C where it is let in."""
    with interrupts.allowed():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)


def test_interrupt_before_the_first_epoch_comes_with_it():
    """It must not be forgotten: the training may be endless."""
    with ctrl_c_after(60.0), Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        with pytest.raises(KeyboardInterrupt), interrupts.allowed():
            pass


def test_second_interrupt_does_not_tear_the_end_of_the_first():
    """It is noted; the signal is Python's own again afterwards."""
    with ctrl_c_after(60.0):
        with Interrupts() as interrupts:
            with pytest.raises(KeyboardInterrupt):
                interrupted(interrupts)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            assert interrupts.came
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_handler_of_somebody_else_stays():
    """A program that listens to Ctrl-C itself goes on to do so."""
    heard = []

    def own(*_):
        heard.append(True)

    before = signal.signal(signal.SIGINT, own)
    try:
        with Interrupts():
            assert signal.getsignal(signal.SIGINT) is own
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [True]


def test_signal_that_does_not_wake_the_main_thread_is_seen():
    """As one that arrives just before the wait begins: it is only noted."""
    end = threading.Event()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with ThreadPoolExecutor(1) as pool:
            job = pool.submit(end.wait, 60.0)
            timer = threading.Timer(0.2, _thread.interrupt_main)
            timer.start()
            try:
                with pytest.raises(KeyboardInterrupt):
                    executor._wait_for([job])
                assert not job.done()
            finally:
                end.set()
                timer.join()
    finally:
        signal.signal(signal.SIGINT, before)


def test_error_of_a_job_is_raised_while_others_run():
    end = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(end.wait, 60.0), pool.submit(float, "no number")]
        try:
            with pytest.raises(ValueError, match="no number"):
                executor._wait_for(jobs)
            assert not jobs[0].done()
        finally:
            end.set()
