"""Memory of images of bytes: a batch and the network, whatever the number of images."""

import numpy as np
import pytest
from memory import MB, peak_of
from some_images import KINDS

from sknet import Conv


# That networks of one epoch have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {
    "hidden_layer_sizes": (8,),
    "conv_layers": (Conv(2, 3, stride=4),),
    "max_iter": 1,
    "random_state": 0,
}


def images(n_images):
    """Black and white noise of 28 x 28 bytes."""
    noise = np.random.default_rng(0).integers(0, 256, (1000, 28, 28), dtype=np.uint8)
    return np.resize(noise, (n_images, 28, 28))


@pytest.mark.parametrize("engine", ["auto", "numpy"])
@pytest.mark.parametrize("kind", KINDS)
def test_60000_images_of_bytes_take_less_than_60_mb(kind, engine):
    """In a fit, with validation rows, and in predictions; in float64: 376 MB."""
    X, y = images(60_000), np.arange(60_000) % 10
    model = kind(**SMALL, engine=engine)
    assert peak_of(lambda: model.fit(X, y)) < 60 * MB
    assert peak_of(lambda: model.predict(X)) < 60 * MB
    model.set_params(early_stopping=True)
    assert peak_of(lambda: model.fit(X, y)) < 60 * MB


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_default_network_on_60000_images_takes_less_than_60_mb(kind):
    """More than a minute for each."""
    X, y = images(60_000), np.arange(60_000) % 10
    model = kind(max_iter=1, random_state=0)
    assert peak_of(lambda: model.fit(X, y)) < 60 * MB
    assert peak_of(lambda: model.predict(X)) < 60 * MB


def test_ten_times_the_images_take_ten_numbers_more_for_each():
    """The order of the rows, targets and their codes, but no pixels."""
    found = []
    for n_images in (2000, 20_000):
        X, y = images(n_images), np.arange(n_images) % 10
        found.append(peak_of(lambda X=X, y=y: KINDS[1](**SMALL).fit(X, y)))
    assert found[1] - found[0] < 18_000 * 10 * 8


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_in_a_file_are_not_read_as_a_whole(dtype, tmp_path):
    """Neither rows nor images."""
    np.save(tmp_path / "X.npy", images(20_000).astype(dtype))
    y = np.arange(20_000) % 10
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    for form in (X, X.reshape(20_000, -1)):
        model = KINDS[0](**SMALL, dtype="float32")
        assert peak_of(lambda model=model, form=form: model.fit(form, y)) < 10 * MB
        assert peak_of(lambda model=model, form=form: model.predict(form)) < 20 * MB
