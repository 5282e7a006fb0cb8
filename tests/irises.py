"""The irises, and a network of an ensemble on them as an estimator of its own."""

from sklearn.base import clone
from sklearn.datasets import load_iris


X, SPECIES = load_iris(return_X_y=True)
LENGTH = X[:, 0]
NET = {
    "hidden_layer_sizes": (7,),
    "max_iter": 12,
    "batch_size": 32,
    "random_state": 3,
}


def alone(model, k, **params):
    """Return network ``k`` of an ensemble as an estimator that is not fitted."""
    seed = int(model.member_seeds_[k])
    single = {"n_estimators": 1, "bootstrap": False, "random_state": seed}
    return clone(model).set_params(**single | params)
