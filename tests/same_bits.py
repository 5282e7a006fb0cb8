"""A program that fits and prints digests: ``test_same_answer.py`` runs it in processes.

python same_bits.py seeds      six estimators and a search, small
python same_bits.py threads    the same bits with one and with two BLAS threads
"""

import hashlib
import json
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import cross_validate
from threadpoolctl import threadpool_limits

from sknet import (
    Conv,
    LockstepGridSearchCV,
    SimpleCNNClassifier,
    SimpleCNNRegressor,
    SimpleMLPClassifier,
    SimpleMLPRegressor,
    TabularMLPClassifier,
    TabularMLPRegressor,
)


warnings.simplefilter("ignore")  # few iterations are enough


def digest(*arrays):
    """Return a digest of arrays."""
    found = hashlib.blake2b(digest_size=8)
    for array in arrays:
        found.update(np.ascontiguousarray(array))
    return found.hexdigest()


def seeds():
    """Print a digest for each kind of estimator."""
    X, y = make_classification(150, 6, n_informative=4, n_classes=3, random_state=0)
    few = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 1}
    models = {
        "classifier": SimpleMLPClassifier(**few, dropout=0.1, early_stopping=True),
        "regressor": SimpleMLPRegressor(**few, n_estimators=2, bootstrap=True),
        "table": TabularMLPClassifier(**few),
        "values of a table": TabularMLPRegressor(**few),
        "images": SimpleCNNClassifier(**few, conv_layers=(Conv(3),), dropout=0.1),
        "values of images": SimpleCNNRegressor(**few, n_estimators=2),
    }
    found = {}
    for name, model in models.items():
        model.fit(X, y)
        found[name] = digest(model.theta_, model.predict(X))
    grid = {"alpha": [1e-4, 1.0], "activation": ["tanh", "relu"]}
    search = LockstepGridSearchCV(SimpleMLPClassifier(**few), grid, cv=3).fit(X, y)
    found["search"] = digest(search.cv_results_["mean_test_score"])
    print(json.dumps(found))


def threads():
    """Print for each kind of estimator whether one and two threads give the same."""
    # No multiple of anything, so that two threads round otherwise than one.
    X, y = make_classification(797, 101, random_state=0)
    few = {"hidden_layer_sizes": (203, 203), "max_iter": 2, "random_state": 1}
    few |= {"batch_size": 397, "deterministic": True}
    models = {
        "classifier": SimpleMLPClassifier(**few),
        "regressor": SimpleMLPRegressor(**few, dtype="float32"),
        "lbfgs": SimpleMLPRegressor(**few, solver="lbfgs"),
        "ensemble": SimpleMLPClassifier(**few, n_estimators=2, n_jobs=1),
        "ensemble in threads": SimpleMLPClassifier(**few, n_estimators=2, n_jobs=2),
        "table": TabularMLPClassifier(**few, n_estimators=2),
        "values of a table": TabularMLPRegressor(**few, n_estimators=2),
        "images": SimpleCNNClassifier(**few, conv_layers=(Conv(16, pool=2),)),
    }
    found = {}
    for name, model in models.items():
        digests = []
        for n_threads in (1, 2):
            with threadpool_limits(n_threads):
                model.fit(X, y)
                digests.append(digest(model.theta_, model.predict(X)))
                if name == "table":
                    digests[-1] += f" {model.temperature_}"
        found[name] = digests
    network = SimpleMLPClassifier(**few)
    scored = [
        cross_validate(network, X, y, cv=2, n_jobs=n_jobs, return_estimator=True)
        for n_jobs in (1, 2)  # joblib's processes have one BLAS thread each
    ]
    with threadpool_limits(2), ThreadPoolExecutor(1) as pool:
        there = pool.submit(lambda: clone(network).fit(X, y).theta_).result()
    found["in a thread"] = [digest(network.fit(X, y).theta_), digest(there)]
    found["n_jobs"] = [digest(*(e.theta_ for e in s["estimator"])) for s in scored]
    print(json.dumps(found))


if __name__ == "__main__":
    {"seeds": seeds, "threads": threads}[sys.argv[1]]()
