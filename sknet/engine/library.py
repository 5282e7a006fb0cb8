"""Find and load the compiled library of the engine.

It is a plain C library beside this file, without any header of Python or NumPy, and is
loaded by ctypes. Two environment variables are read when it is first asked for:

``SKNET_ENGINE``
    "numpy" turns the library off.
``SKNET_ENGINE_LIBRARY``
    A file that is loaded instead, for instance one compiled with sanitizers.
"""

import ctypes
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


EXPECTED_VERSION = 9  # of the interface; _machine.h has the same number
SWITCH, FILE = "SKNET_ENGINE", "SKNET_ENGINE_LIBRARY"
SUFFIX = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")
BESIDE = Path(__file__).with_name(f"_machine{SUFFIX}")


@dataclass(frozen=True)
class Library:
    """The loaded library.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    functions : ctypes.CDLL
        The exported functions, as attributes. A call releases the GIL.
    instruction_set : str
        What the library says of the processor's instructions that it uses; empty if it
        does not say it.
    """

    path: Path
    functions: ctypes.CDLL = field(compare=False, repr=False)
    instruction_set: str = ""


@dataclass(frozen=True)
class Search:
    """What came of looking for the library.

    Parameters
    ----------
    library : Library, optional
        The library, if it can be used.
    reason : str
        A sentence that says why it cannot be used; otherwise empty.
    """

    library: Library | None = None
    reason: str = ""


def find(environment: Mapping[str, str]) -> Search:
    """Look for the library and load it.

    Parameters
    ----------
    environment : mapping
        The environment variables.

    Returns
    -------
    search : Search
        The library, or why there is none.

    Raises
    ------
    ValueError
        If ``SKNET_ENGINE`` has a value that means nothing.
    """
    choice = environment.get(SWITCH, "")
    if choice not in ("", "numpy"):
        raise ValueError(f"{SWITCH} must be 'numpy' or unset, got {choice!r}.")
    if choice == "numpy":
        return Search(reason=f"{SWITCH}=numpy is set.")
    path = Path(environment.get(FILE) or BESIDE)
    if not path.exists():
        if FILE in environment:
            return Search(reason=f"{FILE}: there is no file {path}.")
        return Search(
            reason="sknet was installed without its compiled library. Where there is a "
            "C compiler, SKNET_BUILD=compiled pip install makes it, or says why not."
        )
    return open_library(path)


def open_library(path: Path) -> Search:
    """Load a file, and compare its version with the one expected here.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    search : Search
        The library, or why it cannot be used.
    """
    try:
        functions = ctypes.CDLL(str(path.resolve()))
        version = functions.sknet_machine_version
    except OSError as error:
        return Search(reason=f"{path.name} cannot be loaded: {error}.")
    except AttributeError:
        return Search(reason=f"{path.name} is not the library of sknet's engine.")
    version.restype = ctypes.c_int64
    found = version()
    if found != EXPECTED_VERSION:
        return Search(
            reason=f"{path.name} has version {found}, and version {EXPECTED_VERSION} "
            "is needed: sknet must be installed again."
        )
    return Search(Library(path, functions, instruction_set(functions)))


def instruction_set(functions: ctypes.CDLL) -> str:
    """Return what a library says of the instructions it uses, or an empty string.

    Parameters
    ----------
    functions : ctypes.CDLL
        The exported functions.
    """
    tell = getattr(functions, "sknet_machine_instruction_set", None)
    if tell is None:
        return ""
    tell.restype = ctypes.c_char_p
    return (tell() or b"").decode("ascii", "replace")


@cache
def _found() -> Search:
    """Return what came of the search, which is made once in a process.

    There is no lock, which a fork could leave locked. Threads that ask at the same time
    may each load the file; the operating system then gives all of them the same one.
    """
    return find(os.environ)


def load() -> Library | None:
    """Return the library, or None if every step is to be computed by NumPy."""
    return _found().library


def reason() -> str:
    """Return a sentence that says why `load` returns None; otherwise it is empty."""
    return _found().reason
