"""The programs that check a release."""

import importlib.util
import json
import sys
import tomllib
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]


def program(name):
    """Load a module of ``.ci/``."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


AUDIT, WHEEL = program("audit"), program("wheel")
UNKNOWN = "Dependency not found on PyPI and could not be audited: numpy (2.4.6)"
CLEAN_PACKAGE = {"name": "numpy", "version": "2.4.6", "vulns": []}
SKIPPED_PACKAGE = {"name": "numpy", "skip_reason": UNKNOWN}
KNOWN = {"id": "PYSEC-2026-1", "fix_versions": ["1.17.2"], "aliases": []}
VULNERABLE_PACKAGE = {"name": "scipy", "version": "1.17.1", "vulns": [KNOWN]}


def report(*packages):
    """What pip-audit prints on both streams."""
    return json.dumps({"dependencies": packages, "fixes": []}), "a warning\n"


UNREACHABLE = "", "Traceback ...\nConnectionError: api.osv.dev\n"


@pytest.mark.parametrize(
    ("answers", "status", "said"),
    [
        ([report(CLEAN_PACKAGE)], 0, "no known vulnerability according to pypi"),
        ([report(SKIPPED_PACKAGE), report(CLEAN_PACKAGE)], 0, "according to osv"),
        (
            [report(VULNERABLE_PACKAGE)],
            1,
            "scipy 1.17.1: PYSEC-2026-1, fixed in 1.17.2",
        ),
        ([report(SKIPPED_PACKAGE, VULNERABLE_PACKAGE)], 1, "VULNERABLE"),
        ([UNREACHABLE, report(VULNERABLE_PACKAGE)], 1, "VULNERABLE"),
        ([report(SKIPPED_PACKAGE), UNREACHABLE], 2, "NOT AUDITED"),
        ([report(CLEAN_PACKAGE, SKIPPED_PACKAGE), UNREACHABLE], 2, "1 of 2"),
        ([report(), UNREACHABLE], 2, "ConnectionError: api.osv.dev"),
    ],
)
def test_audit_tells_found_from_unreachable(answers, status, said):
    """A package that nobody answered for is not taken for one without defects."""
    answers = dict(zip(AUDIT.SERVICES, answers, strict=False))
    given, lines = AUDIT.audit("numpy==2.4.6", lambda service, _: answers[service])
    assert given == status
    assert said in "\n".join(lines)


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize(("status", "exit_status"), [(0, 0), (1, 1), (2, 2)])
def test_only_silence_may_be_allowed(status, exit_status, allowed, monkeypatch, capsys):
    monkeypatch.setattr(AUDIT, "installed", str)
    monkeypatch.setattr(AUDIT, "audit", lambda _: (status, ["the news"]))
    monkeypatch.setattr(sys, "argv", ["audit", *["--allow-unreachable"] * allowed])
    assert AUDIT.main() == (0 if allowed and status == 2 else exit_status)
    assert capsys.readouterr().out == "the news\n"


INFO = "sknet_mlp-0.1.0.dist-info"
OURS = {"sknet/__init__.py", "sknet/py.typed"}
COMPLETE = {f"{INFO}/{n}" for n in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")}
COMPLETE |= OURS


@pytest.mark.parametrize("lost", sorted(COMPLETE))
def test_wheel_lacks_nothing(lost):
    assert not list(WHEEL.wheel_complaints(COMPLETE, OURS))
    (complaint,) = WHEEL.wheel_complaints(COMPLETE - {lost}, OURS)
    assert lost in complaint


@pytest.mark.parametrize("extra", ["tests/test_x.py", "sknet/notes.txt", "x.pth"])
def test_wheel_holds_nothing_else(extra):
    (complaint,) = WHEEL.wheel_complaints(COMPLETE | {extra}, OURS)
    assert extra in complaint


LIBRARY = "sknet/engine/_machine.so"
MADE = {  # kind of a wheel: its name, a file in it, the lines of WHEEL
    "pure": ("py3-none-any", "sknet/__init__.py", "true"),
    "compiled": ("py3-none-linux_x86_64", LIBRARY, "false"),
}


@pytest.mark.parametrize("claimed", MADE)
@pytest.mark.parametrize("part", [None, 0, 1, 2])
def test_wheel_is_of_the_kind_that_it_claims(claimed, part):
    """One part after the other is taken from the other kind."""
    (other,) = MADE.keys() - {claimed}
    tag, name, purelib = (
        MADE[other if i == part else claimed][i] for i in range(len(MADE[claimed]))
    )
    text = f"Root-Is-Purelib: {purelib}\nTag: {MADE[claimed][0]}\n"
    wheel = f"sknet_mlp-0.1.0-{tag}.whl"
    complaints = list(WHEEL.kind_complaints(claimed, wheel, {name}, text))
    assert bool(complaints) == (part is not None)


def test_compiled_wheel_serves_every_python():
    wheel = "sknet_mlp-0.1.0-cp311-cp311-linux_x86_64.whl"
    text = "Root-Is-Purelib: false\nTag: cp311-cp311-linux_x86_64\n"
    (complaint,) = WHEEL.kind_complaints("compiled", wheel, {LIBRARY}, text)
    assert "is called" in complaint


@pytest.mark.parametrize("lost", sorted(WHEEL.SDIST_PARTS))
def test_source_archive_is_complete(lost):
    names = {f"sknet-0.1.0/{part}" for part in WHEEL.SDIST_PARTS}
    assert not list(WHEEL.sdist_complaints(names, WHEEL.SDIST_PARTS))
    (complaint,) = WHEEL.sdist_complaints(names - {f"sknet-0.1.0/{lost}"}, set())
    assert lost in complaint


def test_source_archive_holds_what_is_under_version_control():
    """Without git, in an unpacked source archive, there is nothing to compare."""
    names = {f"sknet-0.1.0/{part}" for part in WHEEL.SDIST_PARTS}
    names.add("sknet-0.1.0/docs/notes.env")
    assert not list(WHEEL.sdist_complaints(names, set()))
    (complaint,) = WHEEL.sdist_complaints(names, WHEEL.SDIST_PARTS)
    assert "docs/notes.env" in complaint


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
METADATA = (
    """\
Metadata-Version: 2.4
Name: {name}
Version: 1.2.0
Summary: {description}
License-Expression: {license}
Requires-Python: {requires-python}
Description-Content-Type: text/markdown
""".format(**PROJECT)
    + "".join(f"Classifier: {c}\n" for c in PROJECT["classifiers"])
)


@pytest.mark.parametrize("field", METADATA.splitlines()[1:])
def test_wheel_says_what_the_project_does(field):
    """Name, version, licence, versions of Python, and each classifier."""
    changes = "# Changes\n\n## 1.2.0 (2027-01-01)\n"
    given = PROJECT, "1.2.0", changes
    assert not list(WHEEL.metadata_complaints(METADATA, *given))
    broken = METADATA.replace(f"{field}\n", f"{field.partition(': ')[0]}: other\n")
    (complaint,) = WHEEL.metadata_complaints(broken, *given)
    assert field.partition(": ")[2] in complaint


def test_version_of_a_wheel_is_the_newest_in_the_changes():
    """Whoever forgets the heading is told."""
    changes = "# Changes\n\n## 1.1.0\n\n## 1.2.0\n"
    (complaint,) = WHEEL.metadata_complaints(METADATA, PROJECT, "1.2.0", changes)
    assert "begins with 1.1.0" in complaint


def test_builds_have_the_date_of_the_commit_or_a_fixed_one(monkeypatch, tmp_path):
    """So that their bytes do not depend on the hour."""
    assert WHEEL.source_date() == WHEEL.source_date()
    assert WHEEL.source_date().isdigit()
    monkeypatch.setattr(WHEEL, "ROOT", tmp_path)
    assert WHEEL.source_date() == WHEEL.NO_COMMIT
