"""The estimators: a thin layer that implements scikit-learn's API."""
