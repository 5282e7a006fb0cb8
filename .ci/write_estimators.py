"""Generate constructors and docstrings of the estimators from the parameter table.

``make write`` rewrites the files; with ``--check`` nothing is written, and the exit
status shows whether they are up to date. Three parts of each class are generated: the
sections Parameters and Attributes of the docstring, and the constructor, which must
come last in the class. The text between them is kept.
"""

import argparse
import ast
import math
import re
import sys
import textwrap
from pathlib import Path


ROOT = Path(__file__).resolve().parents[1]
# The tables of this checkout, whichever is installed: E402 below, as the path is first.
sys.path.insert(0, str(ROOT))

from sknet.config.parameter import REQUIRED, value_for  # noqa: E402
from sknet.config.table import attributes_of, parameters_of  # noqa: E402
from sknet.lockstep.attributes import ATTRIBUTES  # noqa: E402
from sknet.lockstep.parameters import PARAMETERS  # noqa: E402


FILES = {
    "SimpleMLPClassifier": "sknet/estimators/classifier.py",
    "SimpleMLPRegressor": "sknet/estimators/regressor.py",
    "SimpleCNNClassifier": "sknet/estimators/cnn_classifier.py",
    "SimpleCNNRegressor": "sknet/estimators/cnn_regressor.py",
    "TabularMLPClassifier": "sknet/estimators/tabular_classifier.py",
    "TabularMLPRegressor": "sknet/estimators/tabular_regressor.py",
    "LockstepGridSearchCV": "sknet/lockstep/search.py",
    "LockstepRandomizedSearchCV": "sknet/lockstep/search.py",
    "LockstepHalvingSearchCV": "sknet/lockstep/halving.py",
    "LockstepHalvingRandomSearchCV": "sknet/lockstep/halving.py",
}
WIDTH = 88


def parameters(class_name):
    """Return the parameters of an estimator or a search."""
    return PARAMETERS.get(class_name) or parameters_of(class_name)


def attributes(class_name):
    """Return the fitted attributes of an estimator or a search."""
    return ATTRIBUTES.get(class_name) or attributes_of(class_name)


def literal(value):
    """Return a default value as source code."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float) and math.isnan(value):
        return "np.nan"
    text = repr(value).replace("Conv(filters=", "Conv(")
    return re.sub(r"e-0(\d)$", r"e-\1", text)


def paragraph(words):
    """Return a description, indented and wrapped."""
    return textwrap.fill(
        " ".join(words.split()),
        WIDTH,
        initial_indent=" " * 8,
        subsequent_indent=" " * 8,
        break_long_words=False,
        break_on_hyphens=False,
    )


def entry(class_name, item, default=None):
    """Return the docstring lines of one parameter or attribute."""
    kind = value_for(class_name, item.kind)
    stated = f"{kind}, default={default}" if default is not None else kind
    return (
        f"    {item.name} : {stated}\n{paragraph(value_for(class_name, item.words))}\n"
    )


def default_of(class_name, p):
    """Return the default of a parameter as source, or None if it must be given."""
    value = value_for(class_name, p.default)
    return None if value is REQUIRED else literal(value)


def parameters_section(class_name):
    """Return the body of the section Parameters of a class."""
    entries = parameters(class_name)
    return "".join(entry(class_name, p, default_of(class_name, p)) for p in entries)


def attributes_section(class_name):
    """Return the body of the section Attributes of a class."""
    return "".join(entry(class_name, a) for a in attributes(class_name))


def signature(class_name):
    """Return the lines of a constructor's parameters."""
    named = False
    for p in parameters(class_name):
        if not p.positional and not named:
            yield "        *,"
            named = True
        default = default_of(class_name, p)
        yield (
            f"        {p.name}," if default is None else f"        {p.name}={default},"
        )


def constructor(class_name):
    """Return the constructor of an estimator, which stores its parameters."""
    lines = ["    def __init__(", "        self,", *signature(class_name), "    ):"]
    lines += [f"        self.{p.name} = {p.name}" for p in parameters(class_name)]
    return "\n".join(lines) + "\n"


def constructor_of_search(class_name):
    """Return the constructor of a search, which hands them on to scikit-learn's."""
    lines = ["    def __init__(  # noqa: PLR0913, scikit-learn's", "        self,"]
    lines += [*signature(class_name), "    ):", "        super().__init__("]
    for p in parameters(class_name):
        name = p.name if p.positional else f"{p.name}={p.name}"
        lines.append(f"            {name},")
    return "\n".join([*lines, "        )"]) + "\n"


def section(text, title, body):
    """Return the text with the body of one docstring section replaced."""
    head = f"    {title}\n    {'-' * len(title)}\n"
    start = text.index(head) + len(head)
    end = text.index("\n\n    ", start) + 1
    return text[:start] + body + text[end:]


def rewritten(class_name, text):
    """Return the source of a class with its parts regenerated.

    A search without a constructor of its own has that of scikit-learn's class.
    """
    text = section(text, "Parameters", parameters_section(class_name))
    text = section(text, "Attributes", attributes_section(class_name))
    head, start, _ = text.partition("    def __init__(")
    if not start:
        return text
    write = constructor_of_search if class_name in PARAMETERS else constructor
    return head + write(class_name)


def updated(class_name, source):
    """Return a file with the source of one class regenerated."""
    (node,) = (
        n for n in ast.parse(source).body if getattr(n, "name", "") == class_name
    )
    lines = source.splitlines(keepends=True)
    start, end = node.lineno - 1, node.end_lineno
    own = rewritten(class_name, "".join(lines[start:end]))
    return "".join(lines[:start]) + own + "".join(lines[end:])


def main():
    """Write all files, or report those that are not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check, stale = parser.parse_args().check, []
    for class_name, name in FILES.items():
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = updated(class_name, before)
        if after != before:
            stale.append(class_name)
            if not check:
                path.write_text(after, encoding="utf-8")
    if check and stale:
        sys.exit(f"Not up to date with the tables: {', '.join(stale)}. Run: make write")


if __name__ == "__main__":
    main()
