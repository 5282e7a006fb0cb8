"""Small C libraries for tests, and whether they can be compiled here."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
BUILD = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(BUILD)

needs_compiler = pytest.mark.skipif(
    BUILD.find_compiler() is None, reason="there is no C compiler"
)


def without_preload():
    """Return the environment for a compiler, which sanitizers should not check."""
    return {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}


def compile_text(text, folder):
    """Compile C to a new library in a folder, and return its path."""
    source, path = folder / "given.c", folder / f"given.{BUILD.SUFFIX}"
    source.write_text(text)
    command = [*BUILD.find_compiler(), "-shared", "-fPIC", str(source), "-o", str(path)]
    subprocess.run(command, check=True, env=without_preload())
    return path
