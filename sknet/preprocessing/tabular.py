"""The transformer that encodes a raw table as numeric columns for a network."""

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
    r"""Encode a raw table as numeric columns for a neural network.

    Numbers are centred, scaled and smoothly clipped. Categories become flags or, if
    they have many levels, integer codes for a learned embedding. Missing values are
    imputed and, if they occurred in training, flagged. The output columns are ordered
    ``[numbers | flags | codes]``. All statistics are weighted by ``sample_weight``.

    Parameters
    ----------
    categorical_features : array-like, "from_dtype" or None, default="from_dtype"
        The categorical features. "from_dtype" selects dataframe columns of category,
        text or boolean type, and columns of object arrays that contain text, or only
        booleans. An array contains names, indices, or a mask. None means that no
        feature is categorical.
    max_one_hot : int in [0, inf), default=8
        Categories with at most this many levels, not counting missing values, get a
        flag for each level; categories with more levels get a code. Two levels always
        share one flag.
    min_frequency : int in [1, inf), float in (0, 1), "auto" or None, default="auto"
        Levels with fewer rows than this (int), or with a smaller share of the rows
        (float), are merged into one. "auto" merges levels with fewer than 3 rows, too
        few to learn a vector from, if there are more than ``max_one_hot`` levels. None
        merges no levels. Rows count by their weights, the smallest of which, at most 1,
        is one row.
    numeric : "robust" or None, default="robust"
        Scaling of numbers. "robust" subtracts the median and divides by the
        interquartile range (but see the notes); constant columns become 0, also for
        other values in new data. None leaves numbers unchanged, and ignores ``clip``
        and ``scale_flags``.
    clip : float in (0, inf) or None, default=3.0
        Scaled numbers x become :math:`x / \sqrt{1 + (x / \mathrm{clip})^2}`, which is
        between ``-clip`` and ``clip``. None means no limits.
    missing_indicator : bool, default=True
        Whether numeric columns with missing values in training get a flag for them.
    scale_flags : bool, default=True
        Whether flags are scaled and clipped like numbers, so that rare levels are as
        far from frequent ones as rare numbers are.
    dtype : "float32" or "float64", default="float32"
        Type of the result. Statistics are computed in float64.

    Attributes
    ----------
    n_numeric_ : int
        Number of numeric output columns.
    n_flags_ : int
        Number of flags in the output.
    n_levels_ : list of int
        For each code in the output, its number of values. Code 0 stands for unknown
        levels, unless they count as rare, and for missing values, unless they occurred
        in training.
    is_categorical_ : ndarray of bool of shape (`n_features_in_`,)
        Whether each feature is a category.
    categories_ : list of list
        The levels of each category in order, without merged levels. None stands for
        missing values.
    infrequent_categories_ : list of list
        The merged levels of each category.
    median_ : ndarray of shape (`n_numeric_`,)
        Values imputed for missing numbers: the medians, or 0 for columns without any
        number.
    center_, scale_ : ndarray of shape (`n_numeric_` + `n_flags_`,)
        Numbers subtracted from numeric columns and flags, and factors to multiply them
        by.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of str of shape (`n_features_in_`,)
        Names of the features, if all of them are strings.

    See Also
    --------
    sklearn.preprocessing.RobustScaler : Only the scaling, without weights.
    sklearn.preprocessing.OneHotEncoder : Only the flags, without weights.

    Notes
    -----
    Levels are compared as in Python: 1, 1.0 and True are the same level, and "1" is
    another. Integers are never rounded to floats. A level that did not occur in
    training counts as rare if levels were merged; else all flags of the category get
    the value that 0 is scaled to, or the code is 0. Rows of weight zero are ignored,
    and integer weights are equivalent to repeated rows.

    If more than half of the rows have the same value, the spread that numbers are
    divided by is at least half the median distance of the other values from it, and at
    least twice their interquartile range. A frequent minimum or maximum far from all
    other values ("-999") is ignored. The user guide has the formula.

    A sparse matrix is treated as numbers only, and so is a pandas dataframe of sparse
    columns without missing values and with zeros in at least half of its cells, unless
    ``categorical_features`` names columns. It is not centred, so that it stays sparse,
    and its zeros count as numbers: first center columns that are far from zero. Missing
    values in a sparse matrix raise an error. All other frames of sparse columns are
    encoded like dense frames. If ``set_output`` requests dataframes, ``transform``
    returns dense columns for sparse ones.

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
        """Compute the statistics of the columns of a table.

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
            numbers, or text in a column that is not a category; if it is sparse and has
            missing values; if weights are negative or all zero.
        TypeError
            If X has dates or durations, or objects that are neither text nor numbers;
            if it is sparse, and ``categorical_features`` names columns.
        """
        del y
        fitted = copy(self)  # so that a failed fit leaves the transformer unchanged
        X = check_table(fitted, X, reset=True)
        weight = None
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, np.empty((X.shape[0], 1)))
        self.__dict__ = vars(fitted) | measure(fitted, X, weight)
        return self

    # ---- transform

    def transform(self, X: Any) -> Any:
        """Encode a table.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (N, D)
            The table.

        Returns
        -------
        columns : ndarray or CSR matrix of shape (N, `n_numeric_` + `n_flags_` + codes)
            Numbers, flags and codes; sparse if X is sparse. There is a warning if all
            levels of a category are unknown, or some are of another type than in
            ``fit``.

        Raises
        ------
        ValueError
            As in ``fit``; also if the columns of X differ from those in ``fit``, or if
            a column that was numeric there contains text.
        TypeError
            If X has dates or durations, or objects that are neither text nor numbers.
        """
        check_is_fitted(self)
        columns = self.encode(X)
        # set_output cannot convert a sparse matrix to a dataframe.
        if sparse.issparse(columns) and not sparse.issparse(X) and gives_frames(self):
            return columns.toarray()
        return columns

    def encode(self, X: Any) -> Any:
        """Encode a table as an array, regardless of ``set_output``.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (N, D)
            The table.

        Returns
        -------
        columns : ndarray or CSR matrix of shape (N, P)
            The encoded columns, as in ``transform``.
        """
        if is_plain(self, X) and not self._categories:
            return self._encode_plain(X)
        return self.encode_checked(check_table(self, X, reset=False))

    def encode_checked(self, X: Any) -> Any:
        """Encode a table that was already validated, including its column names.

        Parameters
        ----------
        X : ndarray, CSR matrix or dataframe of shape (N, D)
            Result of ``check_table``.

        Returns
        -------
        columns : ndarray or CSR matrix of shape (N, P)
            The encoded columns, as in ``transform``.
        """
        if is_plain(self, X) and not self._categories:
            return self._encode_plain(X)
        if self._from_sparse:
            matrix = sparse_matrix_of(X)
            X = X if matrix is None else matrix
        return self._encode_sparse(X) if sparse.issparse(X) else self._encode(X)

    def _encode_plain(self, X: Array) -> Array:
        """Encode an array of finite numbers without categories."""
        if not self.n_flags_:
            return self._scaled(X)
        raw = np.zeros((len(X), self.n_numeric_ + self.n_flags_))
        raw[:, : self.n_numeric_] = X
        return self._scaled(raw)

    def _encode(self, X: Any) -> Array:
        """Encode a dense table."""
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
        """Return scaled and clipped numbers and flags, in a new array of ``dtype``."""
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
        """Encode a sparse matrix as a sparse matrix of the same pattern."""
        if not self._from_sparse:
            raise ValueError(
                f"{type(self).__name__} was fitted on a dense table, so it cannot "
                "encode a sparse matrix: centering would make it dense. Pass "
                "X.toarray(), or fit on a sparse matrix."
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
        """Return the attributes in a form that all file formats can store."""
        state = super().__getstate__()
        if "_categories" in state:
            state["_categories"] = [listed(c) for c in state["_categories"]]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the attributes."""
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
            "age" and "age_missing" for a numeric column, "color_red" for a level,
            "city" for a code or for two levels in one column. Underscores are appended
            to make names unique.
        """
        check_is_fitted(self)
        return names_of_columns(
            feature_names_in(self, input_features),
            self.is_categorical_,
            self._categories,
            self._sometimes_missing,
        )

    def __sklearn_tags__(self) -> Any:
        """Return the tags, which describe the supported input and the output."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        named = self.categorical_features
        tags.input_tags.sparse = named is None or isinstance(named, str)
        tags.transformer_tags.preserves_dtype = [self.dtype]
        return tags
