"""Bad features: rows 1 to 41 of the catalogue, one table, one test."""

import numpy as np
import pytest
from bad_input import (
    ALL,
    CLASSIFIERS,
    EXTREME,
    INFINITY,
    NAN,
    NO_SAMPLE,
    NUMERIC,
    OTHER_NAMES,
    QUIET,
    TABLES,
    TEXT,
    TOO_LARGE,
    WIDTH,
    fit_to,
    only_fit_to,
    partial,
    predict_for,
    refused,
    rows,
    twice,
    warned,
    warned_and_refused,
    warned_of_each,
    works,
)
from bad_rows import (
    NAMES,
    X,
    arrow_frame,
    arrow_table,
    categories_of_text,
    damaged,
    ends_of_numbers,
    frame,
    frame_with_na,
    long_indices,
    memory_map,
    objects,
    one_dimensional_coo,
    pandas,
    pieces,
    polars,
    polars_with_null,
    read_only,
    replaced,
    with_one,
)
from scipy import sparse
from sklearn.exceptions import NotFittedError


pytestmark = QUIET

# fmt: off
TABLE = [
    # The data matrix.
    *rows(1, "nan", NUMERIC, fit_to(lambda: with_one(np.nan)),
          refused(ValueError, NAN)),
    *rows(1, "nan", TABLES, fit_to(lambda: with_one(np.nan)), works()),
    *rows(2, "inf", ALL, fit_to(lambda: with_one(np.inf)),
          refused(ValueError, INFINITY)),
    *rows(2, "-inf", ALL, fit_to(lambda: with_one(-np.inf)),
          refused(ValueError, INFINITY)),
    *rows(3, "float32-overflow", ALL,
          fit_to(lambda: with_one(np.inf, X.astype(np.float32))),
          refused(ValueError, INFINITY + r"\('float32'\)")),
    *rows(4, "times-1e300", NUMERIC, fit_to(lambda: X * 1e300),
          warned_and_refused(EXTREME, ValueError, TOO_LARGE)),
    *rows(4, "times-1e300", TABLES, fit_to(lambda: X * 1e300), works()),
    *rows(4, "largest-numbers", NUMERIC, fit_to(ends_of_numbers),
          warned_and_refused(EXTREME, ValueError, TOO_LARGE)),
    *rows(4, "largest-numbers", TABLES, fit_to(ends_of_numbers), works()),
    *rows(4, "predict-largest-numbers", NUMERIC, predict_for(ends_of_numbers),
          refused(ValueError, "too large for this network: the output for row 0")),
    *rows(5, "one-1e39", NUMERIC, fit_to(lambda: with_one(1e39)),
          warned(UserWarning, r"Column 2 holds 1e\+39, which is so large")),
    *rows(5, "one-minus-1e39-sparse", NUMERIC,
          fit_to(lambda: sparse.csr_array(with_one(-1e39))),
          warned(UserWarning, r"Column 2 holds -1e\+39, which is so large")),
    *rows(5, "one-1e39-by-name", NUMERIC,
          fit_to(lambda: frame(c=with_one(1e39)[:, 2])),
          warned(UserWarning, r"Column 'c' holds 1e\+39, which is so large")),
    *rows(5, "one-1e20-float32", CLASSIFIERS[:2],
          fit_to(lambda: with_one(-1e20, X.astype(np.float32))),
          warned(UserWarning, r"Column 2 holds -1e\+20, which is so large")),
    *rows(5, "two-to-the-64", NUMERIC, fit_to(lambda: with_one(2.0**64)), works()),
    *rows(5, "one-1e39-later", NUMERIC,
          twice(partial(), partial(with_one(1e39))),
          warned(UserWarning, r"Column 2 holds 1e\+39, which is so large")),
    *rows(5, "one-1e39", TABLES, fit_to(lambda: with_one(1e39)), works()),
    *rows(6, "denormal", ALL, fit_to(lambda: X * 1e-310), works()),
    *rows(7, "constant-column", ALL, fit_to(lambda: X * [1, 0, 1, 1]), works()),
    *rows(7, "all-constant", ALL, fit_to(lambda: np.ones_like(X)), works()),
    *rows(8, "no-samples", ALL, lambda model, y: model.fit(X[:0], y[:0]),
          refused(ValueError, NO_SAMPLE + r" is required by ")),
    *rows(9, "no-features", ALL, fit_to(lambda: X[:, :0]),
          refused(ValueError, r"Found array with 0 feature\(s\) \(shape=\(60, 0\)\)")),
    *rows(10, "one-sample", ALL, lambda m, y: m.fit(X[:1], y[:1]).predict(X), works()),
    *rows(11, "1d", ALL, fit_to(lambda: X[:, 0]),
          refused(ValueError, "Expected 2D array, got 1D array instead")),
    *rows(11, "scalar", ALL, fit_to(lambda: 3.0),
          refused(ValueError, "Expected 2D array, got scalar array instead")),
    *rows(11, "none", ALL, fit_to(lambda: None),
          refused(ValueError, "Expected 2D array, got scalar array instead")),
    *rows(12, "3d", ALL, fit_to(lambda: X.reshape(60, 2, 2)),
          refused(ValueError, r"Found array with dim 3(,|\.)")),
    *rows(13, "string", NUMERIC, fit_to(lambda: "abc"),
          refused(ValueError, "could not convert string to float: 'abc'")),
    *rows(13, "string", TABLES, fit_to(lambda: "abc"),
          refused(ValueError, "Expected 2D array, got scalar array instead")),
    *rows(14, "ragged", ALL, fit_to(lambda: pieces([1.0, 2.0], [3.0])),
          refused(ValueError, "inhomogeneous shape")),
    *rows(15, "objects", ALL, fit_to(objects), works()),
    *rows(16, "dict-inside", NUMERIC, fit_to(lambda: objects({"a": 1})),
          refused(TypeError, r"float\(\) argument must be a string or a .*number")),
    *rows(16, "dict-inside", TABLES, fit_to(lambda: objects({"a": 1})),
          refused(TypeError, "Column 2 of X holds values of type dict")),
    *rows(17, "text-inside", NUMERIC, fit_to(lambda: objects("red")),
          refused(ValueError, TEXT)),
    *rows(17, "text-inside", TABLES, fit_to(lambda: objects("red")),
          warned(UserWarning, "Column 2 of X .* merged .* They look like numbers")),
    *rows(17, "text-column", NUMERIC, fit_to(lambda: frame(e=pieces("red", "green"))),
          refused(ValueError, TEXT)),
    *rows(17, "text-column", TABLES, fit_to(lambda: frame(e=pieces("red", "green"))),
          works()),
    *rows(17, "text-in-a-column-of-numbers", TABLES,
          lambda model, y: model.set_params(categorical_features=None).fit(
              objects("red"), y),
          refused(ValueError, "(?s)Column 2 .*'red'.*categorical_features")),
    *rows(17, "text-where-numbers-were", TABLES, predict_for(lambda: objects("red")),
          refused(ValueError, "(?s)Column 2 .*'red'.*categorical_features")),
    *rows(18, "numbers-as-text", NUMERIC, only_fit_to(lambda: X.astype(str)), works()),
    *rows(18, "numbers-after-text", TABLES, only_fit_to(lambda: X.astype(str)),
          warned_of_each("merged into one.* They look like numbers",
                         "levels of type float, .* in fit .* of type str, .*")),
    *rows(18, "numbers-as-bytes", NUMERIC, only_fit_to(lambda: X.astype(bytes)),
          works()),
    # Text is a category there, and what is no known level counts as unknown.
    *rows(18, "text-as-bytes", TABLES, fit_to(lambda: X.astype(bytes)),
          warned(UserWarning, "merged into one.* They look like numbers")),
    *rows(18, "bytes-inside", TABLES, fit_to(lambda: objects(b"red")),
          refused(TypeError, "Column 2 of X holds .* bytes.*Decode")),
    *rows(19, "complex", ALL, fit_to(lambda: X + 1j),
          refused(ValueError, "Complex data not supported")),
    *rows(20, "datetimes", ALL, only_fit_to(lambda: X.astype("datetime64[D]")),
          refused(TypeError, "(?i)datetime")),
    *rows(20, "timedeltas", ALL, only_fit_to(lambda: X.astype("timedelta64[D]")),
          refused(TypeError, "(?i)timedelta|datetime")),
    *rows(21, "datetime-column", ALL,
          fit_to(lambda: frame(when=pandas().date_range("2020", periods=60))),
          refused(TypeError, "when")),
    *rows(21, "polars-dates-beside-a-number", ALL,
          fit_to(lambda: polars().DataFrame(
              {"when": np.arange(60).astype("datetime64[D]"), "x": X[:, 0]})),
          refused(TypeError, "'when'.*Date; convert dates and durations")),
    *rows(22, "structured", ALL,
          fit_to(lambda: np.zeros((60, 2), dtype=[("a", float), ("b", float)])),
          refused(TypeError, "(?i)cannot cast|can't cast|structured")),
    *rows(23, "masked", ALL, only_fit_to(lambda: np.ma.masked_greater(X, 1.0)),
          refused(ValueError, "(?i)mask")),
    *rows(24, "matrix", ALL, fit_to(lambda: X.view(np.matrix)),
          refused(TypeError, "np.matrix is not supported")),
    *[
        row
        for dtype in ("bool", "int8", "int64", "float16", "longdouble", ">f8")
        for row in rows(
            25, dtype, ALL, fit_to(lambda dtype=dtype: X.astype(dtype)), works()
        )
    ],
    *rows(25, "uint64-max", CLASSIFIERS,
          fit_to(lambda: with_one(2**64 - 1, (X > 0).astype(np.uint64))), works()),
    *rows(26, "f-order", ALL, fit_to(lambda: np.asfortranarray(X)), works()),
    *rows(26, "negative-strides", ALL, fit_to(lambda: X[::-1, ::-1]), works()),
    *rows(26, "read-only", ALL, fit_to(read_only), works()),
    *rows(26, "memory-map", ALL, fit_to(memory_map), works()),
    *[
        row
        for shape in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
        for kind in ("array", "matrix")
        for row in rows(
            27,
            f"{shape}_{kind}",
            ALL,
            fit_to(lambda name=f"{shape}_{kind}": getattr(sparse, name)(X)),
            works(),
        )
    ],
    *rows(27, "int64-indices", ALL, fit_to(lambda: long_indices(sparse.csr_matrix(X))),
          works()),
    *rows(28, "sparse-nan", ALL, fit_to(lambda: sparse.csr_matrix(with_one(np.nan))),
          refused(ValueError, "Input X (is sparse and )?contains NaN")),
    *[
        row
        for shape in ("csr", "csc")
        for name, place, value in (
            ("indices", 0, 99), ("indices", 1, -1), ("indptr", 0, 1), ("indptr", 2, 0),
            ("indptr", -1, 10**6),
        )
        for row in rows(
            28,
            f"damaged-{shape}-{name}-{value}",
            ALL,
            fit_to(
                lambda shape=shape, change=(name, place, value): damaged(
                    getattr(sparse, f"{shape}_matrix")(X), *change
                )
            ),
            refused(ValueError, f"damaged sparse matrix: its {name}"),
        )
    ],
    *[
        row
        for name, value in (
            ("indptr", np.array([0, 1])), ("indptr", np.zeros(0, int)),
            ("indices", np.zeros((60, 4), int)), ("data", np.zeros((60, 4))),
        )
        for row in rows(
            28,
            f"damaged-{name}-{value.shape}",
            ALL,
            fit_to(
                lambda name=name, value=value: replaced(
                    sparse.csr_matrix(X), name, value
                )
            ),
            refused(ValueError, "damaged sparse matrix: its indptr must have shape"),
        )
    ],
    *rows(29, "1d-coo", ALL, fit_to(one_dimensional_coo),
          refused(ValueError, r"Expected 2D .*, got (input with shape \(60,\)|1D)")),
    *rows(30, "nullable", ALL, fit_to(lambda: frame().astype("Float64")), works()),
    *rows(30, "arrow-columns", ALL, fit_to(arrow_frame), works()),
    *rows(30, "arrow-table", ALL, fit_to(arrow_table), works()),
    *rows(30, "polars", ALL, fit_to(lambda: polars().DataFrame(X, schema=NAMES)),
          works()),
    *rows(31, "pandas-na", NUMERIC, fit_to(frame_with_na), refused(ValueError, NAN)),
    *rows(31, "pandas-na", TABLES, fit_to(frame_with_na), works()),
    *rows(31, "polars-null", NUMERIC, fit_to(polars_with_null),
          refused(ValueError, NAN)),
    *rows(31, "polars-null", TABLES, fit_to(polars_with_null), works()),
    *rows(32, "categories-of-text", NUMERIC, fit_to(categories_of_text),
          refused(ValueError, TEXT)),
    *rows(32, "categories-of-text", TABLES, fit_to(categories_of_text), works()),
    *rows(32, "categories-of-numbers", ALL,
          fit_to(lambda: frame(e=pandas().Categorical(pieces(1, 2)))), works()),
    *rows(33, "integer-names", ALL, lambda model, y: model.fit(frame([0, 1, 2, 3]), y),
          works(lambda model: not hasattr(model, "feature_names_in_"))),
    *rows(34, "mixed-names", ALL, fit_to(lambda: frame(["a", 1, "c", "d"])),
          refused(TypeError, "Feature names are only supported if all input features")),
    *rows(35, "duplicate-names", ALL, fit_to(lambda: frame(["a", "b", "b", "d"])),
          refused(ValueError, "(?i)duplicate|same name")),
    *rows(36, "lazy-frame", ALL,
          fit_to(lambda: polars().DataFrame(X, schema=NAMES).lazy()),
          refused(TypeError, r"collect\(\)")),
    # Prediction.
    *rows(37, "missing-column", ALL, predict_for(lambda: frame()[NAMES[:3]], frame),
          refused(ValueError, OTHER_NAMES)),
    *rows(37, "reordered-columns", ALL,
          predict_for(lambda: frame()[NAMES[::-1]], frame),
          refused(ValueError, OTHER_NAMES)),
    *rows(37, "renamed-columns", ALL,
          predict_for(lambda: frame(["a", "b", "c", "z"]), frame),
          refused(ValueError, OTHER_NAMES)),
    *rows(38, "names-forgotten", ALL, predict_for(lambda: X, frame),
          warned(UserWarning, r"X does not have valid feature names, but \w+")),
    *rows(38, "names-added", ALL, predict_for(frame),
          warned(UserWarning, r"X has feature names, but \w+ was fitted")),
    *rows(39, "width", ALL, predict_for(lambda: X[:, :3]),
          refused(ValueError, WIDTH)),
    *rows(40, "predict-1d", ALL, predict_for(lambda: X[0]),
          refused(ValueError, "Expected 2D")),
    *rows(40, "predict-empty", ALL, predict_for(lambda: X[:0]),
          refused(ValueError, NO_SAMPLE)),
    *rows(40, "predict-nan", NUMERIC, predict_for(lambda: with_one(np.nan)),
          refused(ValueError, NAN)),
    *rows(40, "predict-nan", TABLES, predict_for(lambda: with_one(np.nan)), works()),
    *rows(40, "predict-inf", ALL, predict_for(lambda: with_one(np.inf)),
          refused(ValueError, INFINITY)),
    *rows(41, "unfitted", ALL, lambda model, y: model.predict(X),
          refused(NotFittedError, r"This \w+ instance is not fitted yet")),
]
# fmt: on


@pytest.mark.parametrize(("deed", "expectation"), TABLE)
def test_bad_input_is_met_as_its_row_says(deed, expectation):
    """Each kind of bad input is refused, warned of or accepted as the table says."""
    expectation(deed)
