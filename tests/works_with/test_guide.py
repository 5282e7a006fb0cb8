"""The recipes of the guide, run as they stand where their library is installed."""

import ast
import re
import textwrap
from pathlib import Path

import pytest


PAGE = Path(__file__).parents[2] / "docs" / "user_guide" / "works_with.rst"
SECTIONS = re.split(r"\n(?=[^\n]+\n-{4,}\n)", PAGE.read_text(encoding="utf-8"))
BLOCK = re.compile(r"\.\. code-block:: python\n\n((?: {4}.*\n|\n)+)")
MORE = {"joblibspark", "mlforecast", "ray", "skforecast"}  # make test-works-with-more

# Servers that a recipe starts are for this machine, and report to nobody.
ON_THIS_MACHINE = {
    "RAY_AUTH_MODE": "disabled",  # else a token in the home folder
    "RAY_USAGE_STATS_ENABLED": "0",
    "SPARK_LOCAL_IP": "127.0.0.1",
}


def modules(code):
    """Modules that a recipe imports."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield getattr(node, "module", None) or node.names[0].name


def config(title, code):
    """A recipe as a case, marked where its libraries stand apart."""
    code = textwrap.dedent(code)
    apart = MORE & {name.split(".")[0] for name in modules(code)}
    return pytest.param(code, id=title, marks=[pytest.mark.more] if apart else [])


RECIPES = [
    config(section.split("\n")[0], code)
    for section in SECTIONS
    for code in BLOCK.findall(section)
]


def test_all_recipes_are_found():
    assert len(RECIPES) == PAGE.read_text().count("code-block:: python") >= 20


@pytest.mark.filterwarnings("ignore")  # of the libraries, when they are imported
@pytest.mark.parametrize("code", RECIPES)
def test_recipe_runs(code, monkeypatch, tmp_path, capsys):
    """After the lines that the guide begins with."""
    monkeypatch.chdir(tmp_path)
    if "import shap" in code:  # compiling its loops takes longer than all else
        numba = pytest.importorskip("numba")
        monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    for name in modules(code):
        pytest.importorskip(name)
    for name, value in ON_THIS_MACHINE.items():
        monkeypatch.setenv(name, value)
    (first,) = BLOCK.findall(PAGE.with_name("index.rst").read_text(encoding="utf-8"))
    names = {}
    exec(textwrap.dedent(first), names)
    exec(code, names)
    assert ("print(" in code) == bool(capsys.readouterr().out)
