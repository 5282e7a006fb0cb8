"""The tables of bad input are complete: rows 1 to 84, for everybody."""

import pytest
from bad_input import ALL, numbers_of
from test_bad_input_features import TABLE as FEATURES
from test_bad_input_parameters import TABLE as PARAMETERS
from test_bad_input_targets import TABLE as TARGETS


NUMBERS = numbers_of(FEATURES, TARGETS, PARAMETERS)

# Rows that say something about one kind of target only.
OF_CLASSIFIERS = {46, 47, 48, 49, 50, 51, 57, 58, 65, 66}
OF_REGRESSORS = {52, 53, 54, 55, 56, 72, 82}


@pytest.mark.parametrize("who", ALL, ids=lambda who: who.name)
def test_table_has_every_row_of_the_catalogue(who):
    """No number from 1 to 84 is missing for an estimator that it holds for."""
    left_out = OF_REGRESSORS if who.is_classifier else OF_CLASSIFIERS
    there = {n for n, names in NUMBERS.items() if who in names}

    assert set(range(1, 85)) - left_out <= there
