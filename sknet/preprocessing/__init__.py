"""Preprocessing of raw tables into numeric columns for a network."""

from sknet.preprocessing.tabular import TabularPreprocessor


__all__ = ["TabularPreprocessor"]
