"""Random streams: the only module that creates generators.

A member draws its initial weights, validation split and shuffles from one Mersenne
Twister stream, in scikit-learn's order. The noise of its layers (dropout) comes from a
second, faster stream, so that it does not change these draws. Both are kept as plain
data between fits, so that a resumed fit is identical to an uninterrupted one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._reuse_cache import ReuseCache


# As in ``RandomState.get_state``: name, key, position, has_gauss, cached_gaussian.
StreamState = tuple[str, np.ndarray, int, int, float]


def stream_state(stream: np.random.RandomState) -> StreamState:
    """Return a stream's state as plain data.

    Parameters
    ----------
    stream : RandomState
        The stream; it is not changed.

    Returns
    -------
    state : tuple
        A string, an array, two integers and a float.
    """
    name, key, position, has_gauss, cached = stream.get_state()
    return str(name), np.asarray(key), int(position), int(has_gauss), float(cached)


_reuse_cache: ReuseCache[np.random.RandomState] = ReuseCache()


def leave_stream(stream: np.random.RandomState, state: StreamState) -> None:
    """Keep a stream that is no longer used for later reuse.

    Creating a stream takes an eighth of the time of a ``partial_fit`` call for one row.
    :func:`stream_from_state` returns the kept stream if it is called with this very
    state object.

    Parameters
    ----------
    stream : RandomState
        The stream; the caller must not use it any more.
    state : tuple
        Its current state.
    """
    _reuse_cache.leave(state[1], stream)


def stream_from_state(state: StreamState) -> np.random.RandomState:
    """Return a stream that continues from a state.

    Parameters
    ----------
    state : tuple
        A state from :func:`stream_state`.

    Returns
    -------
    stream : RandomState
        An independent stream, not shared with other callers.
    """
    waiting = _reuse_cache.take(state[1])
    if waiting is not None:
        return waiting
    stream = np.random.RandomState()
    stream.set_state(state)
    return stream


def noise_stream(stream: np.random.RandomState) -> np.random.Generator:
    """Return the stream of a member's noise, derived from its main stream.

    Parameters
    ----------
    stream : RandomState
        The main stream; it is not changed.

    Returns
    -------
    noise : Generator
        A new generator, seeded by the numbers that the main stream would draw next.
    """
    ahead = stream_from_state(stream_state(stream))
    seed = ahead.randint(0, 2**32, size=8, dtype=np.uint32)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed.tolist())))


def noise_state(noise: np.random.Generator) -> dict[str, Any]:
    """Return the state of a noise stream as plain data."""
    return dict(noise.bit_generator.state)


def noise_from_state(state: dict[str, Any]) -> np.random.Generator:
    """Return a noise stream that continues from a state."""
    bits = np.random.PCG64(0)
    bits.state = state  # type: ignore[assignment]  # as the getter gave it
    return np.random.Generator(bits)


def member_seeds(stream: np.random.RandomState, n_members: int) -> np.ndarray:
    """Draw a seed for each member of an ensemble, as scikit-learn's ensembles do.

    Parameters
    ----------
    stream : RandomState
        Advanced.
    n_members : int
        K.

    Returns
    -------
    seeds : ndarray of int, of shape (K,)
        The ``random_state`` of each member.
    """
    return stream.randint(np.iinfo(np.int32).max, size=n_members)


def bootstrap_counts(seed: int, n_rows: int) -> np.ndarray:
    """Draw rows with replacement and return how often each row was drawn.

    Parameters
    ----------
    seed : int
        The seed of a member. Its other streams are independent of these draws.
    n_rows : int
        N.

    Returns
    -------
    counts : ndarray of float, of shape (N,)
        The counts, which sum to N.
    """
    purpose = 0xB007  # any number that does not seed another stream
    bits = np.random.PCG64(np.random.SeedSequence([seed, purpose]))
    drawn = np.random.Generator(bits).integers(n_rows, size=n_rows)
    return np.bincount(drawn, minlength=n_rows).astype(np.float64)
