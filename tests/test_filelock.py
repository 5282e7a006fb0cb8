"""File locks: had by one at a time, and by nobody after a death."""

import os
import sys

import pytest

from sknet import _filelock
from sknet._filelock import FileLock


locks = pytest.mark.skipif(sys.platform == "win32", reason="nobody is kept out there")


@locks
def test_lock_is_had_by_one_at_a_time(tmp_path):
    """And it is gone when nobody has it; what a killed process left is no lock."""
    (tmp_path / "run.npz.lock").touch()
    one, two = FileLock(tmp_path / "run.npz"), FileLock(tmp_path / "run.npz")
    assert one.acquire()
    assert not two.acquire()
    one.release()
    assert two.acquire()
    assert not one.acquire()
    two.release()
    two.release()
    assert os.listdir(tmp_path) == []


@locks
def test_lock_that_was_removed_in_the_meantime_is_made_again(tmp_path, monkeypatch):
    """Between opening and locking: a lock that nobody finds keeps nobody out."""
    real, path = _filelock._is_free, tmp_path / "run.npz"
    moments = iter([lambda: os.remove(f"{path}.lock"), lambda: None])

    def is_free(handle):
        next(moments)()
        return real(handle)

    monkeypatch.setattr(_filelock, "_is_free", is_free)
    lock = FileLock(path)
    assert lock.acquire()
    monkeypatch.undo()
    assert not FileLock(path).acquire()
    lock.release()


def test_where_nothing_can_be_locked_nobody_is_kept_out(tmp_path, monkeypatch):
    """In a folder that is not there; on a system without locks."""
    assert FileLock(tmp_path / "no" / "run.npz").acquire()
    monkeypatch.setattr(_filelock, "fcntl", None)
    assert FileLock(tmp_path / "run.npz").acquire()
    assert os.listdir(tmp_path) == []
