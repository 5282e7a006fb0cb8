"""Levels of another type than in fit are warned of, equal ones are not."""

import pickle
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from columns import IDS, frame_of
from numpy.testing import assert_array_equal

from sknet import TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def named(make):
    """A table of pandas by a function of its column's values."""
    return lambda *values: pd.DataFrame({"shop": make(list(values))})


def of_objects(*values):
    """An array of objects."""
    return np.array(values, dtype=object)[:, None]


def of_polars_or_arrow(library):
    """Make a table of another library, whose types are found by the values."""

    def make(*values):
        if library == "pyarrow":
            return pytest.importorskip(library).table({"shop": list(values)})
        return pytest.importorskip(library).DataFrame({"shop": list(values)})

    return make


def as_dictionary(*values):
    """An Arrow table with a dictionary."""
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.table({"shop": pyarrow.array(list(values)).dictionary_encode()})


ANY_TYPE = {
    "objects": of_objects,
    "rows": lambda *values: [[value] for value in values],
    "pandas": named(pd.Series),
    "pandas objects": named(lambda v: pd.Series(v, dtype=object)),
    "pandas category": named(pd.Categorical),
    "pandas nullable": named(lambda v: pd.Series(v).convert_dtypes()),
    "polars": of_polars_or_arrow("polars"),
    "Arrow": of_polars_or_arrow("pyarrow"),
    "Arrow dictionary": as_dictionary,
}
CHANGED = {
    "text that was int": ((10, 20), ("10", "20"), "of type str, .*'10'.* of type int"),
    "int that was text": (
        ("10", "20"),
        (10, 20),
        "of type int, .* of type str, .*'10'",
    ),
    "text that was float": ((0.5, 1.5), ("0.5",), "of type str, .*'0.5'.* type float"),
    "float that was text": (
        ("10", "20"),
        (10.0,),
        "of type (float, .*to int, .*|int, .*)to str",  # convert_dtypes makes it int
    ),
    "text that was truth": ((True, False), ("True",), "of type str, .*type bool.* map"),
    "truth that was text": (("True", "False"), (True,), "of type bool, .* of type str"),
    "text of another reading": ((1, 2), ("1.0", "one"), "of type str, .* of type int"),
    "new text": (
        ("a", "b"),
        ("c",),
        "no level that is known from fit.* str.* str, e.g. 'a'",
    ),
    "new number": (
        (1, 2),
        (3, 4),
        "no level that is known from fit.* int.* int, e.g. 1",
    ),
    "new float": (
        (1, 2),
        (3.5,),
        "no level that is known from fit.* float.* int, e.g. 1",
    ),
}


def fitted_on(X):
    """A preprocessor that takes the only column for a category."""
    return TabularPreprocessor([0], scale_flags=False).fit(X)


@pytest.mark.parametrize("container", ANY_TYPE)
@pytest.mark.parametrize("change", CHANGED)
def test_levels_of_which_none_is_known_are_warned_of(container, change):
    make = ANY_TYPE[container]
    fitted, asked, message = CHANGED[change]
    encoder = fitted_on(make(*fitted, *fitted))
    column = "Column 0" if container in ("objects", "rows") else "Column 'shop'"
    for rows in (asked, asked[:1], (*asked, *asked)):
        with pytest.warns(UserWarning, match=f"{column} of X .*{message}") as caught:
            found = encoder.transform(make(*rows))
        assert len(caught) == 1
        assert_array_equal(found, np.zeros((len(rows), 1)))


@pytest.mark.parametrize(
    ("fitted", "asked", "message"),
    [
        (("10", "20"), ("10", 20), "of type int, e.g. 20, .* of type str, e.g. '20'"),
        ((10, 20), ("10", 20, None), "of type str, e.g. '10', .* type int, e.g. 10"),
        (
            (1, 2, "x"),
            ("1", "x"),
            "type str, e.g. '1', .* int and str, e.g. 1.* to int",
        ),
        ((1, 2, "x"), (1, "2.0"), "type str, e.g. '2.0', .* int and str, e.g. 2"),
        (("1", 2), (1.0, 2), "of type float, e.g. 1.0, .* int and str, e.g. '1'"),
        (("True", 2), (True, 2), "of type bool, e.g. True, .* int and str"),
    ],
)
def test_single_levels_of_another_type_are_warned_of(fitted, asked, message):
    """Columns of objects may hold both."""
    encoder = fitted_on(of_objects(*fitted))
    with pytest.warns(UserWarning, match=message) as caught:
        encoder.transform(of_objects(*asked))
    assert "these count as unknown" in str(caught[0].message)


def test_floats_of_another_precision_are_warned_of():
    prices = np.array([[0.1], [0.5], [1.7]] * 5)
    encoder = TabularPreprocessor([0]).fit(prices)
    with pytest.warns(UserWarning, match="another precision.*0.1000.* where fit had"):
        encoder.transform(prices.astype(np.float32))


def test_levels_that_no_row_has_are_not_warned_of():
    names = pd.CategoricalDtype(["a", "b", 1])
    encoder = fitted_on(of_objects("a", "b"))
    rows = pd.DataFrame({"a": pd.Categorical(["a", "b"], dtype=names)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder.transform(rows.to_numpy(dtype=object))
        TabularPreprocessor().fit(rows).transform(rows[:1])


SAME = {
    "floats for a gap": ((1, 2, 3), named(pd.Series), (1.0, None, 2.0)),
    "nullable": ((1, 2, 3), named(lambda v: pd.array(v, dtype="Int64")), (1, None, 3)),
    "whole floats": ((1, 2, 3), of_objects, (1.0, 2.0)),
    "truth values for 0 and 1": ((0, 1), of_objects, (True, False)),
    "decimals": ((1, 2, 0.5), of_objects, (Decimal(1), Decimal("0.5"))),
    "large floats that are exact": ((2**60, 2**61), of_objects, (2.0**60,)),
    "category of text": (("a", "b"), named(pd.Categorical), ("b", None)),
    "text of pandas": (
        ("a", "b"),
        named(lambda v: pd.array(v, dtype="string")),
        ("b",),
    ),
    "text of polars": (("a", "b"), ANY_TYPE["polars"], ("b", None)),
    "dictionary": (("a", "b"), as_dictionary, ("b", None)),
    "some that are new": (("a", "b"), of_objects, ("a", "c", "d")),
    "some new numbers": ((1, 2), of_objects, (1, 0.5, 7)),
    "some new text beside numbers": ((1, 2, "x"), of_objects, ("x", "y", 3)),
    "nothing but gaps": (("a", "b"), of_objects, (None, None)),
}


@pytest.mark.parametrize("case", SAME)
@pytest.mark.filterwarnings("ignore:X has feature names")  # after an array
def test_levels_that_are_equal_or_partly_new_are_not_warned_of(case):
    """Warnings are errors here. They are the same levels, and encoded alike."""
    fitted, make, asked = SAME[case]
    encoder = fitted_on(of_objects(*fitted))
    assert_array_equal(
        encoder.transform(make(*asked)), encoder.transform(of_objects(*asked))
    )


@pytest.mark.filterwarnings("ignore:X has feature names")  # after an array
def test_categories_that_do_not_occur_are_no_levels_of_a_column():
    encoder = fitted_on(of_objects("a", "b"))
    unused = pd.DataFrame({"shop": pd.Categorical(["a"], categories=["a", 1, "c"])})
    assert_array_equal(encoder.transform(unused), [[-1]])
    with pytest.warns(UserWarning, match="no level that is known from fit"):
        encoder.transform(unused.assign(shop=pd.Categorical(["c"], ["a", 1, "c"])))


def test_a_column_without_a_level_in_fit_has_none_to_compare_with():
    encoder = fitted_on(of_objects(None, None))
    assert_array_equal(encoder.transform(of_objects("a", 1)), [[0], [0]])


def test_rows_that_are_merged_as_rare_are_warned_of_where_all_are_unknown():
    encoder = TabularPreprocessor(min_frequency=3).fit(of_objects(*"aaabbbc"))
    with pytest.warns(UserWarning, match="no level that is known from fit"):
        unknown = encoder.transform(of_objects("d"))
    assert_array_equal(unknown, encoder.transform(of_objects("c")))  # known, and rare


def test_floats_that_round_whole_numbers_of_fit_are_warned_of():
    """Some of them are equal to other levels than those that they were."""
    encoder = fitted_on(frame_of(IDS, "int64"))
    gap = pd.DataFrame({"id": pd.Series([*IDS[:2], None])})
    gap = gap.astype(float)
    with pytest.warns(UserWarning, match=r"'id' of X holds floats.*2\*\*53.*Int64"):
        encoder.transform(gap)


@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
def test_estimators_warn_of_levels_of_another_type(estimator):
    """A predictor and a loaded network, too; and a batch that training goes on with."""
    codes, y = np.arange(60) % 3 + 10, np.arange(60) % 2
    frame, text = (pd.DataFrame({"shop": c}) for c in (codes, codes.astype(str)))
    model = estimator((4,), categorical_features=["shop"], max_iter=1, random_state=0)
    model.set_params(n_estimators=1).fit(frame, y)
    message = "Column 'shop' of X has levels of type str, .* of type int"
    for one in (model, model.predictor(), pickle.loads(pickle.dumps(model))):
        with pytest.warns(UserWarning, match=message) as caught:
            one.predict(text)
        assert len(caught) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            one.predict(frame.astype(float))
    with pytest.warns(UserWarning, match=message):
        model.partial_fit(text, y)
    with pytest.warns(UserWarning, match=message):
        model.fit(frame, y, X_val=text, y_val=y)
