"""Named operations: what a training step needs beyond NumPy's elementwise functions.

They branch on data, or compute with integers. A step can be recorded, to be repeated
by compiled code: its arrays are then of a class with an attribute ``recorder``, which
notes the functions of NumPy that it supports. An operation of this module is noted as a
whole, under its name.

Arrays have the axes ``(K, rows, columns)``: K members, each with a matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sknet._numerics import Array


def perform(
    name: str,
    compute: Callable[..., Any],
    out: Array,
    inputs: tuple[Any, ...],
    buffers: tuple[Any, ...] = (),
    options: tuple[int, ...] = (),
) -> None:
    """Compute an operation on ``out`` and its inputs, and tell the recorder, if any.

    Without a recorder, it computes in the given buffers; otherwise in new ones. The
    options are further numbers that compiled code needs.
    """
    recorder = getattr(out, "recorder", None)
    if recorder is None:
        compute(out, *inputs, *buffers)
    else:
        recorder.primitive(name, out, inputs, compute, options)


def overflow_shift(raw: Array, scratch: Array, sums: Array) -> Array | None:
    """Return the shift to subtract from raw outputs before the exponential, or None.

    It is the maximum of each row, as usual, but only for members with an output for
    which the exponential could overflow: rows are short, and a maximum over short rows
    takes longer than the rest of the loss.

    Parameters
    ----------
    raw : ndarray of shape (K, B, C)
        Raw outputs.
    scratch : ndarray of shape (K, B, C)
        Overwritten.
    sums : ndarray of shape (K, B, 1)
        Overwritten, and returned.

    Returns
    -------
    shift : ndarray of shape (K, B, 1) or None
        The shifts; zeros for members that need none, as when trained alone. A recorded
        step always gets them, since None is a branch on data.
    """
    limit = 80.0 if raw.dtype == np.float32 else 700.0
    if getattr(raw, "recorder", None) is not None:
        for k in range(len(raw)):  # each has its own decision
            perform("overflow_shift", _shift, sums[k], (raw[k], limit))
        return sums
    # No element is larger than the norm of all: one fast product is usually enough.
    if np.vdot(raw, raw) < limit * limit:
        return None
    np.abs(raw, out=scratch)
    largest = np.maximum.reduce(scratch.reshape(len(scratch), -1), axis=1)
    if max(largest.tolist()) < limit:
        return None
    np.maximum.reduce(raw, axis=-1, keepdims=True, out=sums)
    sums[largest < limit] = 0.0
    return sums


def _shift(sums: Array, raw: Array, limit: float) -> None:
    """Write the shifts (B, 1) of one member."""
    if np.abs(raw).max() < limit:
        sums[...] = 0.0
    else:
        np.maximum.reduce(raw, axis=-1, keepdims=True, out=sums)


def clip_by_norm(grad: Array, largest: float) -> None:
    """Clip the gradient of each member to a maximum norm, in place.

    Parameters
    ----------
    grad : ndarray of shape (K, P')
        The gradient, which is overwritten.
    largest : float
        The maximum norm.
    """
    perform("clip_by_norm", _clip_by_norm, grad, (grad, largest))


def _clip_by_norm(out: Array, grad: Array, largest: float) -> None:
    """Clip gradients; ``out`` is ``grad``."""
    squares = np.matmul(grad[:, None, :], grad[:, :, None])[:, :, 0]
    if not np.isfinite(squares).all():  # in float32, squares overflow above 2e19
        wide = np.einsum("kp,kp->k", grad, grad, dtype=np.float64)[:, None]
        squares = np.where(np.isfinite(squares), squares, wide)
    norms = np.sqrt(squares).astype(grad.dtype)
    if (norms > largest).any():
        out *= largest / np.maximum(norms, largest)


def first_largest(values: Array, out: Array, scratch: Array) -> None:
    """Mark the first of the largest elements of each row.

    Parameters
    ----------
    values : ndarray of shape (K, B, C)
        The rows.
    out : ndarray of shape (K, B, C)
        Overwritten: one for the marked elements, zero elsewhere.
    scratch : ndarray of shape (K, B, n), contiguous
        Overwritten; n elements have the size of an integer.
    """
    perform("first_largest", _first_largest, out, (values,), (scratch,))


def _first_largest(out: Array, values: Array, scratch: Array | None = None) -> None:
    """Write the marks."""
    # argmax needs an integer array to write to
    first = None if scratch is None else scratch.view(np.intp)[..., 0]
    first = np.argmax(values, axis=-1, out=first)
    np.equal(np.arange(values.shape[-1]), first[..., None], out=out)


def move_towards(average: Array, theta: Array, share: float, scratch: Array) -> None:
    """Move an average towards the newest values, in place.

    Parameters
    ----------
    average : ndarray of shape (K, P)
        Overwritten by ``average + share * (theta - average)``, and if the share is one,
        by ``theta`` itself.
    theta : ndarray of shape (K, P)
        The newest values.
    share : float
        Their share.
    scratch : ndarray of shape (K, P)
        Overwritten.
    """
    perform("move_towards", _move_towards, average, (theta, share), (scratch,))


def _move_towards(
    average: Array, theta: Array, share: float, scratch: Array | None = None
) -> None:
    """Move the average."""
    if share == 1.0:
        np.copyto(average, theta)
    else:
        scratch = np.subtract(theta, average, out=scratch)
        scratch *= share
        average += scratch


def look_up(x: Array, table: Array, bounds: Array, out: Array, rows: Array) -> None:
    """Write the vectors of levels, concatenated.

    Parameters
    ----------
    x : ndarray of shape (K or 1, B, D)
        A level number in each column, as a floating-point number; if there is no such
        level, the nearest one counts.
    table : ndarray of shape (K, L, size)
        A vector for each level of each column.
    bounds : ndarray of shape (D, 2), read-only
        The first row of each column in the table, and the number of its levels.
    out : ndarray of shape (K, B, D * size)
        Overwritten.
    rows : ndarray of int, of shape (K, B, D)
        Overwritten by the rows of the table; :func:`add_at_levels` reads them.
    """
    perform("look_up", _look_up, out, (x, table, bounds), (rows,))


def _look_up(
    out: Array, x: Array, table: Array, bounds: Array, rows: Array | None = None
) -> None:
    """Write the vectors."""
    rows = _rows_of_levels(x, bounds, rows)
    for k, vectors in enumerate(table):
        found = out[k].reshape(*rows.shape[1:], table.shape[-1])
        np.take(vectors, rows[k], axis=0, out=found, mode="clip")


def _rows_of_levels(x: Array, bounds: Array, out: Array | None = None) -> Array:
    """Return the row of the table for each level number."""
    rows = np.empty(x.shape, dtype=np.intp) if out is None else out
    first, n_levels = bounds.astype(np.intp).T
    np.copyto(rows, x, casting="unsafe")
    np.clip(rows, 0, n_levels - 1, out=rows)
    rows += first
    return rows


def add_at_levels(
    dy: Array, x: Array, bounds: Array, out: Array, buffers: tuple[Array, Array, Array]
) -> None:
    """Write the gradient of a table: the sum over the rows with each level.

    Parameters
    ----------
    dy : ndarray of shape (K, B, D * size)
        The gradient with respect to the vectors that :func:`look_up` wrote.
    x, bounds : ndarray
        As in :func:`look_up`.
    out : ndarray of shape (K, L, size)
        Overwritten.
    buffers : tuple of three ndarray
        ``rows``, as :func:`look_up` left them; an array of int and another one of the
        shape of ``dy``, which are overwritten.
    """
    perform("add_at_levels", _add_at_levels, out, (dy, x, bounds), buffers)


def _add_at_levels(
    out: Array,
    dy: Array,
    x: Array,
    bounds: Array,
    rows: Array | None = None,
    places: Array | None = None,
    values: Array | None = None,
) -> None:
    """Write the sums."""
    rows = _rows_of_levels(x, bounds) if rows is None else rows
    places = np.empty(dy.shape, dtype=np.intp) if places is None else places
    values, size = np.empty_like(dy) if values is None else values, out.shape[-1]
    each = places.reshape(*rows.shape, size)
    np.multiply(rows[..., None], size, out=each)
    each += np.arange(size)
    values[...] = dy
    out[...] = 0.0
    for k, table in enumerate(out):
        np.add.at(table.reshape(-1), places[k].ravel(), values[k].ravel())
