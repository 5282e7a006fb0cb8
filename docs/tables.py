"""Tables made from the source: of a registry, and of scikit-learn's tests that differ.

``.. registry-table:: sknet.activations.ACTIVATIONS`` lists the components by name,
``.. deviations-table::`` what ``tests/test_sklearn_suite.py`` keeps.
"""

import ast
import dataclasses
import importlib
import inspect
import itertools
import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective


ROOT = Path(__file__).resolve().parents[1]
GALLERY = [
    "plot_quick_start.py",
    "plot_raw_table.py",
    "plot_images.py",
    "plot_pipeline_grid_search.py",
    "plot_lockstep_search.py",
    "plot_ensemble_uncertainty.py",
    "plot_compare_with_mlpclassifier.py",
    "plot_early_stopping_own_metric.py",
    "plot_class_weights.py",
    "plot_sparse_text.py",
    "plot_out_of_core.py",
]


def gallery_order(name):
    """Return the key to sort examples by: the order above, then others by name."""
    return (GALLERY.index(name) if name in GALLERY else len(GALLERY), name)


class Table(SphinxDirective):
    """A directive that writes a list-table and lets Sphinx parse it."""

    def parse(self, header, rows, widths, style=""):
        """Return the nodes of a table of reStructuredText cells."""
        lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}"]
        lines += [f"   :class: {style}"] if style else []
        lines.append("")
        for row in [header, *rows]:
            for i, cell in enumerate(row):
                first, *rest = cell.splitlines() or [""]
                lines.append(("   * - " if i == 0 else "     - ") + first)
                lines += [f"       {line}".rstrip() for line in rest]
        node = nodes.container()
        source = StringList([*lines, ""], source=f"<{self.name}>")
        self.state.nested_parse(source, self.content_offset, node)
        return node.children


class RegistryTable(Table):
    """The components of a family by name: class and options, what it is."""

    required_arguments = 1

    def run(self):
        """Import the registry and list it."""
        module, _, name = self.arguments[0].rpartition(".")
        registry = getattr(importlib.import_module(module), name)
        rows = [
            (
                f"{_names(cls)} :class:`~{module}.{cls.__name__}`\n\n{_options(cls)}",
                f"{_sentence(cls)}\n\n{_formula(cls)}",
            )
            for _, cls in sorted(registry.items())
        ]
        head = ("name, class, options", "what it is")
        return self.parse(head, rows, "36 64", style="registry")


class DeviationsTable(Table):
    """scikit-learn's tests that fail for our classes, each with the reason."""

    def run(self):
        """Read the table from the source of the test."""
        path = ROOT / "tests" / "test_sklearn_suite.py"
        self.env.note_dependency(str(path))
        rows = {  # one for each function, whatever classes it is run with
            f"``{test.partition('[')[0]}``": f"It {reason}. Ours: ``{ours}``."
            for test, (reason, ours) in _assigned(path, "DEVIATIONS").items()
        }
        header = ("scikit-learn's test", "why it does not hold, and the test of ours")
        return self.parse(header, rows.items(), "30 70")


def _assigned(path, name):
    """Return the literal that a module assigns to a name, without importing it."""
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == name:
            return ast.literal_eval(statement.value)
    raise LookupError(f"{path} assigns no {name}.")


def _sentence(cls):
    """Return the first line of the docstring."""
    return inspect.getdoc(cls).partition("\n")[0]


def _names(cls):
    """Return the names that are options, the synonyms in brackets."""
    also = ", ".join(f'``"{name}"``' for name in cls.synonyms)
    return f'``"{cls.name}"``' + (f" (or {also})" if also else "")


def _options(cls):
    """Return a line block of the fields: default, and what each may be."""
    lines = []
    for field in dataclasses.fields(cls):
        domain = field.metadata.get("domain")
        words = "" if domain is None else ": " + _as_code(domain.words)
        lines.append(f"| ``{field.name}={field.default!r}``{words}")
    return "\n".join(lines)


def _as_code(words):
    """Return the words with what stands in quotes as code."""
    return re.sub(r"'[^']*'", r"``\g<0>``", words)


def _formula(cls):
    """Return the first formula of the docstring, as a display."""
    _, found, rest = inspect.getdoc(cls).partition(".. math::")
    # it ends at the first line that is not indented, or is empty
    block = itertools.takewhile(
        lambda line: line.startswith(" "), rest.strip("\n").splitlines()
    )
    formula = [f"   {line.strip()}" for line in block]
    return "\n".join([".. math::", "", *formula]) if found else ""


def setup(app):
    """Register the directives."""
    app.add_directive("registry-table", RegistryTable)
    app.add_directive("deviations-table", DeviationsTable)
    return {"parallel_read_safe": True}
