"""Outputs of fitted estimators: predictions, predictors, parameters and members."""
