"""The compiled library of the engine, and why there may be none."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=1)
def load() -> Any:
    """Return the library, or None."""
    path = Path(__file__).with_name("_machine.so")
    return ctypes.CDLL(str(path)) if path.exists() else None
