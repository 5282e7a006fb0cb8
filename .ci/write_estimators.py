"""Generate constructors and docstrings of the estimators from the parameter table.

``make write`` rewrites the files; with ``--check`` nothing is written, and the exit
status shows whether they are up to date. Three parts of each class are generated: the
sections Parameters and Attributes of the docstring, and the constructor, which must
come last in the class. The text between them is kept.
"""

import argparse
import re
import sys
import textwrap
from pathlib import Path


ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the table of this checkout, whichever is installed

from sknet.config.parameter import value_for  # noqa: E402
from sknet.config.table import attributes_of, parameters_of  # noqa: E402


FILES = {
    "SimpleMLPClassifier": "sknet/estimators/classifier.py",
    "SimpleMLPRegressor": "sknet/estimators/regressor.py",
    "TabularMLPClassifier": "sknet/estimators/tabular_classifier.py",
    "TabularMLPRegressor": "sknet/estimators/tabular_regressor.py",
}
WIDTH = 88


def literal(value):
    """Return a default value as source code."""
    if isinstance(value, str):
        return f'"{value}"'
    text = repr(value)
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


def parameters_section(class_name):
    """Return the body of the section Parameters of a class."""
    return "".join(
        entry(class_name, p, literal(value_for(class_name, p.default)))
        for p in parameters_of(class_name)
    )


def attributes_section(class_name):
    """Return the body of the section Attributes of a class."""
    return "".join(entry(class_name, a) for a in attributes_of(class_name))


def constructor(class_name):
    """Return the constructor of a class."""
    parameters = parameters_of(class_name)
    lines = ["    def __init__(", "        self,"]
    named = False
    for p in parameters:
        if not p.positional and not named:
            lines.append("        *,")
            named = True
        lines.append(f"        {p.name}={literal(value_for(class_name, p.default))},")
    lines.append("    ):")
    lines += [f"        self.{p.name} = {p.name}" for p in parameters]
    return "\n".join(lines) + "\n"


def section(text, title, body):
    """Return the text with the body of one docstring section replaced."""
    head = f"    {title}\n    {'-' * len(title)}\n"
    start = text.index(head) + len(head)
    end = text.index("\n\n    ", start) + 1
    return text[:start] + body + text[end:]


def rewritten(class_name, text):
    """Return the source of a class with its three parts regenerated."""
    text = section(text, "Parameters", parameters_section(class_name))
    text = section(text, "Attributes", attributes_section(class_name))
    return text[: text.index("    def __init__(")] + constructor(class_name)


def main():
    """Write all files, or report those that are not up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check, stale = parser.parse_args().check, []
    for class_name, name in FILES.items():
        path = ROOT / name
        before = path.read_text(encoding="utf-8")
        after = rewritten(class_name, before)
        if after != before:
            stale.append(name)
            if not check:
                path.write_text(after, encoding="utf-8")
    if check and stale:
        sys.exit(
            f"Not up to date with sknet/config: {', '.join(stale)}. Run: make write"
        )


if __name__ == "__main__":
    main()
