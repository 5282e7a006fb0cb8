"""A training that dies of an exception, as one does whose process is killed."""

import sys

import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits

from sknet import Checkpoint, SimpleMLPClassifier
from sknet._archive import write_archive
from sknet.training import checkpoint as checkpoints


X, DIGIT = load_digits(return_X_y=True)
X, DIGIT = X[:220] / 16.0, DIGIT[:220]
FEW = {"hidden_layer_sizes": (6,), "max_iter": 12, "random_state": 3, "tol": 0.0}


class Killed(Exception):
    """What the training dies of."""


@pytest.fixture
def dies(monkeypatch):
    """Give a function after which the n-th writing of a checkpoint does not happen."""

    def die_at(n):
        written = iter(range(1, n))

        def write(path, tree):
            if next(written, None) is None:
                raise Killed
            write_archive(path, tree)

        monkeypatch.setattr(checkpoints, "write_archive", write)

    return die_at


@pytest.fixture
def lives(monkeypatch):
    """Give a function after which checkpoints are written again."""
    return lambda: monkeypatch.setattr(checkpoints, "write_archive", write_archive)


def assert_same_fit(first, second):
    """Assert the same bits in all that is fitted."""
    assert_array_equal(first.theta_, second.theta_)
    for name in ("loss_curve_", "validation_scores_", "n_iter_", "t_", "n_epochs_"):
        assert getattr(first, name) == getattr(second, name), name
    assert_array_equal(first.predict(X), second.predict(X))


@pytest.fixture
def half_trained(tmp_path, dies, lives):
    """An estimator whose training has died, and its file."""
    path = tmp_path / "run.npz"
    model = SimpleMLPClassifier(**FEW, checkpoint=Checkpoint(path, epochs=1))
    dies(5)
    with pytest.raises(Killed):
        model.fit(X, DIGIT)
    lives()
    return model, path


locks = pytest.mark.skipif(sys.platform == "win32", reason="nobody is kept out there")
