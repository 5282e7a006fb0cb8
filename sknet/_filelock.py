"""File locks: one fit at a time works with a file, in this process and in all others.

The system takes a lock back when its process ends, however it ends.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


try:
    import fcntl
except ImportError:  # Windows, or Python in a browser: nobody is kept out
    fcntl = None  # type: ignore[assignment]  # no module


class FileLock:
    """A lock of a file, which is another file beside it while somebody has it.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take the lock; return False if somebody has it.

        Where no lock can be made, everybody gets it: a folder that may not be written
        to is complained about by whoever writes the file.
        """
        while fcntl is not None:
            try:
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError:
                break
            if not _is_free(handle):
                os.close(handle)
                return False
            if self._is_there(handle):
                self._handle = handle
                break
            os.close(handle)  # who had it has removed it in the meantime
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._handle)
            self._handle = None

    def _is_there(self, handle: int) -> bool:
        """Tell whether an open file is the one that others find."""
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self._path))
        except FileNotFoundError:
            return False


def _is_free(handle: int) -> bool:
    """Lock an open file; return False if somebody has locked it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
