"""Random streams: the only place where generators are made.

A member network draws everything (initial weights, validation split, shuffles) from
one Mersenne Twister stream, in scikit-learn's order. The stream is kept as plain data
between fits, so that resuming equals never having stopped.
"""

from __future__ import annotations

import numpy as np


# What ``RandomState.get_state`` gives: name, key, position, has_gauss, cached_gaussian.
StreamState = tuple[str, np.ndarray, int, int, float]


def stream_state(stream: np.random.RandomState) -> StreamState:
    """Return a stream's state as plain data.

    Parameters
    ----------
    stream : RandomState
        The stream; it is left as it is.

    Returns
    -------
    state : tuple
        A string, an array, two integers and a float.
    """
    name, key, position, has_gauss, cached = stream.get_state()
    return str(name), np.array(key), int(position), int(has_gauss), float(cached)


def stream_from_state(state: StreamState) -> np.random.RandomState:
    """Return a stream that goes on where a state was taken.

    Parameters
    ----------
    state : tuple
        What :func:`stream_state` returned.

    Returns
    -------
    stream : RandomState
        A new, independent stream.
    """
    stream = np.random.RandomState()
    stream.set_state(state)
    return stream
