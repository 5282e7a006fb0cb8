"""The parameters of the estimators, each declared once."""
