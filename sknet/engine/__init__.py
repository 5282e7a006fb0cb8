"""Training steps and predictions, recorded once and replayed by a compiled C library.

The library is optional. Without it, every step is computed by NumPy.
"""
