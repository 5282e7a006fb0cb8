"""The first table of a stream: columns that it makes zero for good are named."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sknet import SimpleMLPRegressor, TabularMLPClassifier, TabularMLPRegressor


FEW = {"hidden_layer_sizes": (4,), "n_estimators": 2, "n_jobs": 1, "random_state": 0}
NETWORKS = [
    (TabularMLPRegressor(**FEW), {}),
    (TabularMLPClassifier(**FEW), {"classes": [0, 1]}),
]


def houses(rng, n_rows=30):
    """Numbers, and categories of both kinds."""
    return pd.DataFrame(
        {
            "area": rng.choice(["east", "west"], n_rows),
            "rooms": rng.integers(1, 6, n_rows),
            "street": [f"street {k % 10}" for k in range(n_rows)],
            "lot": rng.normal(size=n_rows),
        }
    )


def message_of(call):
    """The only warning of a call, or an empty text."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call()
    assert len(told) <= 1
    return str(told[0].message) if told else ""


@pytest.mark.parametrize(("network", "classes"), NETWORKS)
def test_first_row_alone_is_warned_of(rng, network, classes):
    X, y = houses(rng), np.arange(30) % 2
    fresh = type(network)(**FEW)
    message = message_of(lambda: fresh.partial_fit(X[:1], y[:1], **classes))
    assert "columns 'area', 'rooms', 'street', 'lot':" in message
    assert "Call fit on a sample" in message
    later = X[1:2].assign(area=X["area"][0], street=X["street"][0])  # known levels
    assert not message_of(lambda: fresh.partial_fit(later, y[1:2]))


@pytest.mark.parametrize(("network", "classes"), NETWORKS)
def test_constant_columns_of_the_first_table_are_named(rng, network, classes):
    X, y = houses(rng).assign(rooms=3, area="east"), np.arange(30) % 2
    fresh = type(network)(**FEW)
    message = message_of(lambda: fresh.partial_fit(X, y, **classes))
    assert "in columns 'area', 'rooms':" in message
    fresh = type(network)(**FEW)
    X = X.assign(area=houses(rng)["area"], rooms=np.nan)
    message = message_of(lambda: fresh.partial_fit(X, y, **classes))
    assert "in column 'rooms':" in message


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_columns_without_names_are_numbered_and_many_are_counted(rng, container):
    X = rng.normal(size=(30, 12))
    X[:, 3:11] = 0.0
    network, y = TabularMLPRegressor(**FEW), rng.normal(size=30)
    message = message_of(lambda: network.partial_fit(container(X), y))
    assert "in columns 3, 4, 5, 6, 7 and 3 more:" in message
    # what the warning says is so
    assert (network.preprocessor_.scale_[3:11] == 0).all()


@pytest.mark.parametrize(("network", "classes"), NETWORKS)
def test_a_fair_first_table_and_a_fit_before_are_not_warned_of(rng, network, classes):
    X, y = houses(rng), np.arange(30) % 2
    fresh = type(network)(**FEW)
    assert not message_of(lambda: fresh.partial_fit(X, y, **classes))
    fresh = type(network)(max_iter=1, **FEW).fit(X, y)
    assert not message_of(lambda: fresh.partial_fit(X[:1], y[:1]))
    constant = X.assign(rooms=3)
    assert not message_of(lambda: fresh.fit(constant, y))  # none comes later


def test_simple_networks_have_no_such_table(rng):
    X, y = np.ones((5, 2)), rng.normal(size=5)
    assert not message_of(lambda: SimpleMLPRegressor().partial_fit(X, y))
