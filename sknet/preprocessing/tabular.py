"""The transformer that makes a network's columns of a raw table."""

from __future__ import annotations

from copy import copy
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sknet._numerics import Array
from sknet._sklearn import (
    Interval,
    StrOptions,
    check_sample_weight,
    feature_names_in,
    fit_context,
    gives_frames,
)
from sknet._version import VersionStamp
from sknet.preprocessing.categories import listed, looked_up
from sknet.preprocessing.columns import Table, check_table, is_plain
from sknet.preprocessing.encoding import codes_of, flags_of, read_levels
from sknet.preprocessing.measuring import measure
from sknet.preprocessing.names import names_of_columns
from sknet.preprocessing.scaling import SCALINGS, smooth_clip
from sknet.preprocessing.sparse_frames import sparse_matrix_of
from sknet.preprocessing.unknown_levels import warn_of_unknown_levels


class TabularPreprocessor(VersionStamp, TransformerMixin, BaseEstimator):
    r"""Make columns for a neural network of a raw table.

    Numbers are centred, scaled and smoothly clipped; categories become flags or, if
    they have many levels, numbers of levels for a learned embedding; missing values are
    imputed and, where training had some, flagged. The columns that come out are ordered
    ``[numbers | flags | codes]``. Everything is weighted by ``sample_weight``.

    Parameters
    ----------
    categorical_features : array-like, "from_dtype" or None, default="from_dtype"
        Which features are categories. "from_dtype" takes columns of a dataframe of
        category, text or boolean type, and columns of an array of objects that hold
        text, or nothing but truth values. An array holds names, numbers, or a mask.
        None says that none is.
    max_one_hot : int in [0, inf), default=8
        Categories of up to so many levels, missing ones not counted, become a flag for
        each level, and those of more levels a code. Two levels always share one flag.
    min_frequency : int in [1, inf), float in (0, 1), "auto" or None, default="auto"
        Levels with less than so many rows (int), or with less than such a share of
        them (float), are merged into one. "auto" merges levels of less than 3 rows
        where there are more than ``max_one_hot``: too little to learn a vector from.
        None merges nothing. Rows count by their weights, the smallest of which, at
        most 1, is one row.
    numeric : "robust" or None, default="robust"
        How numbers are scaled. "robust" subtracts the median and divides by the
        interquartile range (but see the notes); a constant column becomes 0, whatever
        value comes later. None leaves numbers as they are, and
        ignores ``clip`` and ``scale_flags``.
    clip : float in (0, inf) or None, default=3.0
        Scaled numbers x become :math:`x / \sqrt{1 + (x / \mathrm{clip})^2}`, which
        stays within the limits. None for no limits.
    missing_indicator : bool, default=True
        Whether numbers that were sometimes missing in training get a flag that says so.
    scale_flags : bool, default=True
        Whether flags are scaled and clipped like numbers: so that rare levels are as
        far from the others as rare numbers are.
    dtype : "float32" or "float64", default="float32"
        Type of the result. Statistics are computed in float64.

    Attributes
    ----------
    n_numeric_ : int
        How many columns of numbers come out.
    n_flags_ : int
        How many flags come out.
    n_levels_ : list of int
        For each code that comes out, how many values it has: 0 stands for unknown
        levels, unless they count as rare ones, and for missing ones, unless training
        had some.
    is_categorical_ : ndarray of bool of shape (`n_features_in_`,)
        Which features are categories.
    categories_ : list of list
        For each category its levels in order, without merged ones. None stands for
        missing.
    infrequent_categories_ : list of list
        For each category the levels that were merged.
    median_ : ndarray of shape (`n_numeric_`,)
        What stands in for missing numbers: the medians, 0 where there was no number.
    center_, scale_ : ndarray of shape (`n_numeric_` + `n_flags_`,)
        What is subtracted from numbers and flags, and what they are multiplied with.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the features, if all of them are strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : The scaling alone, without weights.
    sklearn.preprocessing.OneHotEncoder : The flags alone, without weights.

    Notes
    -----
    Levels compare as Python compares: 1, 1.0 and True are one level, and "1" is
    another. Whole numbers are never rounded to floats. A level that training did not
    show counts as a rare one, if levels were merged; else it has no flag (all are what
    0 becomes), or code 0. Rows of weight zero are absent, and weights of whole numbers
    are rows repeated.

    Where one value has more than half of the rows, the spread that numbers are divided
    by is at least half the median distance of the others from it, and twice their
    interquartile range. A frequent least or largest value far from all others ("-999")
    is left out of it. The user guide has the formula.

    A sparse matrix is all numbers, and so is a pandas frame of sparse columns without
    gaps, half of whose cells or more are zero, unless ``categorical_features`` names
    columns. It is not centred, so that it stays sparse, and its zeros are counted as
    numbers: center a column that is far from zero first. Missing values are refused.
    Any other frame of sparse columns is encoded as the dense one. Asked for a frame by
    ``set_output``, ``transform`` gives one of dense columns for one of sparse ones.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet import TabularPreprocessor
    >>> X = np.array([[1.0, "red"], [2.0, "blue"], [None, "red"], [4.0, "green"]],
    ...              dtype=object)
    >>> encoder = TabularPreprocessor(scale_flags=False).fit(X)
    >>> encoder.get_feature_names_out().tolist()
    ['x0', 'x1_blue', 'x1_green', 'x1_red', 'x0_missing']
    >>> encoder.transform(X)
    array([[-0.65, 0.  , 0.  , 1.  , 0.  ],
           [ 0.  , 1.  , 0.  , 0.  , 0.  ],
           [ 0.  , 0.  , 0.  , 1.  , 1.  ],
           [ 1.2 , 0.  , 1.  , 0.  , 0.  ]], dtype=float32)
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012, as in scikit-learn
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "max_one_hot": [Interval(Integral, 0, None, closed="left")],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
            StrOptions({"auto"}),
            None,
        ],
        "numeric": [StrOptions({name for name in SCALINGS if name}), None],
        "clip": [Interval(Real, 0, None, closed="neither"), None],
        "missing_indicator": ["boolean"],
        "scale_flags": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"})],
    }

    def __init__(  # noqa: PLR0913, one argument per hyperparameter
        self,
        categorical_features: Any = "from_dtype",
        *,
        max_one_hot: int = 8,
        min_frequency: int | float | str | None = "auto",
        numeric: str | None = "robust",
        clip: float | None = 3.0,
        missing_indicator: bool = True,
        scale_flags: bool = True,
        dtype: str = "float32",
    ) -> None:
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.min_frequency = min_frequency
        self.numeric = numeric
        self.clip = clip
        self.missing_indicator = missing_indicator
        self.scale_flags = scale_flags
        self.dtype = dtype

    # ---- fit

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Measure the columns of a table.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (N, D)
            The table.
        y : object, default=None
            Ignored.
        sample_weight : array-like of shape (N,), default=None
            Weights of the rows, >= 0 and not all zero.

        Returns
        -------
        self : TabularPreprocessor
            The fitted transformer.

        Raises
        ------
        ValueError
            If X is empty, or not two-dimensional; if it has infinities, complex
            numbers, or text in a column that is no category; if it is sparse and has
            missing values; if weights are negative or all zero.
        TypeError
            If X has dates or durations, or objects that are neither text nor numbers;
            if it is sparse, and ``categorical_features`` names columns.
        """
        del y
        fitted = copy(self)  # so that a fit that fails leaves everything as it was
        X = check_table(fitted, X, reset=True)
        weight = None
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, np.empty((X.shape[0], 1)))
        self.__dict__ = vars(fitted) | measure(fitted, X, weight)
        return self

    # ---- transform

    def transform(self, X: Any) -> Any:
        """Return the columns of a table.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (N, D)
            The table.

        Returns
        -------
        columns : ndarray or CSR matrix of shape (N, `n_numeric_` + `n_flags_` + codes)
            Numbers, flags and codes; sparse if X is. Where no level of a category is
            known from ``fit``, or some are of another type, there is a warning.

        Raises
        ------
        ValueError
            As in ``fit``; also if X has other columns than there, or if one that was
            numbers there holds text.
        TypeError
            If X has dates or durations, or objects that are neither text nor numbers.
        """
        check_is_fitted(self)
        columns = self.encode(X)
        # A frame of sparse columns may become a frame again, which a matrix cannot.
        if sparse.issparse(columns) and not sparse.issparse(X) and gives_frames(self):
            return columns.toarray()
        return columns

    def encode(self, X: Any) -> Any:
        """Encode a table as an array, whatever ``set_output`` says.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (N, D)
            The table.

        Returns
        -------
        columns : ndarray or CSR matrix of shape (N, P)
            What ``transform`` gives.
        """
        if is_plain(self, X) and not self._categories:
            return self._encode_plain(X)
        return self.encode_checked(check_table(self, X, reset=False))

    def encode_checked(self, X: Any) -> Any:
        """Encode a table that an estimator has looked at, names of columns included.

        Parameters
        ----------
        X : ndarray, CSR matrix or dataframe of shape (N, D)
            What ``check_table`` has returned.

        Returns
        -------
        columns : ndarray or CSR matrix of shape (N, P)
            What ``transform`` gives.
        """
        if is_plain(self, X) and not self._categories:
            return self._encode_plain(X)
        if self._from_sparse:
            matrix = sparse_matrix_of(X)
            X = X if matrix is None else matrix
        return self._encode_sparse(X) if sparse.issparse(X) else self._encode(X)

    def _encode_plain(self, X: Array) -> Array:
        """Return the columns of an array of finite numbers without categories."""
        if not self.n_flags_:
            return self._scaled(X)
        raw = np.zeros((len(X), self.n_numeric_ + self.n_flags_))
        raw[:, : self.n_numeric_] = X
        return self._scaled(raw)

    def _encode(self, X: Any) -> Array:
        """Return the columns of a dense table."""
        table = Table(X, vars(self).get("feature_names_in_"))
        p, mask = self.n_numeric_, self.is_categorical_
        places = np.flatnonzero(mask).tolist()
        found = [read_levels(table, j) for j in places]
        for j, levels, category in zip(places, found, self._categories, strict=True):
            warn_of_unknown_levels(levels, category, table.label(j))
        raw = np.empty((table.n_rows, p + self.n_flags_))
        numbers, flags = raw[:, :p], raw[:, p:]
        numbers[...] = table.numbers(np.flatnonzero(~mask))
        flags[...] = flags_of(found, self._categories, numbers, self._sometimes_missing)
        missing = np.isnan(numbers)
        if missing.any():
            np.copyto(numbers, self.median_, where=missing)
        scaled, codes = self._scaled(raw), codes_of(found, self._categories)
        if not codes:
            return scaled
        return np.concatenate([scaled, np.stack(codes, 1)], 1, dtype=self.dtype)

    def _scaled(self, raw: Array) -> Array:
        """Scale and clip numbers and flags, into a new array of the result's type."""
        if self.numeric is None:
            return raw.astype(self.dtype)
        with np.errstate(over="ignore"):
            x = np.subtract(raw, self.center_)
            x *= self.scale_
            if self.clip is not None:
                end = None if self.scale_flags else self.n_numeric_
                smooth_clip(x[:, :end], self.clip)
            return x.astype(self.dtype, copy=False)

    def _encode_sparse(self, X: Any) -> Any:
        """Return the columns of a sparse matrix, of the same pattern."""
        if not self._from_sparse:
            raise ValueError(
                f"{type(self).__name__} was fitted on a dense table, whose centres "
                "would not leave a sparse one sparse. Pass X.toarray(), or fit on a "
                "sparse matrix."
            )
        X = X.astype(np.float64)  # a copy
        if self.numeric is not None:
            with np.errstate(over="ignore"):
                X.data *= self.scale_[X.indices]
                if self.clip is not None:
                    smooth_clip(X.data, self.clip)
        return X.astype(self.dtype, copy=False)

    # ---- saving

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes, in a form that any format can hold."""
        state = super().__getstate__()
        if "_categories" in state:
            state["_categories"] = [listed(c) for c in state["_categories"]]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes."""
        super().__setstate__(state)
        if "_categories" in state:
            self._categories = [looked_up(c) for c in state["_categories"]]

    # ---- scikit-learn's contract

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns that ``transform`` returns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; by default those seen in ``fit``, or "x0", "x1" ...

        Returns
        -------
        names : ndarray of str
            "age" and "age_missing" of a number, "color_red" of a level, "city" of a
            code or of two levels in one column; underscores are added to a name that
            is taken.
        """
        check_is_fitted(self)
        return names_of_columns(
            feature_names_in(self, input_features),
            self.is_categorical_,
            self._categories,
            self._sometimes_missing,
        )

    def __sklearn_tags__(self) -> Any:
        """Say what comes in and what goes out."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        named = self.categorical_features
        tags.input_tags.sparse = named is None or isinstance(named, str)
        tags.transformer_tags.preserves_dtype = [self.dtype]
        return tags
