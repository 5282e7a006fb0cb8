"""Forward and backward pass of every layer can be recorded, with the same bits."""

from dataclasses import replace

import numpy as np
import pytest
from layer_examples import EVERY
from numpy.testing import assert_array_equal
from taped import adopted, leaves_of, lowered, plain, replay, stream_of

from sknet.engine.record import Recorder
from sknet.engine.traced import Noise
from sknet.network.layers import Dropout, Flatten, Training
from sknet.network.network import Network


N_ROWS = 5
MODES = ["equal", "weighted", "shared noise"]


def network_of(example, at_input):
    layer, shape = example
    return Network([layer, Flatten()], shape, input_gradient=not at_input)


def arrays_of(network, dtype, seed):
    """Parameters, rows, their shares and a gradient by the outputs."""
    rng = np.random.default_rng(seed)
    theta = rng.uniform(0.3, 1.3, size=(1, network.layout.n_parameters))
    weight = rng.uniform(0.1, 1.0, size=(1, N_ROWS, 1))
    n_out = (network.n_heads, N_ROWS * copies_of(network), network.n_outputs)
    arrays = {
        "theta": theta,
        "x": 2.0 * rng.normal(size=(1, N_ROWS, network.n_inputs)),
        "weight": weight / weight.sum(),
        "dy": rng.normal(size=n_out),
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}


def copies_of(network):
    """Number of copies of the rows that leave the network."""
    return network._declaration.n_copies


def passes(network, a, stream, mode):
    """Return the outputs and gradients of both passes."""
    theta, layout = a["theta"], network.layout
    training = Training([stream], a["weight"] if mode == "weighted" else 1.0 / N_ROWS)
    training.shares_noise = mode == "shared noise"
    cache = network.workspace(1, theta.dtype, True, theta).cache(N_ROWS)
    views, shape = layout.bind(theta), (1, layout.n_trainable)
    grad = np.empty(shape, theta.dtype, like=theta)
    y = network.forward(views, a["x"], cache, training)
    out = y.copy()
    dx = network.backward(views, layout.bind(grad), a["dy"], cache)
    return [array for array in (out, grad, dx) if array is not None]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("at_input", [True, False])
@pytest.mark.parametrize("example", EVERY, ids=repr)
def test_layer(example, at_input, dtype):
    network = network_of(example, at_input)
    for mode in MODES:
        recorder = Recorder(np.dtype(dtype))
        traced = adopted(recorder, arrays_of(network, dtype, 0))
        noise = Noise(recorder, stream_of(0))
        found = passes(network, traced, noise, mode)
        for seed in (0, 1):
            arrays = arrays_of(network, dtype, seed)
            if seed:
                replay(recorder, recorder.tape, arrays, {}, stream_of(seed))
            expected = passes(network, arrays, stream_of(seed), mode)
            for array, value in zip(found, expected, strict=True):
                assert_array_equal(plain(array), value)
            assert_array_equal(plain(traced["theta"]), arrays["theta"])
        lowered(recorder, recorder.tape)


def test_rate_of_dropout_may_differ_between_members():
    example = Dropout(0.4), (4,)
    recorder = Recorder(np.dtype(float))
    network = network_of(
        (replace(example[0], rate=leaves_of(recorder)(0.4)), (4,)), True
    )
    traced = adopted(recorder, arrays_of(network, float, 0))
    found, *_ = passes(network, traced, Noise(recorder, stream_of(0)), "equal")
    arrays = arrays_of(network, float, 1)
    replay(recorder, recorder.tape, arrays, {"own0.4": 0.7}, stream_of(1))
    other = network_of((Dropout(0.7), (4,)), True)
    expected, *_ = passes(other, arrays, stream_of(1), "equal")
    assert_array_equal(plain(found), expected)
