"""Forward and backward pass of every layer can be recorded, with the same bits.

What the engine computes is compared in ``test_laws.py``, up to rounding.
"""

import numpy as np
import pytest
from layer_examples import EVERY
from numpy.testing import assert_array_equal
from taped import array_of, replay

from sknet._rng import noise_state
from sknet.network.layers import Dropout, Training
from sknet.network.network import Network
from sknet.testing.layer import layer_trials
from sknet.testing.recorded import Given, Recorded, Trial


def assert_same_bits(trial):
    """Assert that the tape gives the bits of NumPy, also for what is not recorded."""
    recorded = Recorded(trial.compute, trial.given[0])
    recorder = recorded.recorder
    for given in trial.given:
        (stream,) = given.streams() or [None]
        replay(recorder, recorder.tape, given.arrays, given.numbers, stream)
        expected = given.in_numpy(trial.compute)
        for name, view in recorded.results.items():
            what = f"{name}{trial.where} for {given.what}"
            assert_array_equal(array_of(view), expected[name], err_msg=what)


@pytest.mark.parametrize(("layer", "shape"), EVERY, ids=repr)
def test_layer(layer, shape):
    for trial in layer_trials(layer, shape, np.random.RandomState(0)):
        with np.errstate(all="ignore"):  # of rows that are far too large
            assert_same_bits(trial)


def dropped(arrays, numbers, streams):
    """Compute the output of a layer that drops."""
    theta, x = arrays["theta"], arrays["x"]
    network = Network([Dropout(numbers["rate"])], x.shape[-1:])
    cache = network.workspace(1, x.dtype, True, x).cache(x.shape[1])
    training = Training(streams, 1.0 / x.shape[1])
    return {"output": network.forward(network.layout.bind(theta), x, cache, training)}


def test_rate_of_dropout_may_differ_between_members():
    rng = np.random.default_rng(0)
    given = [
        Given(
            f"rate {rate}",
            {"theta": np.empty((1, 0)), "x": rng.normal(size=(1, 5, 4))},
            {"rate": rate},
            noise_state(np.random.Generator(np.random.PCG64(seed))),
        )
        for seed, rate in enumerate([0.4, 0.7])
    ]
    assert_same_bits(Trial("", dropped, given))
