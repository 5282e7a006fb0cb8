"""Preprocessing: from tables as people have them to columns for a network."""

from sknet.preprocessing.tabular import TabularPreprocessor


__all__ = ["TabularPreprocessor"]
