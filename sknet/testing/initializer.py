"""The check of an initializer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sknet._rng import stream_from_state, stream_state
from sknet.initializers import Initializer
from sknet.testing.checker import Checker


# Shape and fans: dense weights, tall and wide and square; those of groups; biases.
_SHAPES = (
    ((6, 3), (6, 3)),
    ((3, 6), (3, 6)),
    ((1, 1), (1, 1)),
    ((2, 5, 3), (5, 3)),
    ((1, 4), (6, 4)),
)


def check_initializer(initializer: Initializer, *, random_state: Any = 0) -> None:
    """Check that an initializer keeps what is asked of it.

    It draws finite float64 arrays of the shape asked for, from the stream that is
    handed in and from nothing else; ``for_bias`` is an initializer, too, and ``scale``
    a positive float.

    Parameters
    ----------
    initializer : Initializer
        What is checked.
    random_state : int, RandomState or None, default=0
        The stream to draw from.

    Raises
    ------
    AssertionError
        If something is broken; the text says what, and for which shape.

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
            f"scale({fan}) is {scale!r}, which nobody looks at: rescales is False",
        )


def _check_draw(
    initializer: Initializer,
    shape: tuple[int, ...],
    fan: tuple[int, int],
    stream: np.random.RandomState,
    checker: Checker,
) -> None:
    """Draw one shape, again from the same place, and further on."""
    before = stream_state(stream)
    with checker.converting_errors(f"draw of the shape {shape}"):
        drawn = initializer.draw(stream, shape, fan, 1.0)
    checker.require(
        drawn.shape == shape and drawn.dtype == np.float64,
        f"a draw of the shape {shape} is {drawn.dtype} of the shape {drawn.shape}",
    )
    checker.finite(drawn, f"a draw of the shape {shape} is not finite")
    kept = drawn.copy()
    again = initializer.draw(stream_from_state(before), shape, fan, 1.0)
    checker.same_bits(again, kept, "a stream in the same state gives another draw")
    further = initializer.draw(stream, shape, fan, 1.0)
    # Of few elements, a draw of signs may well come twice.
    if kept.size > 8 and np.array_equal(further, kept):
        checker.require(
            len(np.unique(kept)) == 1, "a stream that went on gives the same draw"
        )
