"""Fitted estimators in other forms: saved, made small, as scikit-learn's own class."""
