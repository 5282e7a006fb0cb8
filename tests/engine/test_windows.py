"""Windows of images in compiled code: NumPy's results, and bits that never change."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from window_loops import KERNELS, PADDINGS, STRIDES, Placed, images

from sknet.engine.instructions import WINDOWS
from sknet.engine.machine import JOB, MEMBER, PROGRAM, machine
from sknet.engine.tape import NotRecordable, address_of
from sknet.initializers import INITIALIZERS
from sknet.network.layers import (
    Augment,
    AveragePool,
    Conv2D,
    GlobalAveragePool,
    MaxPool,
    StochasticPool,
    Training,
)
from sknet.testing.recorded import Given, Recorded


pytestmark = pytest.mark.skipif(machine() is None, reason="no compiled engine")

TOLERANCES = {np.float32: 1e-5, np.float64: 1e-12}
of_each_type = pytest.mark.parametrize("dtype", TOLERANCES)
POOLS = [
    pool(size, stride)
    for pool in (MaxPool, AveragePool, StochasticPool)
    for size, stride in product([1, 2, 3, (2, 3)], [None, 1, (2, 1)])
]
# More windows than a band, more filters than a panel, and parts of tiles of either.
LARGE = [
    (Conv2D(50, (2, 3), padding="same"), (19, 20, 3)),
    (Conv2D(49, 3, 2, dilation=2), (41, 40, 2)),
    (Conv2D(70, 3, padding=(2, 0), groups=2), (18, 17, 6)),
    (Conv2D(7, 5, padding="full"), (9, 300, 1)),
    (Conv2D(3, 1), (25, 24, 60)),
    (Conv2D(3, (3, 1), (1, 2), groups=3), (25, 24, 60)),
    (MaxPool(3, 2), (21, 20, 35)),
    (AveragePool(3, 2), (21, 20, 35)),
    (StochasticPool(3, 2), (21, 20, 35)),
    (GlobalAveragePool(), (21, 20, 35)),
    (Augment(5, True), (21, 20, 35)),
    (Augment(3, True, 180.0, 7), (21, 20, 3)),
]
NOISE = {"bit_generator": "PCG64", **np.random.PCG64(3).state}
GUARD = 64  # bytes behind the scratch memory of a thread


def both_passes(layer, in_training):
    """A function of arrays that may be traced, with all results of a layer."""

    def compute(arrays, numbers, streams):
        """Both passes; ``dy`` may be overwritten."""
        del numbers
        case = Placed(layer, arrays["x"], arrays["theta"])
        y = case.forward(Training(streams, 0.2) if in_training else None).copy()
        dx = case.backward(arrays["dy"])
        return {"y": y, "grad": case.grad, "dx": dx}

    return compute


def given_to(layer, shape, dtype, n_images=3, seed=0):
    """Random parameters, images and gradients."""
    case = Placed(layer, images(1, n_images, *shape, dtype=dtype, seed=seed + 1))
    arrays = {"theta": case.theta, "x": case.x, "dy": case.dy}
    if not case.theta.size:
        arrays["theta"] = np.zeros((1, 0), dtype)
    return Given("", arrays, {}, NOISE)


def recorded(layer, shape, dtype, n_images=3, in_training=False):
    """A layer's passes: the function, the engine's code for it, and other data."""
    compute = both_passes(layer, in_training)
    first = given_to(layer, shape, dtype, n_images, seed=5)
    code = Recorded(compute, first)
    return compute, code, given_to(layer, shape, dtype, n_images)


class Team:
    """The engine with several threads, or with another instruction set."""

    def __init__(self, n_threads, kernels=None):
        self.n_threads, self.engine = n_threads, machine()
        self.kernels = self.engine.kernels if kernels is None else kernels
        self.step = self.n_bytes = 0

    def scratch_bytes(self, code, is_double):
        """Bytes for all threads, with a guard behind the memory of each."""
        address = address_of(code), len(code)
        self.n_bytes = self.engine._scratch(self.kernels, is_double, *address)
        self.step = -(-(self.n_bytes + GUARD) // 64) * 64
        return self.step * self.n_threads

    def run(self, code, regions, numbers, stream, scratch):
        """Run instructions as the only step of a job; nobody may touch the guards."""
        is_double, memory = scratch.dtype == np.float64, scratch.view(np.uint8)
        memory.fill(0xFF)  # not a number
        program, member, job = (np.zeros(1, f) for f in (PROGRAM, MEMBER, JOB))
        program["gradient"], program["n_gradient"] = address_of(code), len(code)
        program["constants"], program["numbers"] = regions[1], address_of(numbers)
        for name in ("data_region", "penalty_region", "t", "rate", "total", "share"):
            program[name] = -1
        rates = np.zeros(1)
        member["regions"][0, : len(regions)] = regions
        member["noise"], member["n_epochs"] = stream, 1
        member["numbers"] = address_of(numbers)
        for name in ("losses", "rates", "shares"):
            member[name] = address_of(rates)
        job["programs"], job["members"] = address_of(program), address_of(member)
        job["n_members"] = job["n_batches"] = job["look_every"] = 1
        job["is_double"], job["kernels"] = is_double, self.kernels
        job["work"], job["scratch"] = regions[0], address_of(scratch)
        job["n_threads"], job["scratch_step"] = self.n_threads, self.step
        job["nanoseconds"] = 10**12
        assert self.engine.train(job)
        of_threads = memory[: self.step * self.n_threads].reshape(-1, self.step)
        assert (of_threads[:, self.n_bytes :] == 0xFF).all()


def same_as_numpy(layer, shape, dtype, n_images=3):
    """Compare all results, in prediction and in training."""
    for in_training in (False, True):
        compute, code, given = recorded(layer, shape, dtype, n_images, in_training)
        expected = given.in_numpy(compute)
        for name, found in code.run(machine(), given).items():
            value, size = expected[name], np.abs(expected[name]).max()
            assert found.dtype == dtype
            error = np.abs(found - value).max()
            assert error <= TOLERANCES[dtype] * size, (name, in_training)


def same_bits(found, expected):
    """Compare results by name."""
    for name, value in expected.items():
        assert_array_equal(found[name], value, err_msg=name)


# ---- NumPy's results


@of_each_type
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("padding", "stride"), list(product(PADDINGS, STRIDES)))
def test_convolutions(padding, stride, groups, dtype):
    for dilation, kernel, shape in product([1, 2], KERNELS, [(5, 6, 2), (8, 7, 4)]):
        layer = Conv2D(4, kernel, stride, padding, dilation, groups)
        same_as_numpy(layer, shape, dtype)


@of_each_type
@pytest.mark.parametrize("layer", [*POOLS, GlobalAveragePool()], ids=repr)
def test_pools(layer, dtype):
    for shape in (3, 4, 1), (8, 7, 5):
        same_as_numpy(layer, shape, dtype)


@of_each_type
@pytest.mark.parametrize(("layer", "shape"), LARGE, ids=str)
def test_large_images(layer, shape, dtype):
    same_as_numpy(layer, shape, dtype)


@of_each_type
@pytest.mark.parametrize(
    "layer",
    [
        Conv2D(2, 1, stride=7, padding=2),
        Conv2D(2, 2, use_bias=False),
        Conv2D(2, 2, initializer=INITIALIZERS.make("ntk")),
        Conv2D(2, 3, stride=(5, 1), padding=(4, 0)),
    ],
    ids=repr,
)
def test_options(layer, dtype):
    same_as_numpy(layer, (3, 4, 2), dtype)


@of_each_type
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("in_training", [False, True])
@pytest.mark.parametrize("pool", [MaxPool, AveragePool, StochasticPool])
def test_outputs_that_are_not_finite(pool, in_training, value, dtype):
    compute, code, given = recorded(pool(2), (4, 6, 2), dtype, 3, in_training)
    given.arrays["x"][0, 1, 2, 3, 0] = value
    with np.errstate(all="ignore"):
        expected = given.in_numpy(compute)["y"]
    found = code.run(machine(), given)["y"]
    assert np.count_nonzero(~np.isfinite(expected)) == 1
    assert_array_equal(np.isfinite(found), np.isfinite(expected))


@of_each_type
@pytest.mark.parametrize("layer", [Augment(3, True), Augment(0, cutout=4)], ids=repr)
def test_copied_pixels_are_the_same(layer, dtype):
    """The draws are, and nothing is rounded."""
    compute, code, given = recorded(layer, (9, 8, 3), dtype, 20, in_training=True)
    same_bits(given.in_numpy(compute), code.run(machine(), given))


# ---- bits


CASES = [
    *LARGE,
    *((Conv2D(4, 3, 2, padding), (5, 6, 2)) for padding in PADDINGS),
    (MaxPool(2), (5, 6, 2)),
    (StochasticPool(2), (5, 6, 2)),
    (Augment(1), (5, 6, 2)),
    (Augment(0, False, 20.0), (5, 6, 2)),
    (Augment(3, True, 0.0, 3), (1, 6, 2)),
]
of_each_case = pytest.mark.parametrize(("layer", "shape"), CASES, ids=str)


@of_each_type
@of_each_case
def test_threads_and_instruction_sets_change_no_bit(layer, shape, dtype):
    """Nor does any thread write behind its scratch memory."""
    compute, code, given = recorded(layer, shape, dtype, 5, in_training=True)
    del compute
    expected = code.run(machine(), given)
    for n_threads in (1, 2, 3):
        same_bits(code.run(Team(n_threads), given), expected)
    for kernels in range(1, machine().n_kernels):
        same_bits(code.run(Team(1, kernels), given), expected)
    plain = code.run(Team(2, 0), given)  # it rounds each product before it adds it
    for name, value in expected.items():
        size = np.abs(value).max(initial=0.0)
        assert_allclose(plain[name], value, rtol=0, atol=TOLERANCES[dtype] * size)


@of_each_type
@of_each_case
def test_an_image_does_not_depend_on_the_others(layer, shape, dtype):
    _, code, given = recorded(layer, shape, dtype, 5)
    together = code.run(machine(), given)
    _, alone, _ = recorded(layer, shape, dtype, 1)
    for i in range(5):
        one = {name: given.arrays[name][:, i : i + 1] for name in ("x", "dy")}
        arrays = {**given.arrays, **one}  # in the order of the recorded ones
        found = alone.run(machine(), given._replace(arrays=arrays))
        for name in ("y", "dx"):
            assert_array_equal(found[name][:, 0], together[name][:, i], err_msg=name)


@of_each_type
def test_runs_repeat_their_bits(dtype):
    """Nothing is left in the scratch memory, whose first content is arbitrary."""
    _, code, given = recorded(Conv2D(5, 3, padding="full"), (6, 7, 2), dtype)
    same_bits(code.run(Team(1), given), code.run(machine(), given))


# ---- instructions


@pytest.mark.parametrize(("layer", "n"), [(Conv2D(2), 3), (MaxPool(), 2)], ids=repr)
def test_each_operation_is_one_instruction(layer, n):
    """Of its own kind: the output, the gradient of filters and that of images."""
    _, code, _ = recorded(layer, (5, 6, 2), np.float32)
    words, kinds = code._code, []
    while len(words):
        kinds.append(words[0])
        words = words[words[1] :]
    assert kinds.count(WINDOWS) == n


def test_images_that_are_not_contiguous_are_left_to_numpy():
    def compute(arrays, numbers, streams):
        """The output for images whose channels are part of wider ones."""
        del numbers, streams
        x = arrays["x"][..., :2]
        return {"y": Placed(MaxPool(), x, np.zeros((1, 0), like=x)).forward()}

    with pytest.raises(NotRecordable, match="contiguous images"):
        Recorded(compute, Given("", {"x": images(1, 3, 4, 4, 3)}, {}))
