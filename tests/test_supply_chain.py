"""What the package may not do, and what it needs.

Nothing in sknet runs code that comes from outside: no text is evaluated or imported, no
file is unpickled, nothing is fetched. Each rule is a function from a source to
complaints, run on the package and, so that it is known to bite, on small bad examples.
"""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "sknet").rglob("*.py"))
}
RUNTIME = {"joblib", "numpy", "scikit-learn", "scipy", "threadpoolctl"}
# Imported by a function that uses them, never when sknet is imported.
OPTIONAL = {"matplotlib", "onnx", "onnxruntime", "pandas", "polars", "pyarrow", "rich"}
OPTIONAL |= {"dask", "distributed", "mlflow", "skl2onnx", "skops"}
EVALUATORS = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
IMPORTERS = {"importlib", "runpy", "pkgutil", "code", "codeop", "imp"}
INNOCENT = {"importlib.metadata"}  # reads versions
PICKLES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal"}
LOADERS = {"load", "loads", "Unpickler"}
STORES = {"shelve", "marshal", "dill", "cloudpickle"}
NETWORK = {"socket", "ssl", "socketserver", "asyncio", "urllib", "http", "requests"}
NETWORK |= {"ftplib", "smtplib", "poplib", "imaplib", "telnetlib", "xmlrpc", "httpx"}
NETWORK |= {"urllib3", "aiohttp", "webbrowser"}
PROCESSES = {"subprocess", "pty", "multiprocessing"}
LAUNCHERS = re.compile(r"os\.(system|popen|exec\w+|spawn\w+|posix_spawn\w*|startfile)")
# python -m sknet measures the multiplication with other kernels, in a new process of
# the same Python with a program of its own.
MAY_START_PROCESSES = {"sknet/__main__.py"}


# ------------------------------------------------------------------ reading sources


@cache
def nodes(source):
    """Parts of the syntax of a source."""
    return tuple(ast.walk(ast.parse(source)))


def imports(source):
    """Dotted names of all that is imported, wherever it stands."""
    for node in nodes(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def heads(source):
    """First parts of the names of all that is imported."""
    return {name.partition(".")[0] for name in imports(source)}


def eager(source):
    """Source without what is not run on import: functions, and blocks for types."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if types or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
    return ast.unparse(tree)


@cache
def origins(source):
    """What the names that imports bind stand for: ``np`` for ``numpy``."""
    found = {}
    for node in nodes(source):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def full_name(node, source):
    """Name of what stands there, whatever it was imported as: ``numpy.load``."""
    head, dot, rest = ast.unparse(node).partition(".")
    return origins(source).get(head, head) + dot + rest


@cache
def names(source):
    """Full names of all names and attributes in the code."""
    kinds = ast.Name | ast.Attribute
    return [
        full_name(node, source) for node in nodes(source) if isinstance(node, kinds)
    ]


def calls(source):
    """Each call: what is called, and its node."""
    for node in nodes(source):
        if isinstance(node, ast.Call):
            yield full_name(node.func, source), node


# ------------------------------------------------------------------------- the rules


def rule_no_text_is_run(source):
    """No text becomes code."""
    yield from EVALUATORS.intersection(names(source))
    for name in [*imports(source), *names(source)]:
        if name.startswith("builtins."):
            yield name


def rule_no_module_is_chosen_by_text(source):
    """A module is imported by an ``import``, where one can read its name."""
    for name in imports(source):
        chosen = name.partition(".")[0] in IMPORTERS
        if chosen and not any(name.startswith(known) for known in INNOCENT):
            yield name
    yield from (name for name in names(source) if name.startswith("sys.modules"))


def rule_nothing_is_unpickled(source):
    """Pickles are for those who ask pickle for them."""
    yield from STORES & heads(source)
    for name in [*imports(source), *names(source)]:
        head, _, last = name.rpartition(".")
        if (head in PICKLES and last in LOADERS) or last == "read_pickle":
            yield name


def rule_arrays_are_loaded_without_pickle(source):
    """``np.load`` is told so, whatever its default."""
    for name, call in calls(source):
        if name in ("np.load", "numpy.load"):
            said = {word.arg: ast.unparse(word.value) for word in call.keywords}
            if said.get("allow_pickle") != "False" or len(call.args) > 2:
                yield ast.unparse(call)
    yield from (n for n in imports(source) if n in ("numpy.load", "numpy.lib.format"))


def rule_no_network(source):
    """Nothing is fetched, nothing is told to anybody."""
    yield from NETWORK & heads(source)


def rule_optional_libraries_wait(source):
    """An optional library is imported by a function, not by a module."""
    yield from OPTIONAL & heads(eager(source))


def rule_no_processes(source):
    """No other program is started (joblib starts workers for those who ask it to)."""
    yield from PROCESSES & heads(source)
    for name in [*imports(source), *names(source)]:
        if LAUNCHERS.fullmatch(name) or name.endswith("ProcessPoolExecutor"):
            yield name


BAD = {
    rule_no_text_is_run: [
        "x = eval(text)",
        "def f(text):\n    exec(text)",
        "code = compile(text, 'f', 'exec')",
        "module = __import__(name)",
        "run = eval\nrun(text)",
        "import builtins\nbuiltins.eval(text)",
        "from builtins import eval as run\nrun(text)",
    ],
    rule_no_module_is_chosen_by_text: [
        "import importlib\nimportlib.import_module(name)",
        "from importlib import import_module",
        "import runpy",
        "module = sys.modules[name]",
        "from sys import modules\nmodule = modules[name]",
    ],
    rule_nothing_is_unpickled: [
        "import pickle\npickle.loads(data)",
        "from pickle import load",
        "import joblib\nmodel = joblib.load(path)",
        "import pickle\nclass U(pickle.Unpickler): pass",
        "import shelve",
        "import pickle as p\np.loads(data)",
        "import pandas as pd\npd.read_pickle(path)",
    ],
    rule_arrays_are_loaded_without_pickle: [
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=pickled)",
        "np.load(path, None, True, allow_pickle=False)",
        "from numpy import load",
        "import numpy as xp\nxp.load(path)",
    ],
    rule_no_network: [
        "import socket",
        "def f():\n    from urllib.request import urlopen",
        "import http.client",
    ],
    rule_optional_libraries_wait: [
        "import pandas as pd",
        "try:\n    from rich import print\nexcept ImportError:\n    pass",
        "class A:\n    import onnx",
    ],
    rule_no_processes: [
        "import subprocess",
        "import os\nos.system(text)",
        "import os as system\nsystem.popen(text)",
        "from concurrent.futures import ProcessPoolExecutor",
        "from os import execv",
        "from multiprocessing import Pool",
    ],
}
GOOD = (
    "import os\nimport pickle\nimport re\nfrom importlib.metadata import version\n"
    "import joblib\nimport numpy as np\n\n\n"
    "if TYPE_CHECKING:\n    import pandas\n\n\n"
    "def f(path, x):\n"
    '    """Evaluate; ``eval`` and ``exec`` are words here."""\n'
    "    re.compile('x').match(x)\n    pickle.dumps(x)\n    joblib.hash(x)\n"
    "    os.replace(path, path)\n    x.load(path)\n"
    "    return np.load(path, allow_pickle=False), x.eval()\n"
)
RULES = list(BAD)


def rule_name(value):
    """Readable test names."""
    return value.__name__.removeprefix("rule_") if callable(value) else None


def test_sources_are_read():
    assert {"sknet/__init__.py", "sknet/training/trainer.py"} <= set(SOURCES)


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_package_keeps_the_rule(rule):
    free = MAY_START_PROCESSES if rule is rule_no_processes else ()
    complaints = [
        f"{path}: {complaint}"
        for path, source in SOURCES.items()
        if path not in free
        for complaint in rule(source)
    ]
    assert not complaints, rule.__doc__


@pytest.mark.parametrize(
    ("rule", "source"),
    [(rule, source) for rule in RULES for source in BAD[rule]],
    ids=rule_name,
)
def test_rule_sees_what_breaks_it(rule, source):
    assert list(rule(source))


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_rule_leaves_good_sources_alone(rule):
    assert not list(rule(GOOD))


def test_the_process_that_main_starts_is_this_python():
    """Not a name that the search path of programs resolves."""
    for name, call in calls(SOURCES["sknet/__main__.py"]):
        if name.startswith("subprocess."):
            assert ast.unparse(call.args[0]).startswith("[sys.executable")


# ------------------------------------------------------------------ what it needs


def test_runtime_dependencies_are_the_five():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [re.match(r"[\w.-]+", line).group() for line in project["dependencies"]]
    assert sorted(needed) == sorted(RUNTIME)


def test_package_imports_only_what_it_names():
    """Modules of the five, of Python, its own, and optional ones."""
    known = {name.replace("scikit-learn", "sklearn") for name in RUNTIME}
    known |= OPTIONAL | {"sknet"} | set(sys.stdlib_module_names)
    for path, source in SOURCES.items():
        assert heads(source) <= known, path


def test_import_needs_no_optional_library():
    """In a new process in which they seem not to be installed.

    Where pandas is installed, scikit-learn itself loads it: that none is loaded cannot
    be promised, that sknet asks for none can.
    """
    code = f"import sys; sys.modules |= dict.fromkeys({sorted(OPTIONAL)}); import sknet"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_no_page_says_to_install_another_project():
    """On PyPI another project is called sknet; ours is sknet-mlp."""
    guide = [*(ROOT / "docs").glob("*.rst"), *(ROOT / "docs" / "user_guide").iterdir()]
    pages = [page.read_text(encoding="utf-8") for page in [ROOT / "README.md", *guide]]
    text = "\n".join([*pages, *SOURCES.values()])
    assert not re.findall(
        r'pip install\s+"?sknet(?!-mlp)\b|requirements=\["sknet"', text
    )


def test_extras_for_users_are_on_the_first_page():
    """The others are those of developers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = {"bench", "docs", "exporters", "frames", "release", "test"}
    ours |= {"works-with", "works-with-more"}
    extras = set(project["optional-dependencies"])
    page = (ROOT / "docs" / "start.rst").read_text(encoding="utf-8")
    assert {extra for extra in extras - ours if f"``{extra}``" not in page} == set()
