"""Random streams: the only place where generators are made.

A member network draws initial weights, validation split and shuffles from one
Mersenne Twister stream, in scikit-learn's order. The noise of its layers (dropout)
comes from a second, faster one, so that it changes neither of them. Both are kept as
plain data between fits, so that resuming equals never having stopped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sknet._reuse_cache import ReuseCache


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
    return str(name), np.asarray(key), int(position), int(has_gauss), float(cached)


_reuse_cache: ReuseCache[np.random.RandomState] = ReuseCache()


def leave_stream(stream: np.random.RandomState, state: StreamState) -> None:
    """Let a stream wait that nobody draws from any more.

    To make one takes an eighth of a call of ``partial_fit`` for one row. This one is
    handed out by :func:`stream_from_state`, if it is given this very state.

    Parameters
    ----------
    stream : RandomState
        The stream; whoever calls lets go of it.
    state : tuple
        Where it stands.
    """
    _reuse_cache.leave(state[1], stream)


def stream_from_state(state: StreamState) -> np.random.RandomState:
    """Return a stream that goes on where a state was taken.

    Parameters
    ----------
    state : tuple
        What :func:`stream_state` returned.

    Returns
    -------
    stream : RandomState
        An independent stream, that nobody else knows.
    """
    waiting = _reuse_cache.take(state[1])
    if waiting is not None:
        return waiting
    stream = np.random.RandomState()
    stream.set_state(state)
    return stream


def noise_stream(stream: np.random.RandomState) -> np.random.Generator:
    """Return the stream of a member's noise, which follows from its main stream.

    Parameters
    ----------
    stream : RandomState
        The main stream; it is left as it is.

    Returns
    -------
    noise : Generator
        A new generator, seeded by numbers that the main stream would draw next.
    """
    ahead = stream_from_state(stream_state(stream))
    seed = ahead.randint(0, 2**32, size=8, dtype=np.uint32)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed.tolist())))


def noise_state(noise: np.random.Generator) -> dict[str, Any]:
    """Return the state of a noise stream as plain data."""
    return dict(noise.bit_generator.state)


def noise_from_state(state: dict[str, Any]) -> np.random.Generator:
    """Return a noise stream that goes on where a state was taken."""
    bits = np.random.PCG64(0)
    bits.state = state  # type: ignore[assignment]  # as the getter gave it
    return np.random.Generator(bits)


def member_seeds(stream: np.random.RandomState, n_members: int) -> np.ndarray:
    """Draw a seed for each network of an ensemble, as scikit-learn's ensembles do.

    Parameters
    ----------
    stream : RandomState
        Advanced.
    n_members : int
        K.

    Returns
    -------
    seeds : ndarray of int, of shape (K,)
        Each is the ``random_state`` of one network.
    """
    return stream.randint(np.iinfo(np.int32).max, size=n_members)


def bootstrap_counts(seed: int, n_rows: int) -> np.ndarray:
    """Draw rows with replacement; return how often each was drawn.

    Parameters
    ----------
    seed : int
        The seed of a network. Its other streams know nothing of these draws.
    n_rows : int
        N.

    Returns
    -------
    counts : ndarray of float, of shape (N,)
        With the sum N.
    """
    purpose = 0xB007  # any number that no other stream is seeded with
    bits = np.random.PCG64(np.random.SeedSequence([seed, purpose]))
    drawn = np.random.Generator(bits).integers(n_rows, size=n_rows)
    return np.bincount(drawn, minlength=n_rows).astype(np.float64)
