"""The code in the README and the examples of the gallery, run as they stand."""

import contextlib
import io
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn

from sknet.engine.machine import machine


ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", "docs/start.rst"]
ENGINE_PAGE = pytest.param(
    "docs/engine.rst",
    marks=pytest.mark.skipif(machine() is None, reason="The engine is not compiled."),
)
EXAMPLES = sorted((ROOT / "examples").rglob("plot_*.py"))
ADD_YOUR_OWN = ROOT / "docs" / "user_guide" / "add_your_own.rst"
# These have tests beside those of the libraries.
ELSEWHERE = {
    ROOT / "docs" / "user_guide" / f"{p}.rst" for p in ("works_with", "exporters")
}
GUIDE_INDEX = ROOT / "docs" / "user_guide" / "index.rst"
GUIDE = set((ROOT / "docs" / "user_guide").glob("*.rst"))
GUIDE = sorted(GUIDE - ELSEWHERE - {ADD_YOUR_OWN})
# Chapters whose code needs libraries that not everybody has.
NEEDS = {"onnx": ("skl2onnx", "onnxruntime"), "saving": ("skops",)}
INDENTED = r"\n\n((?:    .*\n|\n)+?)\n*"


def code_and_output(page):
    """The blocks of Python that print something, each with what it should print."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".md":
        return re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    python, output = r"\.\. code-block:: python", r"\.\. code-block:: text"
    return re.findall(rf"{python}{INDENTED}{output}{INDENTED}(?=\S)", text)


def code_blocks(page):
    """The blocks of Python of a page."""
    text = page.read_text(encoding="utf-8") + "\nx"
    blocks = re.findall(rf"\.\. code-block:: python{INDENTED}(?=\S)", text)
    assert len(blocks) == text.count(".. code-block:: python")
    return blocks


def unindented(block):
    """The lines of a block, without what all of them are indented by."""
    lines = block.strip("\n").splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line)
    return "\n".join(line[margin:] for line in lines) + "\n"


@pytest.mark.parametrize("page", [*PAGES, ENGINE_PAGE])
def test_code_on_the_page_prints_what_the_page_says(page):
    """Each block of code runs without a warning, and prints the block below it."""
    blocks = code_and_output(ROOT / page)
    assert blocks

    for code, expected in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(unindented(code), {})
        assert printed.getvalue() == unindented(expected)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("path", GUIDE, ids=lambda path: path.stem)
def test_code_in_the_user_guide_runs(path, monkeypatch, tmp_path):
    """Each block of code of a chapter runs after the lines of the first page."""
    monkeypatch.chdir(tmp_path)  # some write files
    for library in NEEDS.get(path.stem, ()):
        pytest.importorskip(library)
    (first,) = code_blocks(GUIDE_INDEX)

    for code in code_blocks(path):
        names = {}
        exec(unindented(first), names)
        with sklearn.config_context(), contextlib.redirect_stdout(io.StringIO()):
            exec(unindented(code), names)


def test_promises_name_tests_that_exist():
    """What the guide calls a test of a promise is one, in the file that it names."""
    page = (ROOT / "docs" / "user_guide" / "reliability.rst").read_text("utf-8")
    names = re.findall(r"``((?:engine/)?test_\w+)(\.py)?``", page)
    assert len(names) > 80
    source = ""
    for name, is_file in names:
        if is_file:
            source = (ROOT / "tests" / f"{name}.py").read_text("utf-8")
        else:
            assert f"\ndef {name}(" in source, name


def test_own_components_of_the_user_guide_pass_their_checks(tmp_path):
    """They are registered for ever, and so run in a process of their own."""
    script = tmp_path / "own.py"
    script.write_text("".join(map(unindented, code_blocks(ADD_YOUR_OWN))))

    subprocess.run([sys.executable, "-W", "error", str(script)], check=True, cwd=ROOT)


def test_own_components_of_the_user_guide_have_their_onnx_forms(tmp_path):
    """Those of the activation and of the layers, for any number of members."""
    pytest.importorskip("onnxruntime")
    script = tmp_path / "own.py"
    compare = """
import sys

sys.path.insert(0, "tests")
from layer_graphs import assert_same
from sknet.network.layers import Activate, Sequential

examples = [(Scale(), (4,)), (Scale(), (2, 3, 4)), (Swap(), (2, 3))]
examples += [(Sequential((Swap(), Scale(), Swap())), (2, 3))]
examples += [(Activate(ScaledSine(2.0)), (4,))]
for layer, shape in examples:
    for n_members, own_rows in ((1, False), (3, False), (3, True)):
        assert_same(layer, shape, np.float32, n_members, own_rows)
        assert_same(layer, shape, np.float64, n_members, own_rows)
"""
    script.write_text("".join(map(unindented, code_blocks(ADD_YOUR_OWN))) + compare)

    subprocess.run([sys.executable, str(script)], check=True, cwd=ROOT)


def test_readme_and_quick_start_show_the_same_code():
    """The README's example is that of the quick start."""
    readme, start = (code_and_output(ROOT / page)[0] for page in PAGES)

    assert unindented(readme[0]) == unindented(start[0])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_labels_its_axes(path, monkeypatch, capsys):
    """Each example ends without a warning, prints, and draws figures that say what."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figures = []
    monkeypatch.setattr(
        pyplot, "show", lambda: figures.extend(map(pyplot.figure, pyplot.get_fignums()))
    )

    try:
        with matplotlib.rc_context():  # a page may choose its colours
            runpy.run_path(str(path), run_name="__main__")
        assert figures
        for axes in {axes for figure in figures for axes in figure.axes}:
            assert axes.get_xlabel()
        assert all(any(axes.get_ylabel() for axes in f.axes) for f in figures)
    finally:
        pyplot.close("all")
    assert capsys.readouterr().out


def test_gallery_lists_every_example():
    """The order of the gallery (docs/tables.py) names the examples there are."""
    order = re.findall(r'"(plot_\w+\.py)"', (ROOT / "docs" / "tables.py").read_text())

    # the pages of the course are numbered
    top = [path.name for path in EXAMPLES if path.parent.name == "examples"]
    assert sorted(order) == sorted(top)
