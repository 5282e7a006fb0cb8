"""Conversion of fitted estimators to scikit-learn's class, and back."""
