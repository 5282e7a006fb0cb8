"""The warning of categories that were meant to be numbers or dates."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

from sknet import TabularMLPClassifier, TabularMLPRegressor, TabularPreprocessor
from sknet.lockstep import LockstepGridSearchCV


N = 300
NUMBERS = np.arange(1, N + 1) * 37.31
DAYS = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(N) * 3, unit="D")

# Text, and what reading it by the advice of the warning must give.
TEXTS = {
    "numbers": ([f"{v:.2f}" for v in NUMBERS], NUMBERS),
    "exponents": ([f"{v:.9e}" for v in NUMBERS], NUMBERS),
    "negative numbers": ([f" {-v:.2f}" for v in NUMBERS], -NUMBERS),
    "thousands": ([f"{100 * v:,.2f}" for v in NUMBERS], 100 * NUMBERS),
    "dollars": ([f"${100 * v:,.2f}" for v in NUMBERS], 100 * NUMBERS),
    "euros": ([f"{v:.2f} €" for v in NUMBERS], NUMBERS),
    "codes of a currency": ([f"EUR {v:.2f}" for v in NUMBERS], NUMBERS),
    "percent": ([f"{v:.2f}%" for v in NUMBERS], NUMBERS),
    "a unit": ([f"{100 * v:,.2f} kg" for v in NUMBERS], 100 * NUMBERS),
    "a unit without a blank": ([f"{-v:.2f}cm" for v in NUMBERS], -NUMBERS),
    "decimal comma": ([f"{v:.2f}".replace(".", ",") for v in NUMBERS], NUMBERS),
    "comma and points": (
        [f"{100 * v:_.2f}".replace(".", ",").replace("_", ".") for v in NUMBERS],
        100 * NUMBERS,
    ),
    "comma and spaces": (
        [f"{100 * v:_.2f}".replace(".", ",").replace("_", "\u202f") for v in NUMBERS],
        100 * NUMBERS,
    ),
    "dates": ([f"{d:%Y-%m-%d}" for d in DAYS], DAYS),
    "dates with slashes": ([f"{d:%Y/%m/%d}" for d in DAYS], DAYS),
    "times of a day": ([f"{d:%Y-%m-%dT%H:%M:%S}" for d in DAYS], DAYS),
    "day first": ([f"{d:%d.%m.%Y}" for d in DAYS], DAYS),
    "day first, slashes": ([f"{d:%d/%m/%Y}" for d in DAYS], DAYS),
    "month first": ([f"{d:%m/%d/%Y}" for d in DAYS], DAYS),
    "names of months": ([f"{d:%d %b %Y}" for d in DAYS], DAYS),
    "names of months first": ([f"{d:%B %d, %Y}" for d in DAYS], DAYS),
}


def warnings_of(fit):
    """What a call warns of merged levels."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit()
    return [str(w.message) for w in told if "merged into one" in str(w.message)]


def advice_of(message):
    """The expression that a warning advises."""
    text = message.split("first: ", 1)[1].removeprefix("d = ")
    return text.split(", then")[0].rstrip(".")


@pytest.mark.parametrize("case", TEXTS)
def test_advice_reads_text_as_what_it_is(case):
    text, expected = TEXTS[case]
    X = pd.DataFrame({"charges": text})
    (message,) = warnings_of(lambda: TabularPreprocessor().fit(X))
    assert "Column 'charges' of X" in message
    is_date = isinstance(expected, pd.DatetimeIndex)
    assert ("look like dates" if is_date else "look like numbers") in message
    advice = advice_of(message)
    found = eval(advice, {"pandas": pd, "X": X})
    if is_date:
        assert (pd.DatetimeIndex(found) == expected).all()
    else:
        np.testing.assert_allclose(found, expected)


def test_blanks_among_numbers_are_read_as_missing():
    text = [f"{v:.2f}" for v in NUMBERS]
    text[::20] = [" "] * len(text[::20])
    text[1:4] = ["?", "N/A", "unknown"]
    X = pd.DataFrame({"charges": text})
    (message,) = warnings_of(lambda: TabularPreprocessor().fit(X))
    found = eval(advice_of(message), {"pandas": pd, "X": X})
    assert found.isna().sum() == 18


def test_three_digits_behind_a_comma_have_two_readings():
    text = [f"{v:.3f}".replace(".", ",") for v in NUMBERS[NUMBERS < 1000]] * 1
    text += [f"{v:.3f}".replace(".", ",") for v in NUMBERS[NUMBERS < 1000] + 0.001]
    (message,) = warnings_of(
        lambda: TabularPreprocessor().fit(pd.DataFrame({"a": text}))
    )
    assert "if the comma separates thousands" in message
    assert "if it separates decimals" in message


@pytest.mark.parametrize(
    "text",
    [
        [f"C{k:05}" for k in range(N)],
        [f"{k * 7919 % 65536:04x}-x" for k in range(N)],
        [f"10.0.{k % 255}.{k}" for k in range(N)],
        [f"+49 170 {k * 7919 + 1000000}" for k in range(N)],
        [f"a note of {k} words" for k in range(N)],
        [f"{k * 0.7:.2f} {'kg' if k % 2 else 'lb'}" for k in range(N)],
    ],
)
def test_text_that_reads_as_neither_is_said_to(text):
    (message,) = warnings_of(
        lambda: TabularPreprocessor().fit(pd.DataFrame({"a": text}))
    )
    assert "Column 'a'" in message
    assert "neither numbers nor dates" in message


def arrow_backed(frame):
    """The frame over Arrow's arrays."""
    pytest.importorskip("pyarrow")
    return frame.convert_dtypes(dtype_backend="pyarrow")


def polars_frame(frame):
    """The frame of polars."""
    return pytest.importorskip("polars").DataFrame(frame.to_dict("list"))


def arrow_table(frame):
    """Arrow's table."""
    return pytest.importorskip("pyarrow").Table.from_pandas(frame)


CONTAINERS = {
    "frame": lambda frame: frame,
    "string": lambda frame: frame.convert_dtypes(),
    "category": lambda frame: frame.astype({"charges": "category"}),
    "arrow-backed": arrow_backed,
    "polars": polars_frame,
    "arrow": arrow_table,
    "objects": lambda frame: frame.to_numpy(dtype=object),
    "list": lambda frame: frame.to_numpy(dtype=object).tolist(),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_advice_goes_with_the_container(container):
    frame = pd.DataFrame({"other": NUMBERS, "charges": TEXTS["dollars"][0]})
    X = CONTAINERS[container](frame)
    (message,) = warnings_of(lambda: TabularPreprocessor().fit(X))
    named = container not in ("objects", "list")
    assert f"Column {'charges' if named else 1!r} of X" in message
    libraries = {"pandas": pd, "numpy": np, "X": X}
    if container == "polars":
        libraries["polars"] = pytest.importorskip("polars")
        found = X.select(eval(advice_of(message), libraries)).to_series()
    else:
        found = eval(advice_of(message), libraries)
    np.testing.assert_allclose(found.to_numpy(), 100 * NUMBERS)


def test_polars_reads_dates_by_the_advice():
    polars = pytest.importorskip("polars")
    for case in ("dates", "day first", "month first"):
        X = polars.DataFrame({"day": TEXTS[case][0]})
        (message,) = warnings_of(lambda X=X: TabularPreprocessor().fit(X))
        found = eval(advice_of(message), {"pandas": pd, "X": X})
        assert found.tolist() == DAYS.tolist()


def test_numbers_that_were_declared_a_category_are_said_to_be_numbers():
    X = np.column_stack([NUMBERS, NUMBERS % 5])
    message = warnings_of(lambda: TabularPreprocessor([0]).fit(X))
    assert "Column 0" in message[0]
    assert "leave the column out of categorical_features" in message[0]
    category = pd.DataFrame({"a": pd.Categorical(NUMBERS)})
    assert len(warnings_of(lambda: TabularPreprocessor().fit(category))) == 1
    text = pd.DataFrame({"a": TEXTS["numbers"][0]})
    assert len(warnings_of(lambda: TabularPreprocessor(["a"]).fit(text))) == 1


def test_stray_text_among_numbers_is_said_to_be_that():
    """No user has declared the column a category."""
    values = NUMBERS.astype(object)
    values[3] = "unknown"
    X = pd.DataFrame({"charges": values})
    (message,) = warnings_of(lambda: TabularPreprocessor().fit(X))
    assert "leave the column out" not in message
    found = eval(advice_of(message), {"pandas": pd, "X": X})
    np.testing.assert_array_equal(found[4:], NUMBERS[4:])
    assert np.isnan(found[3])


def test_numbers_beside_one_frequent_text_are_said_to_be_numbers():
    text = ["0.0" if k % 2 else f"{k * 0.37:.2f}" for k in range(N)]
    X = pd.DataFrame({"charges": text})
    (message,) = warnings_of(lambda: TabularPreprocessor().fit(X))
    assert "They look like numbers" in message


def ordinary_columns():
    """Columns of text, levels of which are or are not merged."""
    few = [f"level {k % 7}" for k in range(N)]
    many = [f"level {k % 60}" for k in range(N)]
    some_rare = [f"level {k % 20}" if k < N - 40 else f"rare {k}" for k in range(N)]
    tail = [f"level {k % 5}" if k < N * 0.6 else f"rare {k}" for k in range(N)]
    codes = [str(1000 + k % 60) for k in range(N)]
    days = [f"2020-01-{1 + k % 28:02}" for k in range(N)]
    return {"few": few, "many": many, "some": some_rare, "tail": tail} | {
        "codes": codes,
        "days": days,
        "truth": np.arange(N) % 2 == 0,
        "missing": [None] * (N - 2) + ["a", "b"],
    }


def test_ordinary_text_is_not_warned_of():
    X = pd.DataFrame(ordinary_columns())
    assert not warnings_of(lambda: TabularPreprocessor().fit(X))
    single = pd.DataFrame({"a": TEXTS["numbers"][0]})
    keep = TabularPreprocessor(min_frequency=None)
    assert not warnings_of(lambda: keep.fit(single))  # nothing is merged


def test_rows_count_by_their_weights():
    text = [f"level {k % 10}" for k in range(N // 2)] + TEXTS["numbers"][0][: N // 2]
    X, weight = pd.DataFrame({"a": text}), np.repeat([1, 0], N // 2)
    encoder = TabularPreprocessor()
    assert not warnings_of(lambda: encoder.fit(X, sample_weight=weight))
    assert len(warnings_of(lambda: encoder.fit(X, sample_weight=1 - weight))) == 1


@pytest.mark.parametrize("estimator", [TabularMLPClassifier, TabularMLPRegressor])
def test_networks_warn_once_a_fit(estimator):
    X = pd.DataFrame({"charges": TEXTS["numbers"][0], "day": TEXTS["dates"][0]})
    y = np.arange(N) % 2
    network = estimator((4,), n_estimators=3, max_iter=1, n_jobs=1, random_state=0)
    told = warnings_of(lambda: network.fit(X, y))
    assert [m.split(" of X")[0] for m in told] == ["Column 'charges'", "Column 'day'"]
    assert not warnings_of(lambda: network.predict(X))
    assert not warnings_of(lambda: network.set_params(warm_start=True).fit(X, y))


def test_searches_warn_in_the_same_words_in_each_fold():
    X, y = pd.DataFrame({"charges": TEXTS["numbers"][0]}), np.arange(N) % 2
    network = TabularMLPClassifier((4,), n_estimators=1, max_iter=1, n_jobs=1)
    grid = {"random_state": [0, 1, 2]}
    told = warnings_of(lambda: LockstepGridSearchCV(network, grid, cv=4).fit(X, y))
    assert 1 <= len(told) <= 5  # once a fold, whatever the candidates, and the refit
    assert len(set(told)) == 1
    again = warnings_of(lambda: GridSearchCV(network, grid, cv=4).fit(X, y))
    assert set(again) == set(told)


MIXED = {
    "units": [f"{v:.2f} kg" if i % 20 else f"{v:.2f} g" for i, v in enumerate(NUMBERS)],
    "currencies": [
        f"{v:.2f} {'USD' if i % 2 else 'EUR'}" for i, v in enumerate(NUMBERS)
    ],
    "signs": [f"{'$' if i % 2 else '€'}{v:.2f}" for i, v in enumerate(NUMBERS)],
}


@pytest.mark.parametrize("kind", list(MIXED))
def test_numbers_of_several_units_are_not_one_column(kind):
    """An expression that drops the units would mix them in silence."""
    frame = pd.DataFrame({"other": NUMBERS, "amount": MIXED[kind]})
    (message,) = warnings_of(lambda: TabularPreprocessor().fit(frame))
    assert "to_numeric" not in message


def test_numbers_among_text_with_a_unit_stay():
    values = [v if i % 2 else f"{v} kg" for i, v in enumerate(np.round(NUMBERS, 2))]
    frame = pd.DataFrame({"other": NUMBERS, "amount": pd.Series(values, dtype=object)})
    (message,) = warnings_of(lambda: TabularPreprocessor().fit(frame))
    found = eval(advice_of(message), {"pandas": pd, "X": frame})
    np.testing.assert_array_equal(found, np.round(NUMBERS, 2))


def test_three_digits_behind_a_point_have_two_readings():
    """With a currency or without: 3.954 may be nearly four thousand."""
    whole = np.arange(1000, 1000 + len(NUMBERS))
    for suffix in ("", " €"):
        texts = [f"{v:,}".replace(",", ".") + suffix for v in whole]
        frame = pd.DataFrame({"other": NUMBERS, "amount": texts})
        (message,) = warnings_of(lambda f=frame: TabularPreprocessor().fit(f))
        thousands = message.split("thousands, ")[1].split("; if it separates")[0]
        found = eval(thousands, {"pandas": pd, "X": frame})
        np.testing.assert_array_equal(found, whole)


def test_names_of_columns_that_are_numbers_are_not_positions():
    frame = pd.DataFrame({1: [f"{v:.2f} kg" for v in NUMBERS], 0: NUMBERS})
    (message,) = warnings_of(lambda: TabularPreprocessor().fit(frame))
    assert "Column 1 (at position 0) of X" in message
    found = eval(advice_of(message), {"pandas": pd, "X": frame})
    np.testing.assert_allclose(found, np.round(NUMBERS, 2))
