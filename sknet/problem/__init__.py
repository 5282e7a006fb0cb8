"""The problem: what users hand in, read and checked, as values."""
