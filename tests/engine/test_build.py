"""The engine is compiled where it can be, and no wheel claims more than it has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from built import BUILD, ROOT, needs_compiler

from sknet.engine import library


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Return a source tree of its own, and no settings of the environment."""
    for name in ("CC", "LD_PRELOAD", "SKNET_BUILD", "SKNET_PLATFORM_TAG"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "tree" / "sknet" / "engine"
    folder.mkdir(parents=True)
    for path in [*(ROOT / "sknet" / "engine").glob("*.[ch]"), ROOT / "hatch_build.py"]:
        copy = tmp_path / "tree" / path.relative_to(ROOT)
        copy.write_bytes(path.read_bytes())
    # What is compiled is not run, and -O3 takes several times as long.
    monkeypatch.setattr(BUILD, "OPTIMIZED", ["-O0"])
    return tmp_path / "tree"


def prepared(tree, version="standard"):
    """Return what the hook tells hatchling, and the warnings."""
    data, warnings = {"artifacts": []}, []
    BUILD.prepare(tree, version, data, warnings.append)
    return data, warnings


def break_source(tree):
    """Make the compiler fail."""
    (tree / BUILD.SOURCE).write_text("this is not C;\n")


PURE = {"artifacts": []}


def test_build_and_loader_agree_on_the_file():
    assert library.BESIDE.name == Path(BUILD.LIBRARY).name
    assert Path(BUILD.SOURCE).parent == Path(BUILD.LIBRARY).parent


@needs_compiler
def test_compiled_wheel_is_of_this_platform_and_of_every_python(tree):
    data, warnings = prepared(tree)
    assert data["tag"] == f"py3-none-{BUILD.platform_tag()}"
    assert data["pure_python"] is False
    assert data["artifacts"] == [f"/{BUILD.LIBRARY}"]
    assert not warnings
    assert library.open_library(tree / BUILD.LIBRARY).library


def test_platform_may_be_told(monkeypatch):
    """As it must be for a manylinux wheel."""
    monkeypatch.setenv("SKNET_PLATFORM_TAG", "manylinux_2_28_x86_64")
    assert BUILD.platform_tag() == "manylinux_2_28_x86_64"
    monkeypatch.delenv("SKNET_PLATFORM_TAG")
    assert not {"-", "."} & set(BUILD.platform_tag())


@needs_compiler
def test_pure_wheel_has_no_library_of_an_earlier_build(tree, monkeypatch):
    prepared(tree)
    monkeypatch.setenv("SKNET_BUILD", "pure")
    assert prepared(tree) == (PURE, [])
    assert not (tree / BUILD.LIBRARY).exists()


@pytest.mark.parametrize("version", ["standard", "editable"])
def test_missing_compiler_is_one_line_of_warning(tree, monkeypatch, version):
    monkeypatch.setenv("CC", "no-such-compiler")
    data, (warning,) = prepared(tree, version)
    assert data == PURE
    assert warning.count("\n") == 0
    assert "no C compiler was found (CC=no-such-compiler)" in warning


@needs_compiler
def test_failing_compiler_is_a_warning_and_leaves_nothing(tree, capfd):
    prepared(tree)
    break_source(tree)
    data, (warning,) = prepared(tree)
    assert data == PURE
    assert "the C compiler failed" in warning
    assert "error" in capfd.readouterr().err  # the compiler's own words
    assert not [*tree.glob("sknet/engine/_machine.*so*")]


@pytest.mark.parametrize("fault", ["missing", "failing"])
def test_no_library_is_an_error_if_one_is_asked_for(tree, monkeypatch, fault):
    monkeypatch.setenv("SKNET_BUILD", "compiled")
    if fault == "missing":
        monkeypatch.setenv("CC", "no-such-compiler")
    break_source(tree)
    with pytest.raises(SystemExit, match="was not compiled: "):
        prepared(tree)


def test_unknown_build_is_refused(tree, monkeypatch):
    monkeypatch.setenv("SKNET_BUILD", "fast")
    with pytest.raises(SystemExit, match="'fast', and may be 'compiled' or 'pure'"):
        prepared(tree)


@needs_compiler
def test_library_has_the_same_bytes_in_another_folder(tree, tmp_path):
    """And names no folder of the machine that it was compiled on."""
    prepared(tree)
    first = (tree / BUILD.LIBRARY).read_bytes()
    moved = tree.rename(tmp_path / "elsewhere")
    prepared(moved)
    assert (moved / BUILD.LIBRARY).read_bytes() == first
    assert str(tmp_path).encode() not in first


@needs_compiler
def test_editable_installation_compiles_what_has_changed(tree):
    library_file, source = tree / BUILD.LIBRARY, tree / BUILD.SOURCE
    prepared(tree, "editable")
    first = library_file.stat().st_mtime_ns
    prepared(tree, "editable")
    assert library_file.stat().st_mtime_ns == first
    os.utime(source, ns=(first + 1, first + 1))
    prepared(tree, "editable")
    assert library_file.stat().st_mtime_ns != first


@needs_compiler
def test_program_compiles_into_its_tree(tree):
    subprocess.run([sys.executable, tree / "hatch_build.py"], check=True)
    assert library.open_library(tree / BUILD.LIBRARY).library


@needs_compiler
def test_compiler_may_have_arguments(monkeypatch):
    command = BUILD.find_compiler()
    monkeypatch.setenv("CC", " ".join([*command, "-DSOME=1"]))
    assert BUILD.find_compiler() == [*command, "-DSOME=1"]
