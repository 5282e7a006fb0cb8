"""Random programs: NumPy computes them while they are recorded, then the machine does.

A program works on views of a few blocks of memory, which overlap, as the arrays of
layers do that share scratch memory. All memory is compared at the end. What two correct
computations may round differently has a *slack*, which is kept beside each block: the
largest difference that is allowed. An operation never reads elements with slack, so
that slack does not spread; their block gets new values before.

Run ``python tests/engine/fuzz.py --seed 1 --instructions 100000``; a failure names the
seed of its program.
"""

import argparse
from contextlib import contextmanager

import numpy as np
from fuzz_operations import elementwise, matmul, named, noise, reduction
from numpy.lib.stride_tricks import as_strided

from sknet.engine import lower as lowering
from sknet.engine.lower import lower, lower_numbers
from sknet.engine.machine import JOB, MEMBER, PROGRAM, REGIONS, bit_generator, machine
from sknet.engine.memory import Memory
from sknet.engine.operations import NUMBERS
from sknet.engine.program import initial_numbers
from sknet.engine.record import Recorder
from sknet.engine.tape import NotRecordable, address_of
from sknet.engine.traced import Noise


TILE_BYTES = (1, 64, 300, 4096)
SPECIAL = (0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 1e-44, 1e-40, 3e38, -1e20)
KINDS = (elementwise, elementwise, elementwise, elementwise, reduction, matmul, named)


class Draw:
    """Draws the operations of one program, and records them.

    Parameters
    ----------
    seed : sequence of int
        What is drawn depends on it alone.
    """

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.dtype = np.dtype(self.rng.choice([np.float32, np.float64]))
        self.recorder = Recorder(self.dtype)
        self.has_special = self.rng.random() < 0.4
        self.numbers = [
            self.recorder.leaf(f"leaf{i}", v) for i, v in enumerate((0.5, 3.0))
        ]
        self.noise_seed = int(self.rng.integers(2**32))
        stream = np.random.Generator(np.random.PCG64(self.noise_seed))
        self.noise = Noise(self.recorder, stream)
        regions = ("work", "work", "theta", "slot0")
        self.initial = [self.values(int(self.rng.integers(200, 6000))) for _ in regions]
        self.blocks = [
            self.recorder.adopt(values.copy(), region)
            for values, region in zip(self.initial, regions, strict=True)
        ]
        self._slack = {}
        self._recent = []
        self.shape = self.new_shape()

    def values(self, shape):
        """Random numbers, with special ones among them in some programs."""
        values = self.rng.normal(size=shape) * 10.0 ** self.rng.integers(-2, 2)
        if self.has_special:
            special = self.rng.choice(SPECIAL, size=shape)
            values = np.where(self.rng.random(shape) < 0.1, special, values)
        return values.astype(self.dtype)

    def new_shape(self):
        """A random shape of 1 to 4 axes."""
        while True:
            n_axes = self.rng.integers(1, 5)
            shape = [
                int(self.rng.choice([1, 2, self.rng.integers(1, 71)]))
                for _ in range(n_axes)
            ]
            if np.prod(shape) <= 3000:
                return tuple(shape)

    def array(self, shape, is_input=False):
        """A traced view of this shape; an input may repeat its elements along axes."""
        if is_input:
            shape = self._shorter(shape)
        known = [a for a in self._recent if a.shape == shape]
        if known and self.rng.random() < 0.6:
            return known[self.rng.integers(len(known))]
        part = self._new_view(shape)
        self._recent = [*self._recent[-7:], part]
        return part

    def _shorter(self, shape):
        """The shape of an array that has this shape when it is broadcast."""
        if self.rng.random() < 0.6:
            return shape
        kept = tuple(1 if self.rng.random() < 0.4 else n for n in shape)
        first = self.rng.integers(len(shape)) if self.rng.random() < 0.3 else 0
        return kept[first:]

    def _new_view(self, shape):
        """A view of a block, with its axes in some order, and with steps."""
        rng, order = self.rng, self.rng.permutation(len(shape))
        if rng.random() < 0.6:
            order = np.arange(len(shape))
        sizes = [shape[i] for i in order]
        steps = [int(rng.choice([1, 1, 1, 2, 3])) for _ in sizes]
        whole = [
            n * s + int(rng.choice([0, 0, 1]))
            for n, s in zip(sizes, steps, strict=True)
        ]
        block = self.blocks[rng.integers(len(self.blocks))]
        if np.prod(whole) > block.size:
            whole, steps = sizes, [1] * len(sizes)
        n = int(np.prod(whole))
        if n > block.size:
            return self.recorder.copy(self.constant(shape))
        start = int(rng.choice([0, 1, rng.integers(block.size)]))
        start = min(start, block.size - n)
        part = block[start : start + n].reshape(whole)
        part = part[
            tuple(slice(0, n * s, s) for n, s in zip(sizes, steps, strict=True))
        ]
        return part.transpose(np.argsort(order))

    def constant(self, shape):
        """A read-only array, sometimes of one number."""
        values = self.values(shape)
        if self.rng.random() < 0.2:
            values[...] = 0.25
        values.flags.writeable = False
        return values

    def operand(self, shape):
        """An input: mostly an array, otherwise a constant or a number."""
        kind = self.rng.random()
        if kind < 0.08:
            return self.constant(self._shorter(shape))
        if kind < 0.16:
            return float(self.rng.normal())
        if kind < 0.24:
            return self.number()
        return self.clean(self.array(shape, is_input=True))

    def number(self):
        """A recorded number, sometimes a new one that is calculated."""
        number = self.numbers[self.rng.integers(len(self.numbers))]
        if self.rng.random() < 0.2 and abs(number.value) < 1e3:
            number = 0.5 * number + float(self.rng.normal())
            self.numbers.append(number)
        return number

    # -------------------------------------------------------------------------- slack

    def slack(self, array):
        """The slack of the elements of a traced array, as a view."""
        view = self.recorder.view(array)
        flat = self._slack_of(view.block)[view.start :]
        return as_strided(flat, view.shape, [8 * s for s in view.strides])

    def _slack_of(self, block):
        """The slack of a block."""
        return self._slack.setdefault(id(block), np.zeros(block.array.size))

    def clean(self, array):
        """The array itself, whose block gets new values if any element has slack."""
        if self.slack(array).any():
            block = self.recorder.view(array).block
            whole = next(
                (b for b in self.blocks if address_of(b) == block.address), None
            )
            whole = array if whole is None else whole
            whole[...] = self.constant(whole.shape)
            self.slack(whole)[...] = 0.0
        return array

    def set_slack(self, array, slack):
        """Set the slack of an array that has been written."""
        self.slack(array)[...] = slack

    # ---------------------------------------------------------------------- operations

    def operate(self):
        """Record an operation; return False if it was refused."""
        if self.rng.random() < 0.1:
            self.shape = self.new_shape()
        kind = KINDS[self.rng.integers(len(KINDS))]
        if self.rng.random() < 0.02:
            kind = noise
        try:
            kind(self)
        except NotRecordable as refusal:
            if "overlap" not in str(refusal) and "needs a matrix" not in str(refusal):
                raise
            return False
        return True

    def check(self, block, found):
        """Assert that the content of a block is right."""
        expected, slack = block.array.ravel(), self._slack_of(block)
        with np.errstate(all="ignore"):
            right = (found == expected) | (np.isnan(found) & np.isnan(expected))
            wide = np.abs(found.astype(float) - expected) <= slack
            right |= wide | np.isinf(slack)
        if not right.all():
            where = np.flatnonzero(~right)
            raise AssertionError(
                f"{len(where)} elements of a block in {block.region!r} differ, first "
                f"at {where[0]}: {found[where[0]]!r}, expected {expected[where[0]]!r} "
                f"(slack {slack[where[0]]})"
            )


# ----------------------------------------------------------------------- the machine


class Compiled:
    """The program that was drawn, lowered."""

    def __init__(self, draw, tile_bytes):
        self.draw, recorder = draw, draw.recorder
        self.memory = Memory(recorder, REGIONS)
        for block in recorder.blocks:  # those that no operation uses, too
            self.memory.place(block, 0)
        with _tiles_of(tile_bytes):
            self.lowered = lower(recorder.tape, self.memory, draw.dtype.itemsize)
        self.constants = self.memory.constants(draw.dtype)
        values, leaves = initial_numbers(recorder.numbers)
        for name, place in leaves.items():
            values[place] = recorder.numbers[place].value
            assert recorder.numbers[place].key == ("leaf", name)
        calculations = [*NUMBERS.values()]
        for code, place, a, b in lower_numbers(recorder.numbers, ())[0].tolist():
            values[place] = calculations[code](values[a], values[b])
        self.numbers = np.array(values)

    def check(self, kernels, n_threads):
        """Run the program on the first memory, and compare all blocks with NumPy's."""
        draw, dtype = self.draw, self.draw.dtype
        regions = {
            "work": np.full(self.memory.n_work, np.nan, dtype),
            "constant": self.constants,
        }
        blocks = draw.recorder.blocks
        for array, initial in zip(draw.blocks, draw.initial, strict=True):
            block = next(b for b in blocks if b.address == address_of(array))
            memory = regions.setdefault(block.region, np.empty(initial.size, dtype))
            start = self.memory.place(block, 0)[1]
            memory[start : start + initial.size] = initial
        stream = np.random.Generator(np.random.PCG64(draw.noise_seed))
        addresses = [address_of(regions[r]) if r in regions else 0 for r in REGIONS]
        self._run(np.array(addresses), bit_generator(stream), kernels, n_threads)
        for block in blocks:
            if block.region != "constant":
                start = self.memory.place(block, 0)[1]
                draw.check(
                    block, regions[block.region][start : start + block.array.size]
                )

    def _run(self, addresses, stream, kernels, n_threads):
        """Run the instructions, as the only step of a job."""
        engine, code, is_double = machine(), self.lowered.code, self.draw.dtype == float
        n_bytes = int(engine._scratch(kernels, is_double, address_of(code), len(code)))
        n_bytes = (n_bytes // 64 + 1) * 64
        scratch = np.empty(n_bytes * n_threads, np.uint8)
        program, member, job = (
            np.zeros(1, layout) for layout in (PROGRAM, MEMBER, JOB)
        )
        program["gradient"], program["n_gradient"] = address_of(code), len(code)
        program["constants"] = address_of(self.constants)
        program["data_region"] = program["penalty_region"] = -1
        program["t"] = program["rate"] = program["total"] = program["share"] = -1
        rates = np.zeros(1)
        member["regions"], member["noise"], member["n_epochs"] = addresses, stream, 1
        member["numbers"], member["losses"] = (
            address_of(self.numbers),
            address_of(rates),
        )
        member["rates"] = member["shares"] = address_of(rates)
        job["programs"], job["members"] = address_of(program), address_of(member)
        job["n_members"] = job["n_batches"] = job["look_every"] = 1
        job["is_double"], job["kernels"] = is_double, kernels
        job["work"], job["scratch"] = addresses[0], address_of(scratch)
        job["n_threads"], job["scratch_step"] = n_threads, n_bytes
        job["nanoseconds"] = 10**12
        assert engine.train(job)


@contextmanager
def _tiles_of(n_bytes):
    """Let groups compute another number of bytes at a time."""
    before = lowering._TILE_BYTES
    lowering._TILE_BYTES = n_bytes
    try:
        yield
    finally:
        lowering._TILE_BYTES = before


def check_program(seed, n_operations=12):
    """Draw a program and run it in all ways; return how many operations it has.

    Parameters
    ----------
    seed : sequence of int
        What is drawn depends on it alone.
    n_operations : int, default=12
        How many are drawn; those that are refused are not counted.
    """
    with np.errstate(all="ignore"):
        draw = Draw(seed)
        for _ in range(n_operations):
            draw.operate()
    try:
        compiled = Compiled(draw, int(draw.rng.choice(TILE_BYTES)))
        for kernels in range(machine().n_kernels):
            for n_threads in (1, 3) if draw.rng.random() < 0.1 else (1,):
                compiled.check(kernels, n_threads)
    except (AssertionError, NotRecordable) as error:
        text = "\n".join(describe(draw.recorder))
        raise AssertionError(f"Seed {seed}, {draw.dtype}: {error}\n{text}") from error
    return len(draw.recorder.tape)


def describe(recorder):
    """The tape as text."""
    names = {id(b): f"{b.region}{i}" for i, b in enumerate(recorder.blocks)}
    for operation in recorder.tape:
        operands = [
            f"{names[id(v.block)]}+{v.start}{list(v.shape)}{list(v.strides)}"
            if hasattr(v, "block")
            else f"number {v.value}"
            for v in (operation.out, *operation.inputs)
        ]
        name = f"{operation.name}{operation.options}"
        yield f"{operands[0]} = {name} {', '.join(operands[1:])}"


def run(seed, n_instructions):
    """Check programs until they have enough instructions; return how many they have."""
    n, program = 0, 0
    while n < n_instructions:
        n += check_program((seed, program))
        program += 1
    return n


def main():
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--instructions", type=int, default=10_000)
    parser.add_argument("--program", type=int, help="only this program of the seed")
    given = parser.parse_args()
    if given.program is not None:
        check_program((given.seed, given.program))
    else:
        print(run(given.seed, given.instructions), "instructions were right")


if __name__ == "__main__":
    main()
