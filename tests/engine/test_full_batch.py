"""Compiled sums over all rows: value and gradient are NumPy's, and so are the fits."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression

from sknet import SimpleMLPClassifier, SimpleMLPRegressor, TabularMLPRegressor
from sknet.activations import Logistic, Tanh
from sknet.engine.machine import machine
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES, LogLoss, SquaredError
from sknet.losses.custom import CustomValueLoss
from sknet.network.architecture import Architecture
from sknet.network.blocks import Plain, Residual
from sknet.network.network import Network
from sknet.objective import Objective
from sknet.penalties import L2
from sknet.solvers import FullBatchSolver, MinimizationResult
from sknet.training import programs
from sknet.training.batches import Dataset
from sknet.training.choice import chosen, threads_of_steps
from sknet.training.full_batch import FullBatch


pytestmark = [
    pytest.mark.skipif(machine() is None, reason="The engine is not compiled."),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

N_IN, N_COLUMNS, ALPHA = 5, 3, 0.1
NETWORKS = {
    "linear": Architecture(()),
    "one layer": Architecture((8,)),
    "two layers": Architecture((8, 6), (Tanh(), Logistic())),
    "no bias": Architecture((8,), use_bias=False),
    "layer normalization": Architecture((8, 8), block=Plain(normalization="layer")),
    "residual": Architecture((8, 8, 8), block=Residual()),
    "shared backbone": Architecture((8,), n_heads=3),
}


def squared_error(raw, y):
    """The loss of each row, for a loss that is never recorded."""
    return ((raw - y) ** 2).sum(axis=1)


def gradient_of_squared_error(raw, y):
    """Its gradient."""
    return 2.0 * (raw - y)


def targets(loss, rng, n_rows):
    """Targets that suit a loss."""
    exclusive = getattr(loss, "exclusive", None)
    if exclusive is None:
        return rng.uniform(0.1, 0.9, size=(n_rows, N_COLUMNS))
    if exclusive:
        return np.eye(N_COLUMNS)[rng.integers(N_COLUMNS, size=n_rows)]
    return rng.integers(2, size=(n_rows, N_COLUMNS)).astype(float)


def problem(architecture=NETWORKS["one layer"], loss=None, n_rows=5000, weighted=False):
    """An objective, data, and a starting point."""
    loss, rng = loss or LogLoss(), np.random.default_rng(0)
    layers = architecture.layers(N_IN, loss.n_raw(N_COLUMNS))
    network = Network(layers, (N_IN,))
    theta = network.initial([np.random.RandomState(0)], np.dtype(float))
    weight = rng.uniform(0.5, 2.0, size=n_rows) if weighted else None
    x = rng.normal(size=(n_rows, N_IN))
    data = Dataset(x, targets(loss, rng, n_rows), weight)
    return Objective(network, loss, L2(), ALPHA), data, theta


def both(objective, data, theta, **options):
    """The same function in NumPy and in compiled code."""
    numpy = FullBatch(objective, data, theta, "numpy")
    compiled = FullBatch(objective, data, theta, "compiled", **options)
    assert (numpy.engine, compiled.engine) == ("numpy: engine='numpy'.", "compiled")
    return numpy, compiled


def assert_same_functions(numpy, compiled, scales=(0.0, 0.1, 1.0)):
    """Assert that value and gradient agree where they are, and at random points."""
    rng = np.random.default_rng(1)
    for scale in scales:
        x = numpy.start if not scale else rng.normal(size=numpy.start.size) * scale
        expected, found = numpy.terms(x), compiled.terms(x)
        assert_allclose(found[:2], expected[:2], rtol=1e-12)
        largest = np.abs(expected[2]).max()
        assert_allclose(found[2] / largest, expected[2] / largest, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("weighted", [False, True])
def test_networks(name, weighted):
    assert_same_functions(*both(*problem(NETWORKS[name], weighted=weighted)))


@pytest.mark.parametrize("name", sorted({*CLASS_LOSSES.names, *VALUE_LOSSES.names}))
@pytest.mark.parametrize("weighted", [False, True])
def test_losses(name, weighted):
    if name == "custom":
        pytest.skip("Any function may be a custom loss: it is never recorded.")
    losses = CLASS_LOSSES if name in CLASS_LOSSES.names else VALUE_LOSSES
    loss = losses.make(name)
    assert_same_functions(*both(*problem(loss=loss, n_rows=2100, weighted=weighted)))


@pytest.mark.parametrize("n_rows", [1, 100, 2048, 2049, 4096, 6145])
@pytest.mark.parametrize("weighted", [False, True])
def test_chunks(n_rows, weighted):
    assert_same_functions(*both(*problem(n_rows=n_rows, weighted=weighted)))


def test_a_chunk_of_weight_zero():
    objective, data, theta = problem(n_rows=6000, weighted=True)
    data.weight[2048:4096] = 0.0
    assert_same_functions(*both(objective, data, theta))


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool"])
def test_types_of_features(dtype):
    objective, data, theta = problem()
    data = replace(data, x=(5.0 * data.x).astype(dtype), y=data.y.astype(np.float32))
    assert_same_functions(*both(objective, data, theta))


def test_rows_of_shared_features():
    objective, data, theta = problem(n_rows=3000)
    rows = np.random.default_rng(0).permutation(3000)[:2500]
    some = Dataset(data.x, data.y[rows], None, rows)
    assert_same_functions(*both(objective, some, theta))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_points_that_are_far_away(value):
    functions = both(*problem(loss=SquaredError()))
    with np.errstate(all="ignore"):
        expected, found = (f.terms(np.full(f.start.size, value)) for f in functions)
    assert not np.isfinite(expected[0])
    assert_array_equal(found[:2], expected[:2])
    assert_array_equal(found[2], expected[2])
    assert_same_functions(*functions, scales=(0.1,))  # nothing of it is left


def test_threads_change_no_bit():
    given = problem(Architecture((64, 48)))
    values = [
        FullBatch(*given, "compiled", n).terms(given[2][0]) for n in (1, 2, 10**9)
    ]
    for value in values[1:]:
        assert value[:2] == values[0][:2]
        assert_array_equal(value[2], values[0][2])


# ---------------------------------------------------------------------- sparse features


def sparse_problem(name="one layer", n_rows=5000, weighted=False):
    """A problem whose features are sparse."""
    objective, data, theta = problem(NETWORKS[name], None, n_rows, weighted)
    x = sparse.csr_matrix(np.where(data.x > 0.5, data.x, 0.0))
    return objective, replace(data, x=x), theta


@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - {"shared backbone"}))
@pytest.mark.parametrize("weighted", [False, True])
def test_networks_with_sparse_features(name, weighted):
    assert_same_functions(*both(*sparse_problem(name, weighted=weighted)))


def test_dense_and_sparse_features_agree():
    objective, data, theta = sparse_problem("two layers")
    dense = FullBatch(objective, replace(data, x=data.x.toarray()), theta, "numpy")
    assert_same_functions(dense, FullBatch(objective, data, theta, "compiled"))


@pytest.mark.parametrize("n_rows", [1, 100, 2048, 2049, 4096, 6145])
def test_chunks_of_sparse_features(n_rows):
    assert_same_functions(*both(*sparse_problem(n_rows=n_rows)))


@pytest.mark.parametrize("values", ["float32", "int8", "bool"])
@pytest.mark.parametrize("indices", ["int32", "int64"])
def test_types_of_sparse_features(values, indices):
    objective, data, theta = sparse_problem(n_rows=3000)
    x = (5.0 * data.x).astype(values)
    x.indices, x.indptr = x.indices.astype(indices), x.indptr.astype(indices)
    assert_same_functions(*both(objective, replace(data, x=x), theta))


def test_rows_of_shared_sparse_features():
    objective, data, theta = sparse_problem(n_rows=3000)
    rows = np.random.default_rng(0).permutation(3000)[:2500]
    some = Dataset(data.x, data.y[rows], None, rows)
    assert_same_functions(*both(objective, some, theta))


def test_sparse_features_in_any_arrays():
    """Types of indices that differ, and values that are not contiguous."""
    objective, data, theta = sparse_problem(n_rows=2500)
    data.x.indices = data.x.indices.astype(np.int64)
    data.x.data = np.repeat(data.x.data, 2)[::2]
    assert_same_functions(*both(objective, data, theta))


def test_patterns_of_sparse_features():
    """Rows without any element, zeros that are stored, duplicates in any order."""
    objective, data, theta = problem(n_rows=300)
    rng, n_stored = np.random.default_rng(0), np.zeros(300, dtype=int)
    n_stored[::3] = rng.integers(100, size=100)
    starts = np.append(0, n_stored.cumsum())
    values = rng.normal(size=starts[-1]) * (rng.random(starts[-1]) < 0.8)
    columns = rng.integers(N_IN, size=starts[-1])
    x = sparse.csr_matrix((values, columns, starts), shape=(300, N_IN))
    assert_same_functions(*both(objective, replace(data, x=x), theta))
    nothing = replace(data, x=sparse.csr_matrix((300, N_IN)))
    assert_same_functions(*both(objective, nothing, theta))


def test_threads_change_no_bit_with_sparse_features():
    objective, data, theta = problem(Architecture((72, 48)))
    data = replace(data, x=sparse.csr_matrix(np.where(data.x > 0.5, data.x, 0.0)))
    values = [
        FullBatch(objective, data, theta, "compiled", n).terms(theta[0])
        for n in (1, 2, 10**9)
    ]
    for value in values[1:]:
        assert value[:2] == values[0][:2]
        assert_array_equal(value[2], values[0][2])


def test_size_of_a_sparse_product_does_not_matter():
    network = Network(Architecture((40,)).layers(1000, 1), (1000,))
    theta, x = np.zeros((1, network.layout.n_parameters)), sparse.csr_matrix((9, 1000))
    for features, expected in ((None, None), (x, "made"), (x.toarray(), None)):
        made = chosen("auto", network, theta, 2048, lambda: "made", features)[0]
        assert made == expected
    assert threads_of_steps(None, 2048, network, x) == 1


# --------------------------------------------------------------------------------- kept


def never(*_args):
    """Stands in for a recording that is not needed again."""
    raise AssertionError("It is recorded again.")


def test_programs_are_kept(monkeypatch):
    given = problem()
    both(*given)
    monkeypatch.setattr(programs, "record_sum", never)
    other = replace(given[0], alpha=3.0)  # not part of the program
    assert_same_functions(*both(other, *given[1:]))


def test_hyperparameters_are_numbers_of_a_program(monkeypatch):
    given = problem(loss=LogLoss(label_smoothing=0.1))
    both(*given)
    monkeypatch.setattr(programs, "record_sum", never)
    other = replace(given[0], loss=LogLoss(label_smoothing=0.3))
    assert_same_functions(*both(other, *given[1:]))


# ----------------------------------------------------------------------------- refusals


def assert_refused(reason, objective, data, theta):
    """Assert that NumPy computes, and that the reason is given."""
    full = FullBatch(objective, data, theta, "auto")
    assert full.engine == f"numpy: {reason}"
    assert np.isfinite(full.value_and_gradient(full.start)[0])
    with pytest.raises(ValueError, match="engine='compiled' is not possible") as error:
        FullBatch(objective, data, theta, "compiled")
    assert reason in str(error.value)


def test_custom_losses():
    loss = CustomValueLoss(squared_error, gradient_of_squared_error)
    given = problem(loss=loss, n_rows=100)
    assert_refused("CustomValueLoss cannot be recorded.", *given)


def test_no_library(monkeypatch):
    monkeypatch.setattr("sknet.training.compiled_sum.machine", lambda: None)
    monkeypatch.setattr("sknet.engine.library.reason", lambda: "There is none.")
    assert_refused("There is none.", *problem(n_rows=100))


def test_a_wrong_program(monkeypatch):
    monkeypatch.setattr(programs, "is_right", lambda *args: False)
    assert_refused("Its first step differs from NumPy's.", *problem(n_rows=100))


# --------------------------------------------------------------------------------- fits

X, LABELS = make_classification(
    n_samples=2500, n_features=6, n_informative=4, n_classes=3, random_state=0
)
_, VALUES = make_regression(n_samples=2500, n_features=6, noise=5.0, random_state=0)
WEIGHT = np.random.default_rng(0).uniform(0.5, 2.0, len(X))
CONVEX = {
    "hidden_layer_sizes": (),
    "solver": "lbfgs",
    "alpha": 1.0,
    "tol": 1e-9,
    "max_iter": 1000,
    "random_state": 0,
}


def fits(estimator, y, x=X, **fit):
    """Fit with both engines."""
    fitted = [
        clone(estimator).set_params(engine=engine).fit(x, y, **fit)
        for engine in ("numpy", "compiled")
    ]
    assert [f.engine_ for f in fitted] == ["numpy: engine='numpy'.", "compiled"]
    return fitted


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["equal", "weighted"])
@pytest.mark.parametrize("is_classifier", [True, False])
def test_convex_fits(is_classifier, weight):
    kind = SimpleMLPClassifier if is_classifier else SimpleMLPRegressor
    y = LABELS if is_classifier else VALUES / VALUES.std()
    numpy, compiled = fits(kind(**CONVEX), y, sample_weight=weight)
    assert_allclose(compiled.theta_, numpy.theta_, rtol=0, atol=1e-7)
    assert compiled.loss_ == pytest.approx(numpy.loss_, rel=1e-10)


@pytest.mark.parametrize(
    "more", [{"bootstrap": True}, {"shared_backbone": True}], ids=str
)
def test_ensembles(more):
    given = {**CONVEX, "hidden_layer_sizes": (6,), "max_iter": 5, "n_estimators": 3}
    numpy, compiled = fits(SimpleMLPClassifier(**given, **more), LABELS)
    assert_allclose(compiled.theta_, numpy.theta_, rtol=0, atol=1e-7)


def test_tables():
    table = np.column_stack([X, LABELS]).astype(object)
    table[:, -1] = np.array(["a", "b", "c"])[LABELS]
    table[::7, 0] = np.nan
    estimator = TabularMLPRegressor(solver="lbfgs", max_iter=4, random_state=0)
    estimator.set_params(learning_rate="constant", early_stopping=False, dropout=0.0)
    numpy, compiled = fits(estimator, VALUES, table)
    assert_allclose(compiled.predict(table), numpy.predict(table), atol=1e-3)


def test_auto():
    given = {**CONVEX, "max_iter": 3}
    assert SimpleMLPClassifier(**given).fit(X, LABELS).engine_ == "compiled"
    estimator = SimpleMLPClassifier(**given).fit(sparse.csr_matrix(X), LABELS)
    assert estimator.engine_ == "compiled"


def test_fits_of_sparse_features():
    rows = sparse.csr_matrix(np.where(X > 0.0, X, 0.0))
    numpy, compiled = fits(SimpleMLPClassifier(**CONVEX), LABELS, rows)
    dense = clone(compiled).fit(rows.toarray(), LABELS)
    for other in (numpy, dense):
        assert_allclose(compiled.theta_, other.theta_, rtol=0, atol=1e-7)
        assert compiled.loss_ == pytest.approx(other.loss_, rel=1e-10)


@dataclass(frozen=True, repr=False)
class Descent(FullBatchSolver):
    """A solver of one's own: three short steps."""

    name = "descent"

    def minimize(self, function, start, after_iteration, criteria):
        x = start
        for _ in range(3):
            x = x - 0.1 * function(x)[1]
            after_iteration(x)
        return MinimizationResult(x, 3, True)


def test_solvers_of_ones_own():
    estimator = SimpleMLPClassifier((6,), solver=Descent(), random_state=0)
    numpy, compiled = fits(estimator, LABELS)
    assert_allclose(compiled.theta_, numpy.theta_, rtol=0, atol=1e-12)
