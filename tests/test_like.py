"""What a step computes in is allocated by the class of the parameters."""

import numpy as np
import pytest

from sknet.losses import LogLoss, MeanQuantiles
from sknet.network.architecture import Architecture
from sknet.network.blocks import BLOCKS
from sknet.network.network import perceptron
from sknet.objective import Objective
from sknet.optimizers import Adam
from sknet.penalties import L2
from sknet.training.update import Update


class Marked(np.ndarray):
    """An array of a class of its own, which allocates arrays of that class."""

    def __array_function__(self, function, types, args, kwargs):
        if function in (np.empty, np.zeros):
            return function(*args, **kwargs).view(Marked)
        return super().__array_function__(function, types, args, kwargs)


def arrays_of(cache):
    """The arrays of a tree of buffers, without the constant ones."""
    for name, value in vars(cache).items():
        if isinstance(value, np.ndarray) and name != "ones":
            yield value
    for child in cache.children:
        yield from arrays_of(child)


@pytest.mark.parametrize("block", BLOCKS)
def test_arrays_of_a_step_are_like_the_parameters(block):
    architecture = Architecture((8, 8), block=BLOCKS.make(block), dropout=(0.1,))
    network = perceptron(4, architecture, 6)
    theta = network.initial([np.random.RandomState(0)], np.dtype(float)).view(Marked)
    point = Objective(network, LogLoss(), L2(), 0.1).point(theta)
    d_raw, buffers = point.loss_buffers(5)
    nested = buffers.nested("inner", MeanQuantiles().n_raw(2))
    found = [point.grad, d_raw, *arrays_of(point.cache(5)), point.decayed[0][2]]
    found += [buffers.rows, buffers.sums, buffers.full, buffers.named("p", 2)]
    found += [nested.full, nested.named("scratch", 1)]
    assert len(found) > 15
    assert {type(array) for array in found} == {Marked}


def test_update_can_be_made_in_one_block():
    theta, grad = np.zeros((1, 1000)).view(Marked), np.ones((1, 1000)).view(Marked)
    slots = [np.zeros_like(grad), np.zeros_like(grad)]
    several = Update(Adam(), theta, grad, slots, block_bytes=1)
    one = Update(Adam(), theta, grad, slots, block_bytes=2**40)
    assert [len(update._blocks) for update in (several, one)] == [16, 1]
    assert type(one._blocks[0][3]) is Marked
