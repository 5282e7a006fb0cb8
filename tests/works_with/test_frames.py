"""Tables of other libraries mean what their numbers mean, bit for bit."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.utils.fixes import parse_version

from sknet import LockstepGridSearchCV, SimpleMLPClassifier, TabularMLPClassifier


NAMES = ["first", "second", "noise", "constant"]
FIRST = parse_version("1.9")  # that reads the names of polars


def as_pandas(X, names=NAMES):
    return pytest.importorskip("pandas").DataFrame(X, columns=names)


def as_nullable_pandas(X, names=NAMES):
    return as_pandas(X, names).astype("Float64")


def as_polars(X, names=NAMES):
    return pytest.importorskip("polars").DataFrame(X, schema=names)


def as_arrow(X, names=NAMES):
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.table(dict(zip(names, X.T, strict=True)))


CONTAINERS = [as_pandas, as_nullable_pandas, as_polars, as_arrow]


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_frame_is_the_numbers_in_it(classifier_of_numbers, container):
    """Fitted on a frame or on its numbers; asked for a frame or for its numbers."""
    model, X, y = classifier_of_numbers
    expected = clone(model).fit(X, y).predict_proba(X)
    framed = clone(model).fit(container(X), y)
    assert_array_equal(framed.predict_proba(container(X)), expected)


@pytest.mark.parametrize("container", CONTAINERS)
def test_names_of_the_columns_are_kept_and_asked_for(classifier_of_numbers, container):
    model, X, y = classifier_of_numbers
    if container is as_polars and parse_version(sklearn.__version__) < FIRST:
        pytest.skip("scikit-learn before 1.9 reads no names of polars")
    model.fit(container(X), y)
    assert_array_equal(model.feature_names_in_, NAMES)
    other = container(X[:, ::-1], NAMES[::-1])
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(other)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_search_takes_frames(classifier_of_numbers, container):
    """Its folds are cut from them."""
    model, X, y = classifier_of_numbers
    tables = X, container(X)
    searches = [
        LockstepGridSearchCV(model, {"alpha": [0.0, 1.0]}, cv=3).fit(table, y)
        for table in tables
    ]
    plain, framed = (search.cv_results_["mean_test_score"] for search in searches)
    assert np.isfinite(plain).all()
    assert_array_equal(framed, plain)


def wide_polars(X, name):
    """A frame of polars' integers of 128 bits, which NumPy does not have."""
    polars = pytest.importorskip("polars")
    if not hasattr(polars, name):
        pytest.skip(f"this polars has no {name}")
    return polars.DataFrame(X, schema=["a", "b"]).cast(getattr(polars, name))


@pytest.mark.parametrize("name", ["Int128", "UInt128"])
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside floats"])
def test_integers_of_128_bits_are_numbers(case_of_numbers, name, beside):
    model, _, y = case_of_numbers
    numbers = np.random.default_rng(0).integers(0, 9, (len(y), 2))
    frame, plain = wide_polars(numbers, name), as_polars(numbers.astype(float), [*"ab"])
    if beside:
        frame, plain = (
            X.with_columns(c=X["a"].cast(float) / 7) for X in (frame, plain)
        )
    expected = clone(model).fit(plain, y).predict(plain)
    assert_array_equal(clone(model).fit(frame, y).predict(frame), expected)


def test_gaps_among_integers_of_128_bits_are_gaps():
    polars = pytest.importorskip("polars")
    if not hasattr(polars, "UInt128"):
        pytest.skip("this polars has no integers of 128 bits")
    values = [1, None, 3, 5] * 10
    frames = [
        polars.DataFrame({"a": polars.Series(values, dtype=dtype)})
        for dtype in (polars.UInt128, polars.Float64)
    ]
    y = np.arange(40) % 2
    model = TabularMLPClassifier((4,), max_iter=1, n_estimators=1, random_state=0)
    wide, plain = (clone(model).fit(X, y).predict_proba(X) for X in frames)
    assert_array_equal(wide, plain)
    with pytest.raises(ValueError, match="contains NaN"):
        SimpleMLPClassifier().fit(frames[0], y)
