"""Each layer alone as ONNX: the same as its ``forward``, for any number of members.

Estimators hold only some layers, and those in a few orders; here each one has a graph
of its own.
"""

import numpy as np
import pytest
from layer_examples import EVERY, names_of
from layer_graphs import assert_same


# These stand only in a shared backbone, which is converted as a single network: its
# submodels have the axis of the members.
OF_ONE_NETWORK = {"EnsembleView", "LinearEnsemble"}
# These read the network's input, which is the same for all members.
AT_INPUT = {"Embedding", "Periodic"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("layer", "shape"), EVERY, ids=repr)
def test_each_layer_is_written(layer, shape, dtype):
    """One network; members with the same rows, as at the input; members with theirs."""
    assert_same(layer, shape, dtype, 1, False)
    if not names_of(layer) & OF_ONE_NETWORK:
        assert_same(layer, shape, dtype, 3, False)
    if not names_of(layer) & (OF_ONE_NETWORK | AT_INPUT):
        assert_same(layer, shape, dtype, 3, True)
