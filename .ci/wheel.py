"""Build the release files twice, compare them, check their contents, test the wheels.

There are two wheels: one with the compiled engine, for this platform, and a pure one.
The second build starts from the source archive of the first, in another folder and with
other file times: a build from the published sources reproduces the published files.
``make wheel`` runs it; the files are in ``dist/``, the test environment is
``.venv-wheel/``.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from email import message_from_string
from pathlib import Path


ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
TRIAL = ROOT / ".venv-wheel"
NO_COMMIT = "1580601600"  # hatchling's default, for sources without history
SDIST_PARTS = {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml", "sknet", "tests"}
SDIST_PARTS |= {"hatch_build.py"}
KINDS = ("pure", "compiled")  # of wheels: values of SKNET_BUILD
LIBRARY = re.compile(r"sknet/engine/_machine\.(so|dylib|dll)")
# What python -m sknet says of the engine.
REPORTS = {
    "pure": "engine: NumPy. sknet was installed without its compiled library",
    "compiled": "engine: compiled, ",
}
# Run outside of the source tree, by a Python that sees only its own packages.
SMOKE = """
import sys
import sknet
from sklearn.datasets import load_iris

assert sknet.__file__.startswith(sys.prefix), sknet.__file__
X, y = load_iris(return_X_y=True)
network = sknet.SimpleMLPClassifier((8,), solver="lbfgs", random_state=0).fit(X, y)
assert network.score(X, y) > 0.95, network.score(X, y)
table = sknet.TabularMLPRegressor((8,), max_iter=2, random_state=0).fit(X, y)
assert table.predict(X).shape == y.shape
print(f"sknet {sknet.__version__} works, installed from its wheel alone")
"""


def run(*command, **options):
    """Run a command; if it fails, exit, since it has reported the error itself."""
    status = subprocess.run([str(part) for part in command], **options).returncode
    if status:
        sys.exit(status)


def git(*arguments):
    """Return git's output for the sources; empty without git or history."""
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def source_date():
    """Return the time stamp of all files in the archives: that of the commit."""
    return git("log", "-1", "--format=%ct") or NO_COMMIT


def unpack(sdist, folder):
    """Unpack a source archive, with current file times; return its only folder."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = Path(folder).iterdir()
    for path in source.rglob("*"):
        path.touch()
    return source


def build(source, out):
    """Build the source archive, and from it the wheels; return all by their kind."""
    # Use the pinned hatchling of this environment, not the newest release.
    command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", out)
    run(*command, "--sdist", source)
    (sdist,) = out.glob("*.tar.gz")
    built = {"sdist": sdist}
    with tempfile.TemporaryDirectory() as elsewhere:
        unpacked = unpack(sdist, elsewhere)
        for kind in KINDS:
            run(*command, "--wheel", unpacked, env={**os.environ, "SKNET_BUILD": kind})
            (built[kind],) = set(out.glob("*.whl")) - set(built.values())
    return built


def build_again(sdist, out):
    """Build from the contents of a source archive, in another folder."""
    with tempfile.TemporaryDirectory() as elsewhere:
        return build(unpack(sdist, elsewhere), out)


def digest(path):
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wheel_complaints(names, sources):
    """Iterate over the errors in the names in a wheel, given those of the sources."""
    names = set(names)
    for name in sorted(sources - names):
        yield f"the wheel lacks {name}"
    (info,) = {name.split("/")[0] for name in names if ".dist-info/" in name}
    own = {f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL")}
    own.add(f"{info}/licenses/LICENSE")
    for name in sorted(own - names):
        yield f"the wheel lacks {name}"
    for name in sorted(names - sources - own):
        yield f"the wheel has {name}, which is not a source file"


def kind_complaints(kind, wheel, names, text):
    """Iterate over what is wrong with a wheel of a kind: its name, names and WHEEL.

    No part of the compiled engine depends on the version of Python.
    """
    compiled = kind == "compiled"
    tag = wheel.removesuffix(".whl").split("-", 2)[2]
    if not tag.startswith("py3-none-") or compiled == tag.endswith("-any"):
        yield f"the {kind} wheel is called {wheel}"
    libraries = [name for name in names if LIBRARY.fullmatch(name)]
    if len(libraries) != compiled:
        yield f"the {kind} wheel has {len(libraries)} libraries"
    found = message_from_string(text)
    if (found["Tag"], found["Root-Is-Purelib"]) != (tag, str(not compiled).lower()):
        yield f"the {kind} wheel's WHEEL is that of another kind"


def sdist_complaints(names, tracked):
    """Iterate over the errors in a source archive, given the files tracked by git.

    The wheel is built from the archive, so that untracked files are in neither.
    """
    files = {name.partition("/")[2] for name in names}
    for part in sorted(SDIST_PARTS - {file.split("/")[0] for file in files}):
        yield f"the source archive lacks {part}"
    for file in sorted(files - tracked - {"PKG-INFO"}) if tracked else ():
        yield f"the source archive has {file}, which is not under version control"


def metadata_complaints(text, project, version, changes):
    """Iterate over the errors in a wheel's METADATA, before it is published.

    It is compared with the table ``project`` of pyproject.toml, the version of the
    sources, and the text of the change log.
    """
    found = message_from_string(text)
    known = {
        "Name": project["name"],
        "Version": version,
        "Summary": project["description"],
        "License-Expression": project["license"],
        "Requires-Python": project["requires-python"],
        "Description-Content-Type": "text/markdown",
    }
    for field, value in known.items():
        if sorted(str(found[field]).split(",")) != sorted(value.split(",")):
            yield f"METADATA has {field}: {found[field]}, not {value}"
    for name in sorted(set(project["classifiers"]) - set(found.get_all("Classifier"))):
        yield f"METADATA lacks the classifier {name}"
    heading = re.search(r"^## (\S+)", changes, re.MULTILINE)
    if heading is None or heading[1] != version:
        yield f"CHANGES.md begins with {heading and heading[1]}, not with {version}"


def try_wheel(kind, wheel):
    """Install the wheel in an empty environment, and use it."""
    venv.create(TRIAL, clear=True, with_pip=True)
    python = next(TRIAL.glob("*/python"), TRIAL / "Scripts" / "python.exe")
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", wheel)
    run(*pip, "check")
    with tempfile.TemporaryDirectory() as elsewhere:
        run(python, "-I", "-W", "error", "-c", SMOKE, cwd=elsewhere)
        command = [python, "-I", "-m", "sknet"]
        done = subprocess.run(command, cwd=elsewhere, capture_output=True, text=True)
    (line,) = re.findall("^engine: .*$", done.stdout, re.MULTILINE) or [done.stderr]
    print(line)
    if not line.startswith(REPORTS[kind]):
        sys.exit(f"The {kind} wheel does not report: {REPORTS[kind]}")


def compare(built, again):
    """Print the digests of the files; exit if those of the second build differ."""
    for kind, ours in built.items():
        print(f"{digest(ours)}  {ours.name}")
        if digest(ours) != digest(again[kind]):
            sys.exit(f"{ours.name} differs from build to build")


def check_wheel(kind, wheel):
    """Iterate over the errors in a wheel: its files and its metadata."""
    files = [*(ROOT / "sknet").rglob("*.py"), ROOT / "sknet" / "py.typed"]
    sources = {path.relative_to(ROOT).as_posix() for path in files}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    source = (ROOT / "sknet" / "_version.py").read_text(encoding="utf-8")
    version = re.search(r'^__version__ = "(.+)"$', source, re.MULTILINE)[1]
    changes = (ROOT / "CHANGES.md").read_text(encoding="utf-8")
    with zipfile.ZipFile(wheel) as inside:
        names = inside.namelist()
        text = {
            name.rpartition("/")[2]: inside.read(name).decode("utf-8")
            for name in names
            if name.endswith((".dist-info/METADATA", ".dist-info/WHEEL"))
        }
    libraries = {name for name in names if LIBRARY.fullmatch(name)}
    yield from wheel_complaints(names, sources | libraries)
    yield from kind_complaints(kind, wheel.name, names, text["WHEEL"])
    yield from metadata_complaints(text["METADATA"], project, version, changes)


def main():
    """Build, compare, check and test."""
    os.environ.setdefault("SOURCE_DATE_EPOCH", source_date())
    shutil.rmtree(DIST, ignore_errors=True)
    built = build(ROOT, DIST)
    with tempfile.TemporaryDirectory() as second:
        compare(built, build_again(built["sdist"], Path(second)))
    run(sys.executable, "-m", "twine", "check", "--strict", *built.values())

    with tarfile.open(built["sdist"]) as archive:
        packed = [member.name for member in archive if member.isfile()]
    complaints = [*sdist_complaints(packed, set(git("ls-files").splitlines()))]
    for kind in KINDS:
        complaints += check_wheel(kind, built[kind])
    if complaints:
        sys.exit("\n".join(complaints))
    for kind in KINDS:
        try_wheel(kind, built[kind])


if __name__ == "__main__":
    main()
