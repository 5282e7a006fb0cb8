"""The rules of the package: its floors, its sizes, and who may do what.

Each rule is a function from sources (module name to text) to complaints.
"""

import ast
import io
import sys
import tokenize


# An import only goes down, or sideways within a floor. "name.*" means what lies in the
# folder. New module? Put it here, on the lowest floor on which its imports allow it.
FLOORS = {
    0: (
        *("_archive", "_component", "fields", "_filelock", "_rng", "_numerics"),
        *("_operations", "_windows", "_pooling", "_warping", "_rows", "_reuse_cache"),
    ),
    1: (
        *("activations", "activations.*", "initializers", "initializers.*"),
        *("losses", "losses.*", "optimizers", "optimizers.*"),
        *("averages", "penalties", "schedules", "schedules.*"),
    ),
    2: ("network.layers", "network.layers.*", "network.layout", "network.workspace"),
    3: (
        *(
            "network",
            "network.network",
            "network.architecture",
            "network.input_embedding",
            "network.image_layers",
            "network.learning_rules",
        ),
        *("network.blocks", "network.blocks.*"),
        *("network.convolution", "network.convolution.*"),
    ),
    4: ("objective",),
    5: ("training", "training.*"),
    6: ("config", "config.*", "problem", "problem.*"),
    7: ("model", "model.*"),
    8: ("solvers", "solvers.*"),
    9: (
        *("estimators", "estimators.*"),
        *("estimators.outputs", "estimators.outputs.*"),
        *("estimators.export", "estimators.export.*"),
    ),
    10: (
        *("lockstep", "lockstep.*", "inspection", "inspection.*", "persistence"),
        *("onnx", "onnx.*"),
    ),
    11: ("", "__main__"),  # sknet itself
}
# Beside the house: (floors that may import it, what of sknet it may import)
SIDE = {
    "_sklearn": ({6, 8, 9, 10}, set()),
    "_version": ({8, 9, 10, 11}, set()),
    "engine": ({*range(12)}, {"engine.*"}),
    "engine.*": ({*range(12)}, {0, "engine", "engine.*"}),
    "preprocessing": ({6, 9, 10, 11}, {"preprocessing.*"}),
    "preprocessing.*": (
        {6, 9, 10, 11},
        {"_sklearn", "_version", "_numerics", "preprocessing.*"},
    ),
    "testing": (set(), {*range(10), "testing", "testing.*"}),
    "testing.*": (
        set(),
        {*range(10), "engine", "engine.*", "testing", "testing.*"},
    ),
}
# The rooms of the estimators: each may look into those before it. What lies outside of
# them, the estimators themselves, may look into all.
ROOMS = ("outputs", "export")
NO_SISTERS = 1  # here no family imports another: what two need is in floor 0

LONGEST_FILE = 400  # lines
LONGEST_FUNCTION = 40  # lines of code, docstring apart
MOST_ARGUMENTS = 7  # self apart
PRINTERS = {"__main__", "training.reporting"}
CONTRACT = "check_random_state"
GENERATOR_MAKERS = {CONTRACT, "default_rng", "Generator", "RandomState"}
GENERATOR_MAKERS |= {"SeedSequence", "MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"}
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


# ------------------------------------------------------------------- reading sources


def read_package(root):
    """Sources by module name below ``sknet.``; "" is the package itself."""
    sources = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        sources[".".join(parts)] = path.read_text(encoding="utf-8")
    return sources


def imported_names(source):
    """(dotted module, imported name or None) of each import, wherever it stands.

    Those for annotations alone, under ``if TYPE_CHECKING``, do not happen.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((module, alias.name) for alias in node.names)


def eager_imports(source):
    """What ``imported_names`` gives, without the imports inside functions."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [ast.Pass()]
    return imported_names(ast.unparse(tree))


def internal_imports(sources, module):
    """Modules of the package that ``module`` imports."""
    found = set()
    for dotted, name in imported_names(sources[module]):
        head, _, inner = dotted.partition(".")
        if head != "sknet":
            continue
        deeper = f"{inner}.{name}".lstrip(".") if name else inner
        found.add(deeper if deeper in sources else inner)
    return found - {module}


def place(module):
    """Floor number, or key in SIDE, or None if the module has no place."""
    folder = module.rpartition(".")[0]
    patterns = [module] + ([f"{folder}.*"] if folder else [])
    for pattern in patterns:
        if pattern in SIDE:
            return pattern
        for floor, modules in FLOORS.items():
            if pattern in modules:
                return floor
    return None


def functions(source):
    """Each function or method, nested ones included."""
    tree = ast.parse(source)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def code_lines(source):
    """Numbers of the lines that carry code: no blank, comment or docstring."""
    lines = set()
    quiet = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING}
    quiet |= {tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in quiet:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                lines.difference_update(range(node.lineno, node.end_lineno + 1))
    return lines


def is_constructor(module, node):
    """Whether the function is the constructor of an estimator."""
    contract = ("estimators.", "lockstep.", "preprocessing.")
    return node.name == "__init__" and module.startswith(contract)


# ------------------------------------------------------------------------- the rules


def rule_place(sources):
    """Each module has a floor."""
    for module in sources:
        if place(module) is None:
            yield (
                f"sknet.{module} stands on no floor: add it to FLOORS (or SIDE) in "
                "tests/rules.py, and to the floors in CONTRIBUTING.md"
            )


def rule_down(sources):
    """An import only goes down."""
    for module in sources:
        here = place(module)
        for target in internal_imports(sources, module):
            there = place(target)
            if None not in (here, there) and not may_import(here, there, target):
                if here == NO_SISTERS and target.split(".")[0] == module.split(".")[0]:
                    continue  # a file of the same family
                yield f"sknet.{module} (floor {here}) imports sknet.{target} ({there})"


def may_import(here, there, target):
    """Whether a module at ``here`` may import ``target``, which stands ``there``."""
    if here in SIDE:
        return there in SIDE[here][1] or target in SIDE[here][1]
    if there in SIDE:
        return here in SIDE[there][0]
    return there < here or (there == here != NO_SISTERS)


def rule_rooms(sources):
    """Among the rooms of the estimators, too, an import only goes to earlier ones."""
    for module in sources:
        here = room(module)
        for target in internal_imports(sources, module):
            if here in ROOMS and target.startswith("estimators"):
                there = room(target)
                if there not in ROOMS or ROOMS.index(there) > ROOMS.index(here):
                    yield f"sknet.{module} imports sknet.{target}, a later room"


def room(module):
    """The room of the estimators that a module lies in; other names for no room."""
    return module.removeprefix("estimators.").partition(".")[0]


def rule_private_estimator(sources):
    """Only the estimators know what is private about an estimator.

    The file for what scikit-learn calls private has its own reasons.
    """
    names = {"estimator", "view", "network", "member", "copy", "raw_operator"}
    for module, source in sources.items():
        if module.startswith(("estimators", "testing", "_sklearn")):
            continue
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Attribute(ast.Name(name) | ast.Attribute(attr=name), attr):
                    if name in names and attr.startswith("_") and attr[1] != "_":
                        yield f"sknet.{module} reads {name}.{attr}"


def rule_cycles(sources):
    """No module imports itself by a detour."""
    graph = {module: internal_imports(sources, module) for module in sources}
    done = set()

    def search(module, path):
        if module in path:
            yield "cycle: " + " -> ".join([*path[path.index(module) :], module])
        elif module not in done:
            for target in sorted(graph.get(module, ())):
                yield from search(target, [*path, module])
            done.add(module)

    for module in graph:
        yield from search(module, [])


def rule_file_length(sources):
    """A file can be read in one sitting."""
    for module, source in sources.items():
        length = len(source.splitlines())
        if length > LONGEST_FILE:
            yield f"sknet.{module} has {length} lines, at most {LONGEST_FILE}"


def rule_function_length(sources):
    """A function can be seen at once."""
    for module, source in sources.items():
        code = code_lines(source)
        for node in functions(source):
            length = len(code.intersection(range(node.lineno, node.end_lineno + 1)))
            if length > LONGEST_FUNCTION and not is_constructor(module, node):
                yield f"sknet.{module}.{node.name} has {length} lines of code"


def rule_arguments(sources):
    """A function takes few arguments."""
    for module, source in sources.items():
        for node in functions(source):
            args = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = sum(arg.arg not in ("self", "cls") for arg in args)
            if count > MOST_ARGUMENTS and not is_constructor(module, node):
                yield f"sknet.{module}.{node.name} takes {count} arguments"


def rule_print(sources):
    """Only the callbacks and ``python -m sknet`` talk to people."""
    for module, source in sources.items():
        names = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name))
        if module not in PRINTERS and any(name.id == "print" for name in names):
            yield f"sknet.{module} uses print"


def rule_generators(sources):
    """Random generators are made in ``_rng`` only; elsewhere they are handed on.

    scikit-learn's reading of a user's ``random_state`` belongs to its contract, and so
    to the estimators, and to the checks that one calls from outside.
    """
    for module, source in sources.items():
        reads = place(module) in (8, 9, 10, "testing", "testing.*")
        makers = GENERATOR_MAKERS - ({CONTRACT} if reads else set())
        calls = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call))
        for called in (ast.unparse(call.func) for call in calls):
            *path, last = called.split(".")
            legacy = path[-1:] == ["random"] and path[0] in ("np", "numpy", "random")
            if module != "_rng" and (last in makers or legacy):
                yield f"sknet.{module} calls {called}"


def rule_private_sklearn(sources):
    """What scikit-learn calls private is touched in ``_sklearn`` only."""
    for module, source in sources.items():
        for dotted, name in imported_names(source):
            parts = dotted.split(".") + ([name] if name else [])
            private = any(p.startswith("_") and p != "__version__" for p in parts)
            if module != "_sklearn" and parts[0] == "sklearn" and private:
                yield f"sknet.{module} imports {'.'.join(parts)}"


def rule_sklearn_floor(sources):
    """Below the estimators there is NumPy and SciPy, not scikit-learn."""
    for module, source in sources.items():
        heads = {dotted.partition(".")[0] for dotted, _ in imported_names(source)}
        if place(module) in range(6) and "sklearn" in heads:
            yield f"sknet.{module} (floor {place(module)}) imports sklearn"


def rule_engine(sources):
    """The engine imports NumPy, SciPy and the standard library, and nothing else."""
    known = {"numpy", "scipy", "sknet", *sys.stdlib_module_names}
    for module, source in sources.items():
        heads = {dotted.partition(".")[0] for dotted, _ in imported_names(source)}
        if module.partition(".")[0] == "engine" and heads - known:
            yield f"sknet.{module} imports {', '.join(sorted(heads - known))}"


def rule_ctypes(sources):
    """C is called by the engine only, and one of its modules loads the library."""
    loaders = {"CDLL", "PyDLL", "cdll", "pydll", "LoadLibrary", "dlopen"}
    for module, source in sources.items():
        imports = imported_names(source)
        heads = {dotted.partition(".")[0] for dotted, _ in imports}
        if heads & {"ctypes", "cffi"} and module.partition(".")[0] != "engine":
            yield f"sknet.{module} imports ctypes"
        calls = (n.func for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call))
        for called in map(ast.unparse, calls):
            if loaders.intersection(called.split(".")) and module != "engine.library":
                yield f"sknet.{module} calls {called}"


def rule_matplotlib(sources):
    """Importing sknet never imports matplotlib: only a function that draws does."""
    for module, source in sources.items():
        heads = {dotted.partition(".")[0] for dotted, _ in eager_imports(source)}
        if heads & {"matplotlib", "mpl_toolkits", "pylab"}:
            yield f"sknet.{module} imports matplotlib at module level"


def rule_plain_words(sources):
    """``hasattr``, ``global`` and ``**kwargs`` are not used below the estimators.

    The protocols of NumPy for other classes of arrays, in the recorder, need the last.
    """
    for module, source in sources.items():
        if module in ("engine.record", "engine.tape", "engine.traced"):
            continue
        if place(module) not in (*range(6), "engine", "engine.*"):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Name) and node.id == "hasattr":
                yield f"sknet.{module}, line {node.lineno}: hasattr"
            elif isinstance(node, ast.Global):
                yield f"sknet.{module}, line {node.lineno}: global"
            elif isinstance(node, ast.arguments) and node.kwarg:
                yield f"sknet.{module}, line {node.kwarg.lineno}: **{node.kwarg.arg}"


def rule_names(sources):
    """A file is named after what one would search for."""
    for module in sources:
        for part in module.split("."):
            if part.strip("_") in NO_NAMES:
                yield f"sknet.{module}: {part!r} says nothing about what is inside"
