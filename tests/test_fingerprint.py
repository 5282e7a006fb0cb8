"""Fingerprints: words that change with what a parameter means, and only then."""

import threading
import tracemalloc
from functools import partial

import numpy as np
import pytest
from sklearn.metrics import log_loss, make_scorer

from sknet.solvers.fingerprint import described


def test_functions_are_known_by_what_they_do():
    """Not by their names only, nor by where they lie in memory."""

    def loss(factor, power=1):
        def value(raw, y):
            return factor * abs(raw - y) ** power

        return value

    def rewritten(factor, power=1):
        def value(raw, y):
            return factor * abs(y - raw) ** power

        value.__qualname__ = loss(1.0).__qualname__
        return value

    assert described(loss(1.0)) == described(loss(1.0))
    assert described(loss(1.0)) != described(loss(2.0))
    assert described(loss(1.0)) != described(rewritten(1.0))
    assert "0x" not in described([object(), make_scorer(log_loss)])


class Power:
    """A scorer that is an object."""

    def __init__(self, power):
        self.power = power

    def __call__(self, model, X, y):
        return self.score(model, X, y)

    def score(self, model, X, y):
        return model.score(X, y) ** self.power


def keyword(power):
    def score(model, X, y, *, power=power):
        return model.score(X, y) ** power

    return score


def member_of(powers):
    def score(model, X, y):
        return model.score(X, y) in powers

    return score


def weights(k):
    return np.r_[np.zeros(2000), k, np.zeros(2000)]  # repr shows both ends


@pytest.mark.parametrize(
    "scorer",
    [
        Power,
        lambda power: Power(power).score,
        lambda power: make_scorer(lambda y, predicted: (y == predicted).mean() * power),
        keyword,
        lambda power: partial(Power(1).score, power=power),
        lambda power: partial(log_loss, sample_weight=weights(power)),
        lambda power: member_of({0, 8, power}),
        lambda power: member_of(frozenset({power, 8, 0})),
        lambda power: [Power(0), {"a": Power(power)}],
    ],
)
def test_objects_are_known_by_what_they_hold(scorer):
    """Whatever a user hands in, two of them differ if anything in them does."""
    assert described(scorer(1)) == described(scorer(1))
    assert described(scorer(1)) != described(scorer(2))


def test_file_of_a_function_is_no_part_of_it():
    """A notebook names a cell after its process, and lines move."""
    cells = [{}, {}]
    for number, names in enumerate(cells):
        source = "\n" * number + "def score(model):\n    return lambda X: model(X)\n"
        exec(compile(source, f"/tmp/ipykernel_{number}/1.py", "exec"), names)
    assert described(cells[0]["score"]) == described(cells[1]["score"])


def test_order_of_a_set_is_no_part_of_it():
    """It is another one in each process."""
    assert list({0, 8}) != list({8, 0})  # two of one place
    assert described({0, 8}) == described({8, 0})
    assert described(lambda k: k in {0, 8}) == described(lambda k: k in {8, 0})
    assert described(lambda k: k in {0, 8}) != described(lambda k: k in {0, 9})


def test_function_that_calls_itself_has_words():
    """It holds itself; so may an object."""

    def halvings(n):
        return 1 + halvings(n // 2) if n else 0

    power = Power(2)
    power.me = [power]
    for value in (halvings, power):
        assert described(value) == described(value)


def test_what_cannot_be_pickled_has_words():
    """A lock in an object, a file, a module."""
    power = Power(threading.Lock())
    assert described([power, np]) == described([power, np])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_table_is_known_by_its_columns_and_values(library):
    """And not by the bytes behind its strings, some of which mean nothing."""
    table = pytest.importorskip(library).DataFrame
    held = {"a": [1.5, 2.0], "b": ["x", None]}
    assert described(Power(table(held))) == described(Power(table(held)))
    for other in ({"b": ["x", "y"]}, {"a": [1.5, 3.0]}):
        assert described(table(held)) != described(table(held | other))
    renamed = {"a": held["a"], "c": held["b"]}
    assert described(table(held)) != described(table(renamed))


@pytest.mark.parametrize("order", ["C", "F"])
def test_array_is_read_in_pieces(order):
    """Wide ones in the order of columns, too, whose pieces have to be copied."""
    array = np.ones((200, 20_000), order=order)
    tracemalloc.start()
    try:
        text = described(array)
        assert tracemalloc.get_traced_memory()[1] < array.nbytes / 3
    finally:
        tracemalloc.stop()
    assert text == described(array.copy(order="C"))
    array[-1, -1] = 2.0
    assert text != described(array)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
def test_array_of_nothing_has_words(shape):
    """Its shape and its type."""
    assert described(np.ones(shape)) != described(np.ones(shape, dtype="float32"))
