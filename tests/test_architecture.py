"""The package stands as it was planned: floors, sizes, and who may do what.

Each rule runs on the package and, so that it is known to bite, on a small bad example.
"""

from pathlib import Path

import pytest
from rules import (
    read_package,
    rule_arguments,
    rule_ctypes,
    rule_cycles,
    rule_down,
    rule_engine,
    rule_file_length,
    rule_function_length,
    rule_generators,
    rule_matplotlib,
    rule_names,
    rule_place,
    rule_plain_words,
    rule_print,
    rule_private_estimator,
    rule_private_sklearn,
    rule_rooms,
    rule_sklearn_floor,
)


ROOT = Path(__file__).parents[1] / "sknet"
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 41
LONG_CALL = "def f():\n    g(\n" + "        1,\n" * 41 + "    )\n"
EIGHT = "def f(self, a, b, c, d, e, *, f, g, h):\n    pass\n"

# rule: sources that break it, each alone
BAD = {
    rule_place: [{"novelty": ""}, {"network.novelty": ""}, {"objective.deep": ""}],
    rule_down: [
        {"losses": "from sknet import objective", "objective": ""},
        {"losses": "from sknet.network.layout import Layout", "network.layout": ""},
        {"losses": "def f():\n    import sknet.objective", "objective": ""},
        {"losses.log_loss": "import sknet.penalties", "penalties": ""},
        {"persistence": "from sknet import __version__", "": ""},
        {"training.trainer": "from sknet._sklearn import x", "_sklearn": ""},
        {"_sklearn": "from sknet import _rng", "_rng": ""},
        {"estimators._base": "import sknet.testing", "testing": ""},
        {"testing": "from sknet import inspection", "inspection": ""},
        {"preprocessing.tabular": "import sknet._rng", "_rng": ""},
        {"preprocessing.tabular": "from sknet import losses", "losses": ""},
        {"engine.record": "from sknet import optimizers", "optimizers": ""},
        {"testing": "from sknet.engine import library", "engine.library": ""},
    ],
    rule_rooms: [
        {
            "estimators.outputs.members": "from sknet.estimators.export import saving",
            "estimators.export.saving": "",
        },
        {
            "estimators.outputs.members": "from sknet.estimators import _base",
            "estimators._base": "",
        },
    ],
    rule_private_estimator: [
        {"solvers.minibatch": "def f(estimator):\n    return estimator._model"},
        {"onnx.register": "x = operator.raw_operator._model"},
    ],
    rule_cycles: [
        {
            "training.a": "from sknet.training import b",
            "training.b": "def f():\n    from sknet.training.c import x",
            "training.c": "import sknet.training.a",
        },
    ],
    rule_file_length: [{"losses": "\n" * 401}],
    rule_function_length: [
        {"losses": LONG_FUNCTION},
        {"losses": LONG_CALL},
        {
            "losses": "class A:\n"
            + LONG_FUNCTION.replace("    x", "        x").replace("def", "    def")
        },
        {"losses": LONG_FUNCTION.replace("def f", "def __init__")},
    ],
    rule_arguments: [
        {"losses": EIGHT},
        {"losses": EIGHT.replace("def f", "def __init__")},
        {"estimators.classifier": EIGHT},
    ],
    rule_print: [{"losses": "print(1)"}, {"losses": "def f(show=print): ..."}],
    rule_generators: [
        {"losses": "import numpy as np\nr = np.random.default_rng(0)"},
        {"losses": "import numpy as np\nx = np.random.rand(3)"},
        {"losses": "from numpy.random import default_rng\nr = default_rng()"},
        {"training.batches": "r = check_random_state(0)"},
        {"estimators._base": "r = np.random.RandomState(0)"},
        {"losses": "r = np.random.Generator(np.random.PCG64(0))"},
        {"losses": "import random\nx = random.random()"},
    ],
    rule_private_sklearn: [
        {"estimators._base": "from sklearn.utils._tags import Tags"},
        {"estimators._base": "from sklearn.utils.validation import _num_samples"},
        {"estimators._base": "import sklearn._loss"},
    ],
    rule_sklearn_floor: [{"training.monitor": "from sklearn.utils import shuffle"}],
    rule_engine: [
        {"engine.record": "from joblib import Parallel"},
        {"engine": "def f():\n    import sklearn"},
    ],
    rule_ctypes: [
        {"losses": "import ctypes"},
        {"engine.record": "import ctypes\nlibrary = ctypes.CDLL(path)"},
        {"engine.record": "from ctypes import cdll\nc = cdll.LoadLibrary(path)"},
    ],
    rule_matplotlib: [
        {"inspection.weights": "import matplotlib.pyplot as plt"},
        {"inspection.weights": "class A:\n    from matplotlib import figure"},
        {"inspection.weights": "try:\n    import matplotlib\nexcept ImportError: ..."},
    ],
    rule_plain_words: [
        {"losses": "x = hasattr(1, 'a')"},
        {"losses": "def f():\n    global x\n    x = 1"},
        {"losses": "def f(**kwargs): ..."},
        {"training.trainer": "f = lambda **options: 1"},
        {"engine.lower": "def f(**options): ..."},
    ],
    rule_names: [{"utils": ""}, {"training._helpers": ""}, {"misc.losses": ""}],
}

DOCSTRING = '    """One.\n' + "\n    text\n" * 60 + '    """\n'
GOOD = {
    "": "from sknet.estimators import classifier\n__version__ = '0'",
    "__main__": "from sknet import __version__\nprint(__version__)",
    "_rng": "import numpy as np\nr = np.random.default_rng(0)",
    "_sklearn": "from sklearn.utils.validation import _num_samples",
    "engine": "",
    "engine.library": "import ctypes\nfunctions = ctypes.CDLL(path)",
    "engine.record": "import ctypes\nimport numpy\nfrom sknet.engine import library",
    "penalties": "from sknet.engine import record",
    "losses": "def f(a, b, c, d, e, *, f, g):\n" + DOCSTRING + "    # why\n" * 50,
    "network": "",
    "network.layers.dense": "from sknet.network.layers import _base",
    "network.layers._base": "def f(r: np.random.Generator): ...",
    "network.layers": "from sknet.network.layers.dense import Dense",
    "training.reporting": "def f(*values):\n    print(*values)",
    "estimators.classifier": (
        "import sklearn.base\nfrom sknet import _sklearn, losses\n\n\n"
        + EIGHT.replace("def f", "def __init__")
        + "\n\ndef g(x, **options):\n    check_random_state(x)\n    hasattr(x, 'fit')"
    ),
    "estimators": "",
    "problem": "",
    "problem.class_target": "from sknet import losses",
    "estimators.outputs.members": "from sknet.problem import class_target",
    "estimators.export.saving": "from sknet.estimators.outputs import members",
    "estimators._base": "from sknet.estimators.export import saving",
    "estimators.outputs.views": (
        "if TYPE_CHECKING:\n    from sknet.estimators import _base\n\n\n"
        "def f(estimator: 'BaseMLP'):\n    return estimator._model"
    ),
    "inspection.weights": "def plot():\n    import matplotlib.pyplot as plt",
    "testing": "from sknet import losses",
}

RULES = list(BAD)
PACKAGE = read_package(ROOT)


def rule_name(value):
    """Readable test names."""
    return value.__name__.removeprefix("rule_") if callable(value) else None


def test_package_is_read():
    assert {"", "_rng", "losses", "training.reporting"} <= set(PACKAGE)


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_package_keeps_the_rule(rule):
    complaints = list(rule(PACKAGE))
    assert not complaints, rule.__doc__ + "\n" + "\n".join(complaints)


@pytest.mark.parametrize(
    ("rule", "sources"),
    [(rule, sources) for rule in RULES for sources in BAD[rule]],
    ids=rule_name,
)
def test_rule_sees_what_breaks_it(rule, sources):
    assert list(rule(sources))


@pytest.mark.parametrize("rule", RULES, ids=rule_name)
def test_rule_leaves_good_sources_alone(rule):
    assert not list(rule(GOOD))


def test_missing_place_says_where_to_add_it():
    (complaint,) = rule_place({"novelty": ""})
    assert "FLOORS" in complaint
    assert "tests/rules.py" in complaint
