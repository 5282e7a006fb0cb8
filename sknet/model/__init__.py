"""Fitted models: trained networks and everything that prediction needs."""
