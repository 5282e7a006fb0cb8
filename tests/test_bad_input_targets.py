"""Bad targets, weights and training that goes on: rows 42 to 75 of the catalogue."""

import numpy as np
import pytest
from bad_input import (
    ALL,
    BAD_LABELS,
    CLASSIFIERS,
    HIDDEN_SIZES,
    LABELS,
    NO_SAMPLE,
    NOT_RAW,
    NUMERIC,
    QUIET,
    REGRESSORS,
    TABLE_REGRESSOR,
    TABLES,
    TARGET,
    TOO_LARGE,
    WIDTH,
    fit_to,
    is_sure_of_one_class,
    partial,
    partial_with,
    refused,
    rows,
    same_type_as,
    twice,
    warned,
    warned_of_each,
    with_dtypes,
    with_params,
    with_weight,
    with_y,
    works,
    zero_batch_weight,
)
from bad_rows import X, arrow_frame, pandas, pieces, polars
from sklearn.exceptions import DataConversionWarning

from sknet.problem.value_target import target_scale


pytestmark = QUIET


def arrow_labels(labels, dtype):
    """Labels in a series of pandas that Arrow holds."""
    arrow_frame()  # skips where there is no such thing
    return pandas().Series(labels, dtype=f"{dtype}[pyarrow]")


def text_of_any_length():
    """Labels of the type of text that came with NumPy 2."""
    if not hasattr(getattr(np, "dtypes", None), "StringDType"):
        pytest.skip("NumPy before 2.0 has no such type")
    return np.array(pieces("no", "yes"), dtype=np.dtypes.StringDType())


TWO_LABELS = np.c_[LABELS, 1 - LABELS]
THREE_LABELS = np.c_[TWO_LABELS, LABELS]

# fmt: off
TABLE = [
    # The target.
    *rows(42, "y-none", ALL, with_y(lambda: None),
          refused(ValueError, "requires y to be passed, but the target y is None")),
    *rows(43, "y-nan", ALL, with_y(lambda: np.r_[np.nan, np.ones(59)]),
          refused(ValueError, "Input (y )?contains NaN")),
    *rows(43, "y-inf", ALL, with_y(lambda: np.r_[np.inf, np.ones(59)]),
          refused(ValueError, "Input (y )?contains infinity")),
    *[
        row
        for bad, message in ((np.nan, "contains NaN"), (np.inf, "contains infinity"))
        for row in rows(
            43, f"y-{bad}-later", ALL,
            twice(partial(), partial(y=np.r_[bad, TARGET[1:]])),
            refused(ValueError, f"Input (y )?{message}"))
    ],
    *rows(44, "y-length-later", ALL,
          twice(partial(), lambda model, y: model.partial_fit(X, y[:59])),
          refused(ValueError, r"inconsistent numbers of samples: \[60, 59\]")),
    *rows(44, "y-length", ALL, lambda model, y: model.fit(X, y[:59]),
          refused(ValueError, r"inconsistent numbers of samples: \[60, 59\]")),
    *rows(45, "y-column", ALL,
          lambda model, y: model.fit(X, y.reshape(-1, 1)).predict(X),
          warned(DataConversionWarning, "A column-vector y was passed")),
    *rows(46, "y-continuous", CLASSIFIERS, with_y(lambda: TARGET),
          refused(ValueError, r"^Unknown label type: continuous(.|\n){0,200}$")),
    *rows(46, "y-continuous-later", CLASSIFIERS,
          twice(partial(), partial(y=TARGET, classes=None)),
          refused(ValueError, r"^Unknown label type: continuous(.|\n){0,200}$")),
    *rows(47, "y-integers-as-objects", CLASSIFIERS,
          with_y(lambda: LABELS.astype(object)),
          refused(ValueError, "(?i)astype|cast")),
    *rows(48, "y-text-and-numbers", CLASSIFIERS,
          with_y(lambda: np.array(pieces("a", 1), dtype=object)),
          refused(BAD_LABELS, f"(?s)^(?=.*str)(?=.*int){NOT_RAW}")),
    *rows(48, "y-text-and-none", CLASSIFIERS,
          with_y(lambda: np.array(pieces("a", None), dtype=object)),
          refused(BAD_LABELS, f"(?s)^(?=.*None|.*NaN|.*missing){NOT_RAW}")),
    *rows(49, "y-nullable-integers", CLASSIFIERS,
          with_y(lambda: pandas().Series(LABELS, dtype="Int64")),
          works(same_type_as([0, 1]))),
    *[
        row
        for dtype, labels in (("Int64", LABELS), ("boolean", LABELS > 0))
        for row in rows(49, f"y-{dtype}-missing", CLASSIFIERS,
                        with_y(lambda dtype=dtype, labels=labels:
                               pandas().Series(labels, dtype=dtype).where(X[:, 1] > 0)),
                        refused(ValueError, "Input y contains NaN"))
    ],
    *[
        row
        for dtype, labels in (("int64", LABELS), ("bool", LABELS > 0))
        for row in rows(49, f"y-arrow-{dtype}", CLASSIFIERS,
                        with_y(lambda dtype=dtype, labels=labels:
                               arrow_labels(labels, dtype)),
                        works(same_type_as(labels)))
    ],
    *rows(49, "y-polars", CLASSIFIERS, with_y(lambda: polars().Series(LABELS)),
          works(same_type_as([0, 1]))),
    *rows(49, "y-polars-missing", CLASSIFIERS,
          with_y(lambda: polars().Series([None, *LABELS.tolist()[1:]])),
          refused(ValueError, "Input y contains NaN")),
    *rows(50, "y-nullable-text-missing", CLASSIFIERS,
          with_y(lambda: pandas().Series(["no", None] * 30, dtype="string")),
          refused(ValueError, "Input y contains NaN: labels must not be missing")),
    *rows(50, "y-text", CLASSIFIERS, with_y(lambda: np.array(pieces("no", "yes"))),
          works(same_type_as(["no", "yes"]))),
    *rows(50, "y-text-of-any-length", CLASSIFIERS, with_y(text_of_any_length),
          works(lambda predicted: set(predicted) <= {"no", "yes"})),
    *rows(50, "y-nullable-text", CLASSIFIERS,
          with_y(lambda: pandas().Series(pieces("no", "yes"), dtype="string")),
          works(lambda predicted: set(predicted) <= {"no", "yes"})),
    *rows(50, "y-categorical", CLASSIFIERS,
          with_y(lambda: pandas().Series(pieces("no", "yes"), dtype="category")),
          works(lambda predicted: set(predicted) <= {"no", "yes"})),
    *rows(50, "y-bool", CLASSIFIERS, with_y(lambda: LABELS.astype(bool)),
          works(same_type_as([False, True]))),
    *rows(51, "one-class", CLASSIFIERS,
          lambda model, y: model.fit(X, np.full(60, 7)).predict(X),
          works(lambda predicted: (predicted == 7).all())),
    *rows(51, "one-class-probability", CLASSIFIERS,
          lambda model, y: model.fit(X, np.full(60, 7)).predict_proba(X),
          works(is_sure_of_one_class)),
    *rows(52, "y-text", REGRESSORS, with_y(lambda: pieces("a", "b")),
          refused(ValueError, "(?i)string|str|numeric")),
    *rows(52, "y-numbers-as-text", REGRESSORS, with_y(lambda: pieces("1", "2")),
          refused(ValueError, "(?i)string|str|numeric")),
    *rows(53, "y-bool", REGRESSORS, with_y(lambda: TARGET > 0), works()),
    *rows(53, "y-int", REGRESSORS, with_y(lambda: TARGET.astype(int)), works()),
    *rows(54, "y-1e200", REGRESSORS[:2], with_y(lambda: TARGET * 1e200),
          refused(ValueError, TOO_LARGE)),
    *rows(54, "y-1e200", TABLE_REGRESSOR, with_y(lambda: TARGET * 1e200), works()),
    # The ends of what numbers can be, of which a margin beyond would be infinite.
    *rows(54, "y-largest-number", TABLE_REGRESSOR,
          with_y(lambda: pieces(np.finfo(float).max, 0.0, -1e300)), works()),
    *rows(55, "y-constant", REGRESSORS, with_y(lambda: np.full(60, 3.0)), works()),
    *rows(55, "y-constant-exactly", TABLE_REGRESSOR, with_y(lambda: np.full(60, 3.0)),
          works(lambda predicted: (predicted == 3.0).all())),
    *rows(56, "poisson-negative", REGRESSORS, with_params(loss="poisson"),
          refused(ValueError, r"(?i)some values of y are negative")),
    *rows(57, "multiclass-multioutput", CLASSIFIERS,
          with_y(lambda: np.c_[LABELS, LABELS + 1, LABELS + 2]),
          refused(ValueError, "(?i)multi-?output")),
    *rows(58, "label-lists", CLASSIFIERS, with_y(lambda: pieces([1], [1, 2])),
          refused(ValueError, "(?i)inhomogeneous|sequence|multilabel")),
    *rows(124, "y-masked", ALL,
          lambda model, y: model.fit(X, np.ma.masked_array(y, y == y[0])),
          refused(ValueError, r"y is a masked array, .* X\[~y.mask\]")),
    *rows(124, "y-of-two-kinds-of-text", CLASSIFIERS,
          with_y(lambda: np.array(pieces("a", np.str_("b")), dtype=object)),
          works(same_type_as(np.array(["a", "b"], dtype=object)))),
    *[
        row  # among objects a missing value is None
        for value, message in ((None, "NaN"), (np.inf, "infinity"))
        for row in rows(124, f"y-objects-{value}", REGRESSORS,
                        with_y(lambda value=value: np.array([value, *TARGET[1:]],
                                                            dtype=object)),
                        refused(ValueError, f"Input y contains {message}"))
    ],
    # Sample weights.
    *rows(124, "weight-masked", ALL,
          with_weight(lambda: np.ma.masked_array(np.ones(60), X[:, 0] > 0)),
          refused(ValueError, "sample_weight is a masked array, whose mask")),
    *rows(59, "weight-scalar", ALL, with_weight(lambda: 2.0), works()),
    *rows(60, "weight-negative", ALL, with_weight(lambda: np.r_[-1.0, np.ones(59)]),
          refused(ValueError, "Negative values in data passed to `sample_weight`")),
    *rows(60, "weight-all-negative", ALL, with_weight(lambda: -np.ones(60)),
          refused(ValueError, "Negative values in data passed to `sample_weight`")),
    *rows(61, "weight-zero", ALL, with_weight(lambda: np.zeros(60)),
          refused(ValueError, "Sample weights must contain at least one non-zero")),
    *rows(62, "weight-nan", ALL, with_weight(lambda: np.r_[np.nan, np.ones(59)]),
          refused(ValueError, "Input sample_weight contains NaN")),
    *rows(62, "weight-inf", ALL, with_weight(lambda: np.r_[np.inf, np.ones(59)]),
          refused(ValueError, "Input sample_weight contains infinity")),
    *rows(62, "weight-text", ALL, with_weight(lambda: pieces("a", "b")),
          refused(ValueError, "could not convert string to float")),
    *rows(62, "weight-2d", ALL, with_weight(lambda: np.ones((60, 2))),
          refused(ValueError, "Sample weights must be 1D array or scalar")),
    *rows(62, "weight-length", ALL, with_weight(lambda: np.ones(59)),
          refused(ValueError, r"sample_weight.shape == \(59,\), expected \(60,\)")),
    *rows(63, "weight-of-a-batch-zero", NUMERIC,
          with_weight(zero_batch_weight, batch_size=10, shuffle=False), works()),
    *rows(63, "weights-cancel", ALL, with_weight(lambda: pieces(1.0, -1.0)),
          refused(ValueError, "Negative values in data passed to `sample_weight`")),
    *rows(64, "weight-1e308", ALL, with_weight(lambda: np.full(60, 1e308)), works()),
    # Incremental learning and warm starts.
    *rows(65, "no-classes", CLASSIFIERS, lambda model, y: model.partial_fit(X, y),
          refused(ValueError, "classes must be passed on the first call to")),
    *rows(66, "y-not-in-classes", CLASSIFIERS, partial(y=LABELS + 1),
          refused(ValueError, r"(?i)`?y`? (has|contains) .*(classes|labels)")),
    *rows(66, "y-unseen-later", CLASSIFIERS,
          twice(partial(), partial(y=LABELS + 1, classes=None)),
          refused(ValueError, r"(?i)`?y`? (has|contains) .*(classes|labels)")),
    *rows(66, "y-of-several-labels-later", CLASSIFIERS,
          twice(partial(), partial(y=np.c_[LABELS, 1 - LABELS], classes=None)),
          refused(ValueError, "multilabel-indicator target, but training started")),
    *rows(66, "y-of-one-label-later", CLASSIFIERS,
          lambda model, y: model.fit(X, np.c_[y, 1 - y]).partial_fit(X, y),
          refused(ValueError, r"shape \(60,\), but the training target has 2 columns")),
    *rows(66, "classes-changed", CLASSIFIERS,
          twice(partial(), partial(classes=[0, 1, 2])),
          refused(ValueError, "(?i)is not the same as on last call to partial_fit")),
    *[
        row
        for classes in ({0, 1}, [], [[0, 1]], 2, "01", [0, None], [0, 1, np.nan])
        for row in rows(125, f"classes-{classes!r}", CLASSIFIERS,
                        partial(classes=classes),
                        refused(ValueError, r"(?s)`classes` must be .*labels"))
    ],
    *rows(125, "classes-each-twice", CLASSIFIERS,
          twice(partial(classes=[1, 1, 0]), partial(classes=[0, 1, 0])), works()),
    *rows(125, "classes-of-more-columns", CLASSIFIERS,
          partial(y=TWO_LABELS, classes=[0, 1, 2]),
          refused(ValueError, r"`y` has shape \(60, 2\), .* has 3 columns")),
    *rows(125, "columns-less-than-before", CLASSIFIERS,
          twice(partial(y=THREE_LABELS, classes=[0, 1, 2]),
                partial(y=TWO_LABELS, classes=None)),
          refused(ValueError, r"`y` has shape \(60, 2\), .* has 3 columns")),
    *rows(67, "empty-batch", ALL, twice(partial(), partial(X[:0])),
          refused(ValueError, NO_SAMPLE)),
    *rows(68, "other-width", ALL, twice(partial(), partial(X[:, :3])),
          refused(ValueError, WIDTH)),
    *rows(69, "other-dtype", ALL, with_dtypes(np.float64, np.float32), works()),
    *rows(69, "other-dtype-up", ALL, with_dtypes(np.float32, np.float64), works()),
    *rows(70, "partial_fit-other-hidden", ALL,
          twice(partial(), partial_with(hidden_layer_sizes=(5,))),
          refused(ValueError, HIDDEN_SIZES)),
    *[
        row
        for deed in (with_params, partial_with)
        for name, value, who in (("dtype", "float32", REGRESSORS[:2]),
                                 ("categorical_features", [0], TABLES),
                                 ("max_one_hot", 3, TABLES))
        for row in rows(126, f"{deed.__name__}-other-{name}", who,
                        twice(with_params(warm_start=True), deed(**{name: value})),
                        refused(ValueError, rf"cannot resume .*{name} is .*, but "))
    ],
    *rows(126, "partial_fit-same-features", TABLES,
          twice(partial_with(categorical_features=[0]),
                partial_with(categorical_features=np.array([0]))),
          warned_of_each("merged into one.* They are numbers",
                         "a single value, or no frequent value, in column 0")),
    *rows(71, "warm_start-other-hidden", ALL,
          twice(with_params(warm_start=True), with_params(hidden_layer_sizes=(5,))),
          refused(ValueError, HIDDEN_SIZES)),
    *rows(72, "other-number-of-outputs", REGRESSORS,
          twice(partial(y=X[:, :2]), partial(y=X[:, :3])),
          refused(ValueError, r"(?s)(?=.*\b2\b)(?=.*\b3\b)(?=.*output)")),
    *rows(73, "partial_fit-lbfgs", ALL, partial_with(solver="lbfgs"),
          refused(AttributeError, "partial_fit")),
    *rows(73, "partial_fit-lbfgs-hidden", ALL,
          lambda model, y: model.set_params(solver="lbfgs"),
          works(lambda model: not hasattr(model, "partial_fit"))),
    *rows(74, "partial_fit-early_stopping", ALL, partial_with(early_stopping=True),
          works()),
    *rows(75, "warm_start-other-classes", CLASSIFIERS,
          twice(with_params(warm_start=True), with_y(lambda: LABELS + 1)),
          refused(ValueError, "warm_start can only be used where `y` has the same")),
    *rows(75, "warm_start-other-width", ALL,
          twice(with_params(warm_start=True), fit_to(lambda: X[:, :3])),
          refused(ValueError, WIDTH)),
]
# fmt: on


@pytest.mark.parametrize(("deed", "expectation"), TABLE)
def test_bad_input_is_met_as_its_row_says(deed, expectation):
    """Each kind of bad input is refused, warned of or accepted as the table says."""
    expectation(deed)


@pytest.mark.parametrize("clips", [False, True])
def test_no_prediction_in_units_of_the_target_is_infinite(clips):
    """Beyond the largest number there is the largest number."""
    largest = np.finfo(float).max
    scale = target_scale(np.array([[largest], [-largest]]), None, clips)

    assert np.isfinite(scale.backward(np.array([[9.0], [-9.0]]))).all()
