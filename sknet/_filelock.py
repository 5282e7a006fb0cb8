"""File locks: a file is used by one fit at a time, in this and all other processes.

The system releases a lock when its process ends, for whatever reason.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


try:
    import fcntl
except ImportError:  # Windows, or Python in a browser: there is no locking
    fcntl = None  # type: ignore[assignment]  # no module


class FileLock:
    """A lock for a file, held through a second file beside it.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Acquire the lock; return False if it is held elsewhere.

        If no lock file can be created, acquiring always succeeds: a folder without
        write permission is reported when the file itself is written.
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
            os.close(handle)  # the previous holder has removed it in the meantime
        return True

    def release(self) -> None:
        """Release the lock."""
        if self._handle is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._handle)
            self._handle = None

    def _is_there(self, handle: int) -> bool:
        """Return whether an open file is still the one at the path of the lock."""
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self._path))
        except FileNotFoundError:
            return False


def _is_free(handle: int) -> bool:
    """Lock an open file; return False if it is already locked."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
