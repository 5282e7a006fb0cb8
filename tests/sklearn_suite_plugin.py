"""A pytest plugin that puts our classes in place of scikit-learn's.

``pytest --pyargs sklearn.neural_network.tests.test_mlp -p sklearn_suite_plugin`` then
runs scikit-learn's tests of its multi-layer perceptrons against sknet.

Two private attributes that those tests read are made to show the public attribute in
which sknet keeps the same number.  The classes have scikit-learn's names because the
names of parametrised tests are made of them.
"""

from types import SimpleNamespace

import sklearn.neural_network

from sknet import SimpleMLPClassifier, SimpleMLPRegressor


class PrivateNames:
    """What scikit-learn's tests read under private names."""

    @property
    def _optimizer(self):
        return SimpleNamespace(learning_rate=self.learning_rate_)

    @property
    def _no_improvement_count(self):
        return self.n_no_improvement_


class MLPClassifier(PrivateNames, SimpleMLPClassifier):
    """Our classifier, with the private names."""


class MLPRegressor(PrivateNames, SimpleMLPRegressor):
    """Our regressor, with the private names."""


sklearn.neural_network.MLPClassifier = MLPClassifier
sklearn.neural_network.MLPRegressor = MLPRegressor
