"""What comes of a search, in a form in which two of them can be compared."""

import re
import warnings

import numpy as np


def assert_same_table(ours, theirs):
    """Assert equal columns in equal order, times apart; NaN equals NaN."""
    assert list(ours) == list(theirs)
    for name in theirs:
        if re.fullmatch("(mean|std)_(fit|score)_time", name):
            assert (ours[name] >= 0).all()
        elif name.startswith("param"):  # settings that are objects are cloned
            assert list(map(str, ours[name])) == list(map(str, theirs[name]))
        else:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def outcome(search, X, y, **fit):
    """Return what comes of a search: an error, or warnings and the table."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "Stochastic Optimizer")  # of few epochs
        try:
            table = search.fit(X, y, **fit).cv_results_
        except Exception as error:
            return type(error), essence(search, error), None
    messages = [(w.category, essence(search, w.message)) for w in caught]
    return type(None), sorted(set(messages), key=str), table


def essence(search, message):
    """Return a message without the class's name, tracebacks, addresses and times."""
    text = str(message).replace(type(search).__name__, "Search")
    text = re.sub(r"(?m)^ .*\n?|^Traceback.*\n", "", text)
    return re.sub(r"0x[0-9a-f]+", "", text).replace("-" * 80, "")
