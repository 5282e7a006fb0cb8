"""Compile the engine: the build hook of hatchling, and a program that ``make`` runs.

The result is a plain C library without any header of Python or NumPy, loaded by ctypes
(`sknet.engine.library`). One wheel for each platform therefore serves all versions of
Python. ``python hatch_build.py`` compiles into the source tree; see CONTRIBUTING.md for
the environment variables.
"""

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path


ROOT = Path(__file__).resolve().parent
SOURCE = "sknet/engine/_machine.c"
SUFFIX = {"darwin": "dylib", "win32": "dll"}.get(sys.platform, "so")
LIBRARY = f"sknet/engine/_machine.{SUFFIX}"

MODES = ("", "compiled", "pure")  # of SKNET_BUILD
# Products are not fused with sums, so that results are those of separate operations;
# errno and the flags of floating-point exceptions are not read.
FLAGS = ["-std=gnu11", "-shared", "-fvisibility=hidden", "-ffp-contract=off"]
FLAGS += ["-fno-math-errno", "-fno-trapping-math"]
OPTIMIZED = ["-O3"]
SANITIZED = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover"]
SANITIZED += ["-fsanitize=address,undefined"]
MACOS = "11.0"  # the oldest one that all its processors have
# What a linker writes of itself into the file, such as the time, is left out.
OF_SYSTEM = {
    "darwin": ["-fPIC", "-arch", platform.machine(), f"-mmacosx-version-min={MACOS}"],
    "win32": ["-static-libgcc", "-Wl,--no-insert-timestamp"],
}
ELSEWHERE = ["-fPIC", "-Wl,--build-id=none"]


def find_compiler():
    """Return the command of a C compiler as a list, or None; CC comes first."""
    if chosen := os.environ.get("CC"):
        candidates = [chosen]
    else:
        candidates = [sysconfig.get_config_var("CC") or "cc", "cc", "gcc", "clang"]
    commands = [shlex.split(text) for text in candidates]
    return next((c for c in commands if shutil.which(c[0])), None)


def compile_library(root, target, options):
    """Compile the engine below `root` to the file `target`; return why not, or "".

    The compiler itself writes its errors. The file is replaced at once, because a
    running process may have loaded the old one.
    """
    compiler = find_compiler()
    if compiler is None:
        return f"no C compiler was found (CC={os.environ.get('CC', '')})"
    target = Path(target).absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f"{target.name}.{os.getpid()}")
    # With names relative to the root, no path of this machine is in the file.
    command = [*compiler, *FLAGS, *options, f"-ffile-prefix-map={root}=."]
    command += [*OF_SYSTEM.get(sys.platform, ELSEWHERE), "-o", str(new), SOURCE]
    command += [] if sys.platform == "win32" else ["-lm"]
    if subprocess.run(command, cwd=root).returncode:
        new.unlink(missing_ok=True)
        return f"the C compiler failed ({shlex.join(compiler)})"
    new.replace(target)
    return ""


def provide_library(root, warn=print):
    """Compile into the source tree as SKNET_BUILD says; return whether it was done.

    sknet works without the library, so that a failure is only a warning, unless
    SKNET_BUILD is "compiled". No library of an earlier build is left then.
    """
    mode = os.environ.get("SKNET_BUILD", "")
    if mode not in MODES:
        sys.exit(f"SKNET_BUILD is {mode!r}, and may be 'compiled' or 'pure'.")
    library = Path(root, LIBRARY)
    error = "" if mode == "pure" else compile_library(root, library, OPTIMIZED)
    if error or mode == "pure":
        library.unlink(missing_ok=True)
    if error and mode == "compiled":
        sys.exit(f"The engine of sknet was not compiled: {error}.")
    if error:
        warn(f"The engine of sknet was not compiled, and NumPy is used: {error}.")
    return library.exists()


def is_current(root):
    """Return whether the library in the source tree is newer than its sources."""
    sources = [Path(root, "hatch_build.py"), *Path(root, SOURCE).parent.glob("*.[ch]")]
    newest = max(path.stat().st_mtime_ns for path in sources)
    library = Path(root, LIBRARY)
    return library.exists() and library.stat().st_mtime_ns > newest


def platform_tag():
    """Return the last part of the wheel's name: this system, or SKNET_PLATFORM_TAG."""
    system = sysconfig.get_platform()
    if sys.platform == "darwin":  # Python itself may be for two processors
        system = f"macosx-{MACOS}-{platform.machine()}"
    tag = os.environ.get("SKNET_PLATFORM_TAG") or system
    return tag.replace("-", "_").replace(".", "_")


def prepare(root, version, build_data, warn=print):
    """Compile for a wheel, and enter the library and its platform in `build_data`.

    In an editable installation (`version` is "editable"), a library that is newer than
    its sources is kept: each ``pip install -e`` of the Makefile would compile again.
    """
    pure = os.environ.get("SKNET_BUILD") == "pure"
    if version == "editable" and is_current(root) and not pure:
        return
    if provide_library(root, warn):
        build_data["artifacts"].append(f"/{LIBRARY}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"


def get_build_hook():
    """Return the class that hatchling asks for; only hatchling needs its package."""
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface

    class EngineHook(BuildHookInterface):
        def initialize(self, version, build_data):
            prepare(self.root, version, build_data, self.app.display_warning)

    return EngineHook


def main():
    """Compile into the source tree, or with the sanitizers into another file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sanitized", metavar="FILE")
    target = parser.parse_args().sanitized
    if target is None:
        provide_library(ROOT)
    elif error := compile_library(ROOT, target, SANITIZED):
        sys.exit(f"{target} was not compiled: {error}.")


if __name__ == "__main__":
    main()
