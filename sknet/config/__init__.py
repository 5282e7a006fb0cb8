"""Configuration: the parameters of the estimators, each declared once."""
