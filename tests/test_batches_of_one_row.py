"""Batch normalisation and one row: no batch of its own, not even at the end."""

import pytest
from counted_steps import X, Y, classifier

from sknet.network.blocks import Plain


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("n_rows", [1, 60])
def test_batch_norm_refuses_batches_of_one_row(n_rows):
    """One row has no variance; the message says what to do."""
    model = classifier(block=Plain("batch"), batch_size=1, shuffle=False)
    with pytest.raises(ValueError, match=r"at least two samples.*Raise batch_size"):
        model.partial_fit(X[:n_rows], Y[:n_rows], classes=[0, 1])
    assert not hasattr(model, "theta_")


@pytest.mark.parametrize(
    ("n_rows", "n_batches"), [(64, 2), (65, 2), (66, 3), (33, 1), (32, 1)]
)
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.filterwarnings("ignore:batch_size=32 is raised")
def test_last_row_alone_joins_the_batch_before(n_rows, n_batches, shuffle):
    """A batch normalisation counts its batches, in its last statistic."""
    model = classifier(
        block=Plain("batch"), hidden_layer_sizes=(3,), max_iter=1, shuffle=shuffle
    )
    assert model.fit(X[:n_rows], Y[:n_rows]).theta_[0, -1] == n_batches
