"""The compiled library is found, or there is a plain reason why not."""

import ctypes
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from built import compile_text, needs_compiler

from sknet.engine import library


MUST_BE_THERE = os.environ.get("SKNET_BUILD") == "compiled"  # set by .ci/run
MUST_BE_THERE |= bool(os.environ.get(library.FILE))  # set by make test-sanitized
VERSION = "long long sknet_machine_version(void) {{ return {}; }}\n"
CURRENT = VERSION.format(library.EXPECTED_VERSION)
TELLS = 'const char *sknet_machine_instruction_set(void) { return "avx2"; }\n'


def found(path):
    """Return the result of a search that is told the file."""
    return library.find({library.FILE: str(path)})


def test_either_a_library_or_a_reason():
    """One of them, in every environment."""
    assert (library.load() is None) == bool(library.reason())


@pytest.mark.skipif(not MUST_BE_THERE, reason="an installation may lack the library")
@pytest.mark.skipif(library.SWITCH in os.environ, reason="it is turned off")
def test_library_is_there_where_it_must_be():
    assert library.load() is not None, library.reason()


def test_the_search_is_made_once():
    assert library.load() is library.load()


def test_switch_turns_the_library_off():
    search = library.find({library.SWITCH: "numpy"})
    assert search == library.Search(None, "SKNET_ENGINE=numpy is set.")


def test_switch_with_another_value_is_refused():
    """A typo would otherwise go unnoticed."""
    with pytest.raises(ValueError, match=r"SKNET_ENGINE must be .*, got 'nunpy'"):
        library.find({library.SWITCH: "nunpy"})


def test_switch_is_read_from_the_environment():
    code = "from sknet.engine import library; print(library.load(), library.reason())"
    environment = {**os.environ, library.SWITCH: "numpy"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "None SKNET_ENGINE=numpy is set.\n", done.stderr


def test_missing_file_is_the_reason(tmp_path):
    path = tmp_path / "absent.so"
    search = found(path)
    assert search.library is None
    assert search.reason == f"{library.FILE}: there is no file {path}."


def test_file_that_is_no_library_is_the_reason(tmp_path):
    path = tmp_path / "text.so"
    path.write_text("no library")
    search = found(path)
    assert search.library is None
    assert search.reason.startswith("text.so cannot be loaded: ")


@needs_compiler
def test_library_of_somebody_else_is_the_reason(tmp_path):
    search = found(compile_text("int other(void) { return 1; }\n", tmp_path))
    assert search.library is None
    assert search.reason.endswith("is not the library of sknet's engine.")


@needs_compiler
def test_library_of_another_version_is_not_used(tmp_path):
    """Such as the one of an editable installation that was not compiled again."""
    ours, other = library.EXPECTED_VERSION, library.EXPECTED_VERSION + 1
    search = found(compile_text(VERSION.format(other), tmp_path))
    assert search.library is None
    assert f"has version {other}, and version {ours} is needed" in search.reason


@needs_compiler
@pytest.mark.parametrize(("more", "told"), [("", ""), (TELLS, "avx2")])
def test_instruction_set_is_what_the_library_tells(tmp_path, more, told):
    path = compile_text(CURRENT + more, tmp_path)
    search = found(path)
    assert search.reason == ""
    assert search.library == library.Library(path, None, told)
    assert isinstance(search.library.functions, ctypes.CDLL)


@needs_compiler
def test_relative_name_of_a_file_is_of_the_current_folder(tmp_path, monkeypatch):
    """And is not looked up in the folders of the operating system."""
    path = compile_text(CURRENT, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert found(path.name).library.path == Path(path.name)


def test_threads_that_ask_at_the_same_time_get_the_same_answer():
    library._found.cache_clear()
    start, answers = threading.Barrier(8), []

    def ask():
        start.wait()
        answers.append((library.load(), library.reason()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(library.load(), library.reason())] * 8
