"""A component may carry its ONNX form: one class, and nothing to register."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_allclose
from served import serve

import sknet
from sknet import SimpleMLPRegressor
from sknet.activations import ACTIVATIONS, Activation
from sknet.testing import temporarily_registered


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(40, 3))


@dataclass(frozen=True, repr=False)
class Cube(Activation):
    """The third power."""

    def forward(self, z, out, scratch):
        """Write it."""
        del scratch
        np.power(z, 3, out=out)

    def backward(self, z, a, da, scratch):
        """Multiply by the slope."""
        del a, scratch
        da *= 3.0 * z**2

    def write_onnx(self, graph, z):
        """Write two products."""
        return graph.op("Mul", z, graph.op("Mul", z, z))


@dataclass(frozen=True, repr=False)
class HalfCube(Cube):
    """Half of it: what it inherits is the form of another function."""

    def forward(self, z, out, scratch):
        """Write it."""
        super().forward(z, out, scratch)
        out *= 0.5


def fitted():
    """A network with the activation of the name."""
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(4,), activation="own", max_iter=2, random_state=0
    )
    return network.fit(X, X[:, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_form_of_the_class_is_written(dtype):
    sknet.onnx.register()
    with temporarily_registered(ACTIVATIONS, "own", Cube):
        network = fitted()
        served = serve(network, X.astype(dtype))["variable"].ravel()
        assert_allclose(served, network.predict(X.astype(dtype)), atol=1e-5)


def test_an_inherited_form_is_not_taken():
    sknet.onnx.register()
    with temporarily_registered(ACTIVATIONS, "own", HalfCube):
        network = fitted()
        with pytest.raises(NotImplementedError, match="write_onnx"):
            serve(network, X)
