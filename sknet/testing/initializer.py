"""The check of an initializer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sknet._rng import stream_from_state, stream_state
from sknet.initializers import Initializer
from sknet.testing.checker import Checker


# Shapes and fans: dense weights (tall, wide, square), groups of weights, biases.
_SHAPES = (
    ((6, 3), (6, 3)),
    ((3, 6), (3, 6)),
    ((1, 1), (1, 1)),
    ((2, 5, 3), (5, 3)),
    ((1, 4), (6, 4)),
)


def check_initializer(initializer: Initializer, *, random_state: Any = 0) -> None:
    """Check that an initializer meets the requirements of its family.

    It draws finite float64 arrays of the requested shape, from the given random stream
    and nothing else; ``for_bias`` returns an initializer, and ``scale`` a positive
    float.

    Parameters
    ----------
    initializer : Initializer
        The initializer to check.
    random_state : int, RandomState or None, default=0
        The random stream to draw from.

    Raises
    ------
    AssertionError
        If a requirement is violated; the message states which one, and for which shape.

    Examples
    --------
    >>> from sknet.initializers import GlorotUniform
    >>> from sknet.testing import check_initializer
    >>> check_initializer(GlorotUniform())
    """
    checker = Checker(initializer)
    with checker.converting_errors("check()"):
        initializer.check()
    stream = check_random_state(random_state)
    bias = initializer.for_bias()
    checker.require(
        isinstance(bias, Initializer), f"for_bias() is not an initializer: {bias!r}"
    )
    for shape, fan in _SHAPES:
        _check_draw(initializer, shape, fan, stream, checker)
        _check_draw(bias, shape, fan, stream, checker)
        scale = initializer.scale(fan)
        checker.require(
            type(scale) is float and 0.0 < scale < np.inf,
            f"scale({fan}) must be a positive float, got {scale!r}",
        )
        checker.require(
            initializer.rescales or scale == 1.0,
            f"scale({fan}) is {scale!r}, but is ignored because rescales is False",
        )


def _check_draw(
    initializer: Initializer,
    shape: tuple[int, ...],
    fan: tuple[int, int],
    stream: np.random.RandomState,
    checker: Checker,
) -> None:
    """Draw an array, draw it again from the same state, and draw the next one."""
    before = stream_state(stream)
    with checker.converting_errors(f"draw of shape {shape}"):
        drawn = initializer.draw(stream, shape, fan, 1.0)
    checker.require(
        drawn.shape == shape and drawn.dtype == np.float64,
        f"a draw of shape {shape} is {drawn.dtype} of shape {drawn.shape}",
    )
    checker.finite(drawn, f"a draw of shape {shape} is not finite")
    kept = drawn.copy()
    again = initializer.draw(stream_from_state(before), shape, fan, 1.0)
    checker.same_bits(again, kept, "a stream in the same state gives another draw")
    further = initializer.draw(stream, shape, fan, 1.0)
    # A draw of a few signs may well repeat by chance.
    if kept.size > 8 and np.array_equal(further, kept):
        checker.require(
            len(np.unique(kept)) == 1, "an advanced stream gives the same draw again"
        )
