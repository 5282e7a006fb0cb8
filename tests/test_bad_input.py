"""What happens to bad input: one row a kind of mistake, one table, one test.

Rows 1 to 84 are the catalogue of what scikit-learn's ``MLPClassifier`` and
``MLPRegressor`` do with bad input; rows above 100 belong to parameters that only
sknet has.  A row says for which estimators it holds, what the user does, and what
must happen: the input is ``refused`` (exception and message), the user is
``warned``, or it ``works``.  Unless said otherwise, "works" means: no warning but
that of too few iterations, and finite predictions.
"""

import functools
import tempfile

import numpy as np
import pytest
import scipy
from scipy import sparse
from sklearn.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    NotFittedError,
)
from sklearn.utils._param_validation import InvalidParameterError
from sklearn.utils.fixes import parse_version

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


pytestmark = pytest.mark.filterwarnings(
    "error", "ignore::sklearn.exceptions.ConvergenceWarning"
)

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
LABELS = (X[:, 0] > 0).astype(int)
TARGET = X @ [1.0, 2.0, 0.0, -1.0]
NAMES = ["a", "b", "c", "d"]
FEW = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0}
SPLIT = {"early_stopping": True, "validation_fraction": 0.2}

CLASSIFIER = [(SimpleMLPClassifier, LABELS)]
REGRESSOR = [(SimpleMLPRegressor, TARGET)]
BOTH = CLASSIFIER + REGRESSOR


# What must happen.  Each of these returns a function that is given the deed.


def refused(exception, message):
    """The deed raises ``exception`` with a message that matches."""

    def check(deed):
        with pytest.raises(exception, match=message):
            deed()

    return check


def is_finite(result):
    return np.isfinite(result).all()


def works(property_=is_finite):
    """The deed raises nothing, warns of nothing, and its result has the property."""

    def check(deed):
        assert property_(deed())

    return check


def warned(category, message, property_=is_finite):
    """The deed warns, goes on, and its result has the property."""

    def check(deed):
        with pytest.warns(category, match=message):
            result = deed()
        assert property_(result)

    return check


# What the user does.  A deed is given a fresh estimator and a target that suits it.


def fit_to(make_x):
    """Fit on ``make_x()`` and predict the same rows."""

    def deed(model, y):
        x = make_x()
        return model.fit(x, y).predict(x)

    return deed


def only_fit_to(make_x):
    """Fit on ``make_x()`` and predict good rows."""
    return lambda model, y: model.fit(make_x(), y).predict(X)


def predict_for(make_x, fit_x=lambda: X):
    """Fit on good rows and predict for ``make_x()``."""
    return lambda model, y: model.fit(fit_x(), y).predict(make_x())


def with_y(make_y, **params):
    """Fit with ``make_y()`` as the target."""
    return lambda model, _: model.set_params(**params).fit(X, make_y()).predict(X)


def with_weight(make_weight, **params):
    """Fit with ``make_weight()`` as sample weights."""
    return lambda model, y: (
        model.set_params(**params).fit(X, y, sample_weight=make_weight()).predict(X)
    )


def with_params(**params):
    """Fit and predict good data with these parameters."""
    return lambda model, y: model.set_params(**params).fit(X, y).predict(X)


def fit_with(**arguments):
    """Fit good data with early stopping and these arguments of ``fit``."""
    return lambda model, y: (
        model.set_params(early_stopping=True).fit(X, y, **arguments).predict(X)
    )


def twice(first, second):
    """Do two things with the same model; the second is what the row is about."""

    def deed(model, y):
        first(model, y)
        return second(model, y)

    return deed


def partial(x=X, y=None, **arguments):
    """One call of ``partial_fit``, the classes given to classifiers."""

    def deed(model, good_y):
        classes = {"classes": [0, 1]} if is_clf(type(model)) else {}
        target = good_y[: len(x)] if y is None else y
        return model.partial_fit(x, target, **(classes | arguments)).predict(x)

    return deed


def partial_with(**params):
    """Change parameters, then call ``partial_fit``."""
    return lambda model, y: partial()(model.set_params(**params), y)


def with_dtypes(first, then):
    """Fit a batch of each dtype; whether the weights kept the first one."""

    def deed(model, y):
        twice(partial(X.astype(first)), partial(X.astype(then)))(model, y)
        return model.coefs_[0].dtype == first and np.isfinite(model.coefs_[0]).all()

    return deed


def fit_two(**params):
    """Fit the first two rows, one of each class."""
    return lambda model, _: model.set_params(**params).fit(X[:2], [0, 1]).predict(X)


def with_absurd_rate(model, y):
    """Fit a linear network with steps of 1e10; how many epochs it took."""
    params = {"solver": "sgd", "activation": "identity", "max_iter": 200}
    return model.set_params(**params, learning_rate_init=1e10).fit(X, y).n_iter_


# How the input is made.


def pandas():
    return pytest.importorskip("pandas", reason="a row on data frames of pandas")


def polars():
    return pytest.importorskip("polars", reason="a row on data frames of polars")


def frame(columns=NAMES, **other_columns):
    return (
        pandas()
        .DataFrame(X[:, : len(columns)], columns=columns)
        .assign(**other_columns)
    )


def with_one(value, x=X):
    changed = x.copy()
    changed[5, 2] = value
    return changed


def objects(value=None):
    changed = X.astype(object)
    if value is not None:
        changed[5, 2] = value
    return changed


def pieces(*values):
    """As many rows as X, the values in turn."""
    return [values[i % len(values)] for i in range(len(X))]


def arrow_frame():
    pytest.importorskip("pyarrow", reason="pandas' arrow columns need pyarrow")
    if parse_version(pandas().__version__) < parse_version("2.0"):
        pytest.skip("pandas before 2.0 has no arrow columns of numbers")
    return frame().astype("double[pyarrow]")


def arrow_table():
    pyarrow = pytest.importorskip("pyarrow", reason="a row on tables of pyarrow")
    return pyarrow.table({name: X[:, i] for i, name in enumerate(NAMES)})


def one_dimensional_coo():
    if parse_version(scipy.__version__) < parse_version("1.13"):
        pytest.skip("scipy before 1.13 has no one-dimensional sparse arrays")
    return sparse.coo_array(X[:, 0])


def read_only():
    frozen = X.copy()
    frozen.setflags(write=False)
    return frozen


def memory_map():
    """X as a read-only memory map; the map outlives the open file."""
    with tempfile.TemporaryFile() as file:
        file.write(X.tobytes())
        file.flush()
        return np.memmap(file, dtype=X.dtype, mode="r", shape=X.shape)


def long_indices(matrix):
    matrix.indices = matrix.indices.astype(np.int64)
    matrix.indptr = matrix.indptr.astype(np.int64)
    return matrix


def rows(number, name, estimators, deed, *expectation):
    """The table's rows of one entry: one for each estimator it holds for."""
    return [
        pytest.param(
            functools.partial(lambda make, y: deed(make(**FEW), y), estimator, y),
            *expectation,
            id=f"{number:02d}-{name}-{'clf' if is_clf(estimator) else 'reg'}",
        )
        for estimator, y in estimators
    ]


def is_clf(estimator):
    return estimator is SimpleMLPClassifier


def bad_param(name, *values, number=79):
    """Values that the parameter check refuses with scikit-learn's wording."""
    message = rf"The '{name}' parameter of SimpleMLP\w+ must be .* Got .* instead"
    return [
        row
        for value in values
        for row in rows(
            number,
            f"{name}={value!r}",
            BOTH,
            with_params(**{name: value}),
            refused(InvalidParameterError, message),
        )
    ]


BAD_LABELS = (ValueError, TypeError)
NOT_RAW = "(?!.*'<' not supported)"
NAN = r"Input X contains NaN"
INFINITY = "Input X contains infinity or a value too large for dtype"
NO_SAMPLE = r"Found array with 0 sample\(s\) \(shape=\(0, 4\)\) while a minimum of 1"
TEXT = r"could not convert string to float(.|\n)*OneHotEncoder"
TOO_LARGE = "Solver produced non-finite parameter weights"
OTHER_NAMES = "The feature names should match those that were passed during fit"
WITHOUT_SPLIT = "validation"
WIDTH = r"X has 3 features, but SimpleMLP\w+ is expecting 4 features"
HIDDEN_SIZES = r"(?s)(?=.*hidden_layer_sizes)(?=.*\b3\b)(?=.*\b5\b)"


def same_type_as(labels):
    """The predictions are the user's labels, of the user's kind."""
    kind = np.asarray(labels).dtype.kind
    return lambda predicted: (
        set(predicted) <= set(labels) and np.asarray(predicted).dtype.kind == kind
    )


def is_sure_of_one_class(probabilities):
    return probabilities.shape == (60, 1) and (probabilities == 1).all()


def zero_batch_weight():
    """Without shuffling, the first batch of 10 weighs nothing."""
    return np.r_[np.zeros(10), np.ones(50)]


# fmt: off
TABLE = [
    # The data matrix.
    *rows(1, "nan", BOTH, fit_to(lambda: with_one(np.nan)), refused(ValueError, NAN)),
    *rows(2, "inf", BOTH, fit_to(lambda: with_one(np.inf)),
          refused(ValueError, INFINITY)),
    *rows(2, "-inf", BOTH, fit_to(lambda: with_one(-np.inf)),
          refused(ValueError, INFINITY)),
    *rows(3, "float32-overflow", BOTH,
          fit_to(lambda: with_one(np.inf, X.astype(np.float32))),
          refused(ValueError, INFINITY + r"\('float32'\)")),
    *rows(4, "times-1e300", BOTH, fit_to(lambda: X * 1e300),
          refused(ValueError, TOO_LARGE)),
    *rows(5, "one-1e39", BOTH, fit_to(lambda: with_one(1e39)), works()),
    *rows(6, "denormal", BOTH, fit_to(lambda: X * 1e-310), works()),
    *rows(7, "constant-column", BOTH, fit_to(lambda: X * [1, 0, 1, 1]), works()),
    *rows(7, "all-constant", BOTH, fit_to(lambda: np.ones_like(X)), works()),
    *rows(8, "no-samples", BOTH, lambda model, y: model.fit(X[:0], y[:0]),
          refused(ValueError, NO_SAMPLE + r" is required by SimpleMLP")),
    *rows(9, "no-features", BOTH, fit_to(lambda: X[:, :0]),
          refused(ValueError, r"Found array with 0 feature\(s\) \(shape=\(60, 0\)\)")),
    *rows(10, "one-sample", BOTH, lambda m, y: m.fit(X[:1], y[:1]).predict(X), works()),
    *rows(11, "1d", BOTH, fit_to(lambda: X[:, 0]),
          refused(ValueError, "Expected 2D array, got 1D array instead")),
    *rows(11, "scalar", BOTH, fit_to(lambda: 3.0),
          refused(ValueError, "Expected 2D array, got scalar array instead")),
    *rows(11, "none", BOTH, fit_to(lambda: None),
          refused(ValueError, "Expected 2D array, got scalar array instead")),
    *rows(12, "3d", BOTH, fit_to(lambda: X.reshape(60, 2, 2)),
          refused(ValueError, r"Found array with dim 3(,|\.).*SimpleMLP")),
    *rows(13, "string", BOTH, fit_to(lambda: "abc"),
          refused(ValueError, "could not convert string to float: 'abc'")),
    *rows(14, "ragged", BOTH, fit_to(lambda: pieces([1.0, 2.0], [3.0])),
          refused(ValueError, "inhomogeneous shape")),
    *rows(15, "objects", BOTH, fit_to(objects), works()),
    *rows(16, "dict-inside", BOTH, fit_to(lambda: objects({"a": 1})),
          refused(TypeError, r"float\(\) argument must be a string or a .*number")),
    *rows(17, "text-inside", BOTH, fit_to(lambda: objects("red")),
          refused(ValueError, TEXT)),
    *rows(17, "text-column", BOTH, fit_to(lambda: frame(e=pieces("red", "green"))),
          refused(ValueError, TEXT)),
    *rows(18, "numbers-as-text", BOTH, only_fit_to(lambda: X.astype(str)), works()),
    *rows(18, "numbers-as-bytes", BOTH, only_fit_to(lambda: X.astype(bytes)), works()),
    *rows(19, "complex", BOTH, fit_to(lambda: X + 1j),
          refused(ValueError, "Complex data not supported")),
    *rows(20, "datetimes", BOTH, only_fit_to(lambda: X.astype("datetime64[D]")),
          refused(TypeError, "(?i)datetime")),
    *rows(20, "timedeltas", BOTH, only_fit_to(lambda: X.astype("timedelta64[D]")),
          refused(TypeError, "(?i)timedelta|datetime")),
    *rows(21, "datetime-column", BOTH,
          fit_to(lambda: frame(when=pandas().date_range("2020", periods=60))),
          refused(TypeError, "when")),
    *rows(22, "structured", BOTH,
          fit_to(lambda: np.zeros((60, 2), dtype=[("a", float), ("b", float)])),
          refused(TypeError, "(?i)cannot cast|can't cast|structured")),
    *rows(23, "masked", BOTH, only_fit_to(lambda: np.ma.masked_greater(X, 1.0)),
          refused(ValueError, "(?i)mask")),
    *rows(24, "matrix", BOTH, fit_to(lambda: X.view(np.matrix)),
          refused(TypeError, "np.matrix is not supported")),
    *[
        row
        for dtype in ("bool", "int8", "int64", "float16", "longdouble", ">f8")
        for row in rows(
            25, dtype, BOTH, fit_to(lambda dtype=dtype: X.astype(dtype)), works()
        )
    ],
    *rows(25, "uint64-max", CLASSIFIER,
          fit_to(lambda: with_one(2**64 - 1, (X > 0).astype(np.uint64))), works()),
    *rows(26, "f-order", BOTH, fit_to(lambda: np.asfortranarray(X)), works()),
    *rows(26, "negative-strides", BOTH, fit_to(lambda: X[::-1, ::-1]), works()),
    *rows(26, "read-only", BOTH, fit_to(read_only), works()),
    *rows(26, "memory-map", BOTH, fit_to(memory_map), works()),
    *[
        row
        for shape in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
        for kind in ("array", "matrix")
        for row in rows(
            27,
            f"{shape}_{kind}",
            BOTH,
            fit_to(lambda name=f"{shape}_{kind}": getattr(sparse, name)(X)),
            works(),
        )
    ],
    *rows(27, "int64-indices", BOTH, fit_to(lambda: long_indices(sparse.csr_matrix(X))),
          works()),
    *rows(28, "sparse-nan", BOTH, fit_to(lambda: sparse.csr_matrix(with_one(np.nan))),
          refused(ValueError, NAN)),
    *rows(29, "1d-coo", BOTH, fit_to(one_dimensional_coo),
          refused(ValueError, r"Expected 2D .*, got (input with shape \(60,\)|1D)")),
    *rows(30, "nullable", BOTH, fit_to(lambda: frame().astype("Float64")), works()),
    *rows(30, "arrow-columns", BOTH, fit_to(arrow_frame), works()),
    *rows(30, "arrow-table", BOTH, fit_to(arrow_table), works()),
    *rows(30, "polars", BOTH, fit_to(lambda: polars().DataFrame(X, schema=NAMES)),
          works()),
    *rows(31, "pandas-na", BOTH,
          fit_to(lambda: frame().astype("Float64").where(X < 1.5)),
          refused(ValueError, NAN)),
    *rows(31, "polars-null", BOTH,
          fit_to(lambda: polars().DataFrame({"a": pieces(1.0, None), "b": X[:, 0]})),
          refused(ValueError, NAN)),
    *rows(32, "categories-of-text", BOTH,
          fit_to(lambda: frame(e=pandas().Categorical(pieces("red", "green")))),
          refused(ValueError, TEXT)),
    *rows(32, "categories-of-numbers", BOTH,
          fit_to(lambda: frame(e=pandas().Categorical(pieces(1, 2)))), works()),
    *rows(33, "integer-names", BOTH, lambda model, y: model.fit(frame([0, 1, 2, 3]), y),
          works(lambda model: not hasattr(model, "feature_names_in_"))),
    *rows(34, "mixed-names", BOTH, fit_to(lambda: frame(["a", 1, "c", "d"])),
          refused(TypeError, "Feature names are only supported if all input features")),
    *rows(35, "duplicate-names", BOTH, fit_to(lambda: frame(["a", "b", "b", "d"])),
          refused(ValueError, "(?i)duplicate|same name")),
    *rows(36, "lazy-frame", BOTH,
          fit_to(lambda: polars().DataFrame(X, schema=NAMES).lazy()),
          refused(TypeError, r"collect\(\)")),
    # Prediction.
    *rows(37, "missing-column", BOTH, predict_for(lambda: frame()[NAMES[:3]], frame),
          refused(ValueError, OTHER_NAMES)),
    *rows(37, "reordered-columns", BOTH,
          predict_for(lambda: frame()[NAMES[::-1]], frame),
          refused(ValueError, OTHER_NAMES)),
    *rows(37, "renamed-columns", BOTH,
          predict_for(lambda: frame(["a", "b", "c", "z"]), frame),
          refused(ValueError, OTHER_NAMES)),
    *rows(38, "names-forgotten", BOTH, predict_for(lambda: X, frame),
          warned(UserWarning, "X does not have valid feature names, but SimpleMLP")),
    *rows(38, "names-added", BOTH, predict_for(frame),
          warned(UserWarning, r"X has feature names, but SimpleMLP\w+ was fitted")),
    *rows(39, "width", BOTH, predict_for(lambda: X[:, :3]),
          refused(ValueError, WIDTH)),
    *rows(40, "predict-1d", BOTH, predict_for(lambda: X[0]),
          refused(ValueError, "Expected 2D")),
    *rows(40, "predict-empty", BOTH, predict_for(lambda: X[:0]),
          refused(ValueError, NO_SAMPLE)),
    *rows(40, "predict-nan", BOTH, predict_for(lambda: with_one(np.nan)),
          refused(ValueError, NAN)),
    *rows(41, "unfitted", BOTH, lambda model, y: model.predict(X),
          refused(NotFittedError, r"This SimpleMLP\w+ instance is not fitted yet")),
    # The target.
    *rows(42, "y-none", BOTH, with_y(lambda: None),
          refused(ValueError, "requires y to be passed, but the target y is None")),
    *rows(43, "y-nan", BOTH, with_y(lambda: np.r_[np.nan, np.ones(59)]),
          refused(ValueError, "Input (y )?contains NaN")),
    *rows(43, "y-inf", BOTH, with_y(lambda: np.r_[np.inf, np.ones(59)]),
          refused(ValueError, "Input (y )?contains infinity")),
    *rows(44, "y-length", BOTH, lambda model, y: model.fit(X, y[:59]),
          refused(ValueError, r"inconsistent numbers of samples: \[60, 59\]")),
    *rows(45, "y-column", BOTH,
          lambda model, y: model.fit(X, y.reshape(-1, 1)).predict(X),
          warned(DataConversionWarning, "A column-vector y was passed")),
    *rows(46, "y-continuous", CLASSIFIER, with_y(lambda: TARGET),
          refused(ValueError, r"^Unknown label type: continuous(.|\n){0,200}$")),
    *rows(47, "y-integers-as-objects", CLASSIFIER,
          with_y(lambda: LABELS.astype(object)),
          refused(ValueError, "(?i)astype|cast")),
    *rows(48, "y-text-and-numbers", CLASSIFIER,
          with_y(lambda: np.array(pieces("a", 1), dtype=object)),
          refused(BAD_LABELS, f"(?s)^(?=.*str)(?=.*int){NOT_RAW}")),
    *rows(48, "y-text-and-none", CLASSIFIER,
          with_y(lambda: np.array(pieces("a", None), dtype=object)),
          refused(BAD_LABELS, f"(?s)^(?=.*None|.*NaN|.*missing){NOT_RAW}")),
    *rows(49, "y-nullable-integers", CLASSIFIER,
          with_y(lambda: pandas().Series(LABELS, dtype="Int64")),
          works(same_type_as([0, 1]))),
    *rows(50, "y-text", CLASSIFIER, with_y(lambda: np.array(pieces("no", "yes"))),
          works(same_type_as(["no", "yes"]))),
    *rows(50, "y-nullable-text", CLASSIFIER,
          with_y(lambda: pandas().Series(pieces("no", "yes"), dtype="string")),
          works(lambda predicted: set(predicted) <= {"no", "yes"})),
    *rows(50, "y-categorical", CLASSIFIER,
          with_y(lambda: pandas().Series(pieces("no", "yes"), dtype="category")),
          works(lambda predicted: set(predicted) <= {"no", "yes"})),
    *rows(50, "y-bool", CLASSIFIER, with_y(lambda: LABELS.astype(bool)),
          works(same_type_as([False, True]))),
    *rows(51, "one-class", CLASSIFIER,
          lambda model, y: model.fit(X, np.full(60, 7)).predict(X),
          works(lambda predicted: (predicted == 7).all())),
    *rows(51, "one-class-probability", CLASSIFIER,
          lambda model, y: model.fit(X, np.full(60, 7)).predict_proba(X),
          works(is_sure_of_one_class)),
    *rows(52, "y-text", REGRESSOR, with_y(lambda: pieces("a", "b")),
          refused(ValueError, "(?i)string|str|numeric")),
    *rows(52, "y-numbers-as-text", REGRESSOR, with_y(lambda: pieces("1", "2")),
          refused(ValueError, "(?i)string|str|numeric")),
    *rows(53, "y-bool", REGRESSOR, with_y(lambda: TARGET > 0), works()),
    *rows(53, "y-int", REGRESSOR, with_y(lambda: TARGET.astype(int)), works()),
    *rows(54, "y-1e200", REGRESSOR, with_y(lambda: TARGET * 1e200),
          refused(ValueError, TOO_LARGE)),
    *rows(55, "y-constant", REGRESSOR, with_y(lambda: np.full(60, 3.0)), works()),
    *rows(56, "poisson-negative", REGRESSOR, with_params(loss="poisson"),
          refused(ValueError, r"(?i)some values of y are negative")),
    *rows(57, "multiclass-multioutput", CLASSIFIER,
          with_y(lambda: np.c_[LABELS, LABELS + 1, LABELS + 2]),
          refused(ValueError, "(?i)multi-?output")),
    *rows(58, "label-lists", CLASSIFIER, with_y(lambda: pieces([1], [1, 2])),
          refused(ValueError, "(?i)inhomogeneous|sequence|multilabel")),
    # Sample weights.
    *rows(59, "weight-scalar", BOTH, with_weight(lambda: 2.0), works()),
    *rows(60, "weight-negative", BOTH, with_weight(lambda: np.r_[-1.0, np.ones(59)]),
          refused(ValueError, "Negative values in data passed to `sample_weight`")),
    *rows(60, "weight-all-negative", BOTH, with_weight(lambda: -np.ones(60)),
          refused(ValueError, "Negative values in data passed to `sample_weight`")),
    *rows(61, "weight-zero", BOTH, with_weight(lambda: np.zeros(60)),
          refused(ValueError, "Sample weights must contain at least one non-zero")),
    *rows(62, "weight-nan", BOTH, with_weight(lambda: np.r_[np.nan, np.ones(59)]),
          refused(ValueError, "Input sample_weight contains NaN")),
    *rows(62, "weight-inf", BOTH, with_weight(lambda: np.r_[np.inf, np.ones(59)]),
          refused(ValueError, "Input sample_weight contains infinity")),
    *rows(62, "weight-text", BOTH, with_weight(lambda: pieces("a", "b")),
          refused(ValueError, "could not convert string to float")),
    *rows(62, "weight-2d", BOTH, with_weight(lambda: np.ones((60, 2))),
          refused(ValueError, "Sample weights must be 1D array or scalar")),
    *rows(62, "weight-length", BOTH, with_weight(lambda: np.ones(59)),
          refused(ValueError, r"sample_weight.shape == \(59,\), expected \(60,\)")),
    *rows(63, "weight-of-a-batch-zero", BOTH,
          with_weight(zero_batch_weight, batch_size=10, shuffle=False), works()),
    *rows(63, "weights-cancel", BOTH, with_weight(lambda: pieces(1.0, -1.0)),
          refused(ValueError, "Negative values in data passed to `sample_weight`")),
    *rows(64, "weight-1e308", BOTH, with_weight(lambda: np.full(60, 1e308)), works()),
    # Incremental learning and warm starts.
    *rows(65, "no-classes", CLASSIFIER, lambda model, y: model.partial_fit(X, y),
          refused(ValueError, "classes must be passed on the first call to")),
    *rows(66, "y-not-in-classes", CLASSIFIER, partial(y=LABELS + 1),
          refused(ValueError, r"(?i)`?y`? (has|contains) .*(classes|labels)")),
    *rows(66, "y-unseen-later", CLASSIFIER,
          twice(partial(), partial(y=LABELS + 1, classes=None)),
          refused(ValueError, r"(?i)`?y`? (has|contains) .*(classes|labels)")),
    *rows(66, "classes-changed", CLASSIFIER,
          twice(partial(), partial(classes=[0, 1, 2])),
          refused(ValueError, "(?i)is not the same as on last call to partial_fit")),
    *rows(67, "empty-batch", BOTH, twice(partial(), partial(X[:0])),
          refused(ValueError, NO_SAMPLE)),
    *rows(68, "other-width", BOTH, twice(partial(), partial(X[:, :3])),
          refused(ValueError, WIDTH)),
    *rows(69, "other-dtype", BOTH, with_dtypes(np.float64, np.float32), works()),
    *rows(69, "other-dtype-up", BOTH, with_dtypes(np.float32, np.float64), works()),
    *rows(70, "partial_fit-other-hidden", BOTH,
          twice(partial(), partial_with(hidden_layer_sizes=(5,))),
          refused(ValueError, HIDDEN_SIZES)),
    *rows(71, "warm_start-other-hidden", BOTH,
          twice(with_params(warm_start=True), with_params(hidden_layer_sizes=(5,))),
          refused(ValueError, HIDDEN_SIZES)),
    *rows(72, "other-number-of-outputs", REGRESSOR,
          twice(partial(y=X[:, :2]), partial(y=X[:, :3])),
          refused(ValueError, r"(?s)(?=.*\b2\b)(?=.*\b3\b)(?=.*output)")),
    *rows(73, "partial_fit-lbfgs", BOTH, partial_with(solver="lbfgs"),
          refused(AttributeError, "partial_fit")),
    *rows(73, "partial_fit-lbfgs-hidden", BOTH,
          lambda model, y: model.set_params(solver="lbfgs"),
          works(lambda model: not hasattr(model, "partial_fit"))),
    *rows(74, "partial_fit-early_stopping", BOTH, partial_with(early_stopping=True),
          works()),
    *rows(75, "warm_start-other-classes", CLASSIFIER,
          twice(with_params(warm_start=True), with_y(lambda: LABELS + 1)),
          refused(ValueError, "warm_start can only be used where `y` has the same")),
    *rows(75, "warm_start-other-width", BOTH,
          twice(with_params(warm_start=True), fit_to(lambda: X[:, :3])),
          refused(ValueError, WIDTH)),
    # Parameters.
    *[
        row
        for sizes in (0, -1, [0], (3, -1), None, "10")
        for row in rows(
            76,
            f"hidden_layer_sizes={sizes!r}",
            BOTH,
            with_params(hidden_layer_sizes=sizes),
            refused(ValueError, "hidden_layer_sizes"),
        )
    ],
    *rows(77, "hidden_layer_sizes=[5.5]", BOTH, with_params(hidden_layer_sizes=[5.5]),
          refused(InvalidParameterError, "The 'hidden_layer_sizes' parameter")),
    *rows(78, "no-hidden-layer", BOTH,
          lambda model, y: model.set_params(hidden_layer_sizes=()).fit(X, y).coefs_,
          works(lambda coefs: [c.shape for c in coefs] == [(4, 1)])),
    *bad_param("activation", "swoosh", None),
    *bad_param("solver", "magic"),
    *bad_param("alpha", -1e-4, np.nan, "small"),
    *bad_param("batch_size", 0, 2.5, "automatic"),
    *bad_param("learning_rate", "fast"),
    *bad_param("learning_rate_init", 0, -1.0),
    *bad_param("power_t", -0.5),
    *bad_param("max_iter", 0, 10.5),
    *bad_param("shuffle", "yes"),
    *bad_param("random_state", "lucky", -1),
    *bad_param("tol", -1.0),
    *bad_param("verbose", "loud"),
    *bad_param("warm_start", "hot"),
    *bad_param("momentum", 1.5),
    *bad_param("nesterovs_momentum", "no"),
    *bad_param("early_stopping", "auto"),
    *bad_param("validation_fraction", 1.0, -0.1),
    *bad_param("beta_1", 1.0),
    *bad_param("beta_2", 1.0),
    *bad_param("epsilon", 0.0),
    *bad_param("n_iter_no_change", 0),
    *bad_param("max_fun", 0),
    *rows(80, "batch_size-large", BOTH, with_params(batch_size=61),
          warned(UserWarning, "(?i)batch_size.*clipped")),
    *rows(81, "validation_fraction-0", BOTH,
          with_params(early_stopping=True, validation_fraction=0.0),
          warned(UserWarning, WITHOUT_SPLIT)),
    *rows(81, "validation_fraction-0.99", BOTH,
          with_params(early_stopping=True, validation_fraction=0.99),
          warned(UserWarning, WITHOUT_SPLIT)),
    *rows(81, "two-samples", BOTH, fit_two(early_stopping=True),
          warned(UserWarning, WITHOUT_SPLIT)),
    *rows(81, "class-of-one", CLASSIFIER,
          with_y(lambda: ["rare"] + ["frequent"] * 59, **SPLIT),
          warned(UserWarning, "rare", lambda predicted: len(predicted) == 60)),
    *rows(82, "learning_rate_init-1e10", REGRESSOR, with_absurd_rate,
          warned(ConvergenceWarning, "learning_rate_init", lambda n_iter: n_iter < 20)),
    *rows(83, "unknown-keyword", BOTH, lambda model, y: type(model)(depth=3),
          refused(TypeError, "unexpected keyword argument 'depth'")),
    *rows(83, "set_params-unknown", BOTH, with_params(depth=3),
          refused(ValueError, r"Invalid parameter 'depth' for estimator SimpleMLP")),
    *rows(84, "positional", CLASSIFIER,
          lambda model, y: type(model)((10,), "relu", "adam"),
          refused(TypeError, "positional argument")),
    *rows(84, "positional", REGRESSOR,
          lambda model, y: type(model)("poisson", (10,), "relu", "adam"),
          refused(TypeError, "positional argument")),
    # What scikit-learn's classes do not have.
    *rows(101, "class_weight-unknown-class", CLASSIFIER,
          with_params(class_weight={0: 1.0, 7: 2.0}),
          refused(ValueError, "(?i)class_weight")),
    *rows(101, "class_weight-number", CLASSIFIER, with_params(class_weight=3),
          refused(ValueError, r"The 'class_weight' parameter of SimpleMLP\w+ must be")),
    *rows(101, "class_weight-unknown-word", CLASSIFIER,
          with_params(class_weight="fair"),
          refused(ValueError, r"The 'class_weight' parameter of SimpleMLP\w+ must")),
    *rows(101, "class_weight-negative", CLASSIFIER,
          with_params(class_weight={0: -1.0, 1: 2.0}),
          refused(ValueError, "(?i)negative|class_weight")),
    *rows(101, "class_weight-balanced-partial_fit", CLASSIFIER,
          partial_with(class_weight="balanced"),
          refused(ValueError, "(?s)(?=.*balanced)(?=.*compute_class_weight|.*dict)")),
    *rows(102, "scoring-unknown", BOTH,
          with_params(early_stopping=True, scoring="elegance"),
          refused(ValueError, "scoring")),
    *rows(102, "scoring-number", BOTH, with_params(early_stopping=True, scoring=3),
          refused(ValueError, "scoring")),
    *bad_param("dtype", "float16", np.float32, None, number=103),
    *bad_param("max_time", 0, -1.0, "long", number=104),
    *bad_param("n_threads", 0, -1, 1.5, number=105),
    *rows(106, "X_val-alone", BOTH, fit_with(X_val=X), refused(ValueError, "y_val")),
    *rows(106, "y_val-alone", BOTH, fit_with(y_val=LABELS),
          refused(ValueError, "X_val")),
    *rows(106, "X_val-width", BOTH, fit_with(X_val=X[:, :3], y_val=LABELS),
          refused(ValueError, "X(_val)? has 3 features")),
    *rows(106, "X_val-nan", BOTH, fit_with(X_val=with_one(np.nan), y_val=LABELS),
          refused(ValueError, "contains NaN")),
    *rows(106, "y_val-length", BOTH, fit_with(X_val=X, y_val=LABELS[:59]),
          refused(ValueError, r"inconsistent numbers of samples: \[60, 59\]")),
    *rows(106, "y_val-unseen-class", CLASSIFIER, fit_with(X_val=X, y_val=LABELS + 1),
          refused(ValueError, "(?s)(?=.*y_val)(?=.*2)")),
    *rows(106, "y_val-number-of-outputs", REGRESSOR, fit_with(X_val=X, y_val=X[:, :2]),
          refused(ValueError, "y_val")),
    *rows(107, "sample_weight_val-alone", BOTH, fit_with(sample_weight_val=np.ones(60)),
          refused(ValueError, "X_val")),
    *rows(107, "sample_weight_val-negative", BOTH,
          fit_with(X_val=X, y_val=LABELS, sample_weight_val=-np.ones(60)),
          refused(ValueError, "(?i)negative")),
]
# fmt: on


@pytest.mark.parametrize(("deed", "expectation"), TABLE)
def test_bad_input_is_met_as_its_row_says(deed, expectation):
    """Each kind of bad input is refused, warned of or accepted as the table says."""
    expectation(deed)


def test_table_has_every_row_of_the_catalogue():
    """No number from 1 to 84 is missing from the table."""
    numbers = {int(row.id.split("-")[0]) for row in TABLE}

    assert set(range(1, 85)) <= numbers


def test_parameter_message_names_its_options_in_one_order():
    """The options in an error message stand in sorted order, the same in every run."""
    with pytest.raises(ValueError, match="activation") as caught:
        SimpleMLPClassifier(activation="swoosh").fit(X, LABELS)

    options = str(caught.value).split("{")[1].split("}")[0].split(", ")
    assert options == sorted(options)
