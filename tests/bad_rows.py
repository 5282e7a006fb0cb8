"""Rows of the tables of bad input: good ones, and all that may be wrong with them."""

import tempfile

import numpy as np
import pytest
import scipy
from scipy import sparse
from sklearn.utils.fixes import parse_version


RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
NAMES = ["a", "b", "c", "d"]


def pandas():
    return pytest.importorskip("pandas", reason="a row on data frames of pandas")


def polars():
    return pytest.importorskip("polars", reason="a row on data frames of polars")


def frame(columns=NAMES, **other_columns):
    return (
        pandas()
        .DataFrame(X[:, : len(columns)], columns=columns)
        .assign(**other_columns)
    )


def with_one(value, x=X):
    changed = x.copy()
    changed[5, 2] = value
    return changed


def objects(value=None):
    changed = X.astype(object)
    if value is not None:
        changed[5, 2] = value
    return changed


def ends_of_numbers():
    """The largest numbers above the smallest: their sum is none."""
    half = np.full((30, 4), np.finfo(float).max)
    return np.r_[half, -half]


def pieces(*values):
    """As many rows as X, the values in turn."""
    return [values[i % len(values)] for i in range(len(X))]


def frame_with_na():
    return frame().astype("Float64").where(X < 1.5)


def polars_with_null():
    return polars().DataFrame({"a": pieces(1.0, None), "b": X[:, 0]})


def categories_of_text():
    return frame(e=pandas().Categorical(pieces("red", "green")))


def arrow_frame():
    pytest.importorskip("pyarrow", reason="pandas' arrow columns need pyarrow")
    if parse_version(pandas().__version__) < parse_version("2.0"):
        pytest.skip("pandas before 2.0 has no arrow columns of numbers")
    return frame().astype("double[pyarrow]")


def arrow_table():
    pyarrow = pytest.importorskip("pyarrow", reason="a row on tables of pyarrow")
    return pyarrow.table({name: X[:, i] for i, name in enumerate(NAMES)})


def one_dimensional_coo():
    if parse_version(scipy.__version__) < parse_version("1.13"):
        pytest.skip("scipy before 1.13 has no one-dimensional sparse arrays")
    return sparse.coo_array(X[:, 0])


def read_only():
    frozen = X.copy()
    frozen.setflags(write=False)
    return frozen


def memory_map():
    """X as a read-only memory map; the map outlives the open file."""
    with tempfile.TemporaryFile() as file:
        file.write(X.tobytes())
        file.flush()
        return np.memmap(file, dtype=X.dtype, mode="r", shape=X.shape)


def damaged(matrix, name, place, value):
    """Return a sparse matrix with another number in one of its index arrays."""
    getattr(matrix, name)[place] = value
    return matrix


def replaced(matrix, name, value):
    """Return a sparse matrix with another one of its arrays."""
    setattr(matrix, name, value)
    return matrix


def long_indices(matrix):
    matrix.indices = matrix.indices.astype(np.int64)
    matrix.indptr = matrix.indptr.astype(np.int64)
    return matrix
