"""skrub makes numbers of dates; the other columns stay as they are."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline


def with_dates(X):
    """The table with a day for each row, one of them missing, and large ids."""
    days = pd.Series(pd.date_range("2026-01-01", periods=len(X), freq="36h"))
    days[5] = pd.NaT
    return X.assign(sold=days, number=2.0**24 + np.arange(len(X)))


def test_dates_become_numbers_and_nothing_else_changes(case_of_table):
    skrub = pytest.importorskip("skrub")
    model, X, y = case_of_table
    X = with_dates(X)
    with pytest.raises(TypeError, match="sold"):
        clone(model).fit(X, y)

    dates = skrub.DatetimeEncoder(resolution="hour", add_weekday=True)
    pipeline = make_pipeline(skrub.ApplyToCols(dates, cols=["sold"]), model).fit(X, y)

    day = X["sold"].dt
    by_hand = {
        "sold_year": day.year,
        "sold_month": day.month,
        "sold_day": day.day,
        "sold_hour": day.hour,
        "sold_total_seconds": (X["sold"] - pd.Timestamp(0)).dt.total_seconds(),
        "sold_weekday": day.day_of_week + 1,
    }
    known = X["sold"].notna()
    encoded = pipeline[0].transform(X)
    assert set(encoded) == set(X) - {"sold"} | set(by_hand)
    for name, column in by_hand.items():
        assert_array_equal(encoded[name], column.astype("float32"), err_msg=name)
    for name in set(X) - {"sold"}:
        pd.testing.assert_series_equal(encoded[name], X[name])
    assert encoded.loc[~known, list(by_hand)].isna().all(axis=None)

    # one column after the other, in the order that skrub gives them
    table = X.drop(columns="sold").assign(**by_hand)[list(encoded)]
    alone = clone(model).fit(table.astype(encoded.dtypes), y)
    says = case_of_table.method
    assert_array_equal(getattr(pipeline, says)(X), getattr(alone, says)(encoded))
