"""mlforecast and skforecast: lags and columns beside them, as by hand.

Both want an older pandas than the other libraries (make test-works-with-more).
"""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sknet import TabularMLPRegressor


pytestmark = pytest.mark.more

NETWORK = TabularMLPRegressor((8,), n_estimators=2, max_iter=6, random_state=0)
DAYS = pd.date_range("2026-01-01", periods=80, freq="D")


def sales():
    """Days of three shops: a kind, which one of them lacks, and prices with gaps."""
    rng = np.random.default_rng(0)
    week = 3 * np.sin(2 * np.pi * np.arange(len(DAYS)) / 7)
    shops = [
        pd.DataFrame(
            {
                "unique_id": shop,
                "ds": DAYS,
                "y": level + week + 0.3 * rng.standard_normal(len(DAYS)),
                "kind": kind,
                "price": rng.random(len(DAYS)),
            }
        )
        for shop, level, kind in [("a", 10, "town"), ("b", 20, "sea"), ("c", 15, None)]
    ]
    table = pd.concat(shops, ignore_index=True)
    table.loc[::9, "price"] = np.nan
    return table


@pytest.mark.filterwarnings("ignore:Found null values")  # they are meant
def test_mlforecast_with_text_and_gaps():
    """``dropna=False`` keeps the rows without a lag, which the network can read."""
    mlforecast = pytest.importorskip("mlforecast")
    table = sales()
    forecast = mlforecast.MLForecast({"network": NETWORK}, freq="D", lags=[1, 7])
    forecast.fit(table, static_features=["kind"], dropna=False)
    next_day = forecast.make_future_dataframe(1).assign(price=[0.5, np.nan, 0.1])
    said = forecast.predict(1, X_df=next_day)

    lags = {f"lag{lag}": table.groupby("unique_id")["y"].shift(lag) for lag in (1, 7)}
    by_hand = table[["kind", "price"]].assign(**lags)
    assert by_hand.isna().any().all()
    alone = clone(NETWORK).fit(by_hand, table["y"])
    rows = pd.DataFrame({"kind": ["town", "sea", None], "price": next_day["price"]})
    for lag in (1, 7):
        rows[f"lag{lag}"] = [
            series.iloc[-lag] for _, series in table.groupby("unique_id")["y"]
        ]
    assert_array_equal(said["network"], alone.predict(rows))
    assert list(forecast.models_["network"].feature_names_in_) == list(rows)
    # what the text says is learned: it is all that tells the shops apart at first
    assert np.ptp(alone.predict(rows)) > 2


def demand():
    """A series, and a table beside it whose text moves it up and down."""
    rng = np.random.default_rng(0)
    beside = pd.DataFrame(
        {"price": rng.random(80), "kind": rng.choice(["sea", "land", "town"], 80)},
        index=DAYS,
    )
    up = beside["kind"].map({"land": 4.0, "sea": -4.0, "town": 4.0})
    return up + beside["price"] + 0.1 * rng.standard_normal(80), beside


def test_skforecast_hands_codes():
    """Named by position, they are categories again: no order of land, sea and town."""
    recursive = pytest.importorskip("skforecast.recursive")
    series, beside = demand()
    known, new = slice(0, 70), slice(70, 80)
    position = 3 + list(beside).index("kind")
    network = clone(NETWORK).set_params(categorical_features=[position], max_iter=40)
    forecaster = recursive.ForecasterRecursive(network, lags=3)
    forecaster.fit(series[known], exog=beside[known])
    said = forecaster.predict(10, exog=beside[new])

    codes = beside["kind"].map({"land": 0.0, "sea": 1.0, "town": 2.0})
    lags = [series.shift(lag) for lag in (1, 2, 3)]
    by_hand = pd.concat([*lags, beside["price"], codes], axis=1).to_numpy()
    alone = clone(network).fit(by_hand[3:70], series[3:70].to_numpy())
    assert_allclose(said.iloc[0], alone.predict(by_hand[70:71])[0], rtol=1e-12)

    encoded = alone.preprocessor_.get_feature_names_out()
    assert {f"x{position}_{code}" for code in (0.0, 1.0, 2.0)} <= set(encoded)
    assert np.corrcoef(said, series[new])[0, 1] > 0.95
