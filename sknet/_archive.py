"""Archives: plain data in a single file, written atomically and without pickle.

A file is a NumPy archive (``.npz``): arrays are stored directly, everything else as
JSON text with references to the arrays. Reading an archive creates numbers, strings,
lists, tuples, dicts and arrays, and never runs code.
"""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from sknet._numerics import Array


class DamagedArchiveError(ValueError):
    """Raised if a file is not an archive written by sknet, or has been damaged."""


def write_archive(path: Path, tree: Any) -> None:
    """Write plain data to a file atomically.

    A temporary file in the same folder is written, flushed to disk, and then renamed.

    Parameters
    ----------
    path : Path
        The file; an existing file is replaced.
    tree : object
        Arrays of numbers, numbers, strings and None, in lists, tuples and dicts with
        string keys.

    Raises
    ------
    OSError
        If the system refuses; an existing file is then unchanged.
    """
    beside = unfinished(path)
    try:
        with open(beside, "wb") as file:
            _write(file, tree)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        _force_to_disk(path.parent)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def remove_archive(path: Path) -> None:
    """Remove an archive and the temporary file of an interrupted write."""
    for file in (path, unfinished(path)):
        file.unlink(missing_ok=True)


def unfinished(path: Path) -> Path:
    """Return the path of the temporary file for an archive."""
    return path.with_name(path.name + ".part")


def read_archive(path: Path) -> Any:
    """Read a file written by :func:`write_archive`.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tree : object
        The data as they were written.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DamagedArchiveError
        If it is not an archive, or has changed since it was written.
    """
    with open(path, "rb") as file:
        try:
            _check_sums(file)
            with np.load(file, allow_pickle=False) as archive:
                text = archive["tree"].tobytes().decode("utf-8")
                return _unpacked(json.loads(text), archive)
        except Exception as error:  # arbitrary bytes may raise any error in a reader
            raise DamagedArchiveError(f"{type(error).__name__}: {error}") from error


def _check_sums(file: IO[bytes]) -> None:
    """Compare the checksums of all parts of an archive before any part is used.

    A compressed archive was not written by sknet, and may be a thousand times larger in
    memory.
    """
    with zipfile.ZipFile(file) as archive:
        if any(part.compress_type != zipfile.ZIP_STORED for part in archive.filelist):
            raise ValueError("it is compressed")
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"the checksum of {damaged} is wrong")
    file.seek(0)


def _write(file: IO[bytes], tree: Any) -> None:
    """Write the arrays of plain data, and the structure that contains them."""
    arrays: dict[str, Array] = {}
    text = json.dumps(_packed(tree, arrays))
    arrays["tree"] = np.frombuffer(text.encode("utf-8"), dtype=np.uint8)
    np.savez(file, **arrays)  # type: ignore[arg-type]  # no name is "allow_pickle"


def _packed(tree: Any, arrays: dict[str, Array]) -> Any:
    """Return plain data in JSON types; move arrays to ``arrays``."""
    if isinstance(tree, np.ndarray):
        if tree.dtype.hasobject:
            raise TypeError(f"An array of dtype {tree.dtype} is not plain data.")
        name = f"array_{len(arrays)}"
        arrays[name] = tree
        return {"array": name}
    if isinstance(tree, dict):
        return {"dict": {key: _packed(value, arrays) for key, value in tree.items()}}
    if isinstance(tree, tuple):
        return {"tuple": [_packed(item, arrays) for item in tree]}
    if isinstance(tree, list):
        return [_packed(item, arrays) for item in tree]
    return tree


def _unpacked(tree: Any, arrays: Any) -> Any:
    """Return the data that :func:`_packed` converted."""
    if isinstance(tree, list):
        return [_unpacked(item, arrays) for item in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == "array":
        return arrays[content]
    if kind == "tuple":
        return tuple(_unpacked(item, arrays) for item in content)
    return {key: _unpacked(value, arrays) for key, value in content.items()}


def _force_to_disk(folder: Path) -> None:
    """Make a new name in a folder survive a power failure, if the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
