"""Digits and tumours of scikit-learn's data sets, and a network that is small."""

from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import StandardScaler


DIGITS, DIGIT = load_digits(return_X_y=True)
DIGITS, DIGIT = DIGITS[:400] / 16.0, DIGIT[:400]
CANCER, MALIGNANT = load_breast_cancer(return_X_y=True)
CANCER = StandardScaler().fit_transform(CANCER)
SMALL = {"hidden_layer_sizes": (12,), "max_iter": 12, "random_state": 0}
