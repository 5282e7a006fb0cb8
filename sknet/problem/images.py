"""Images: how rows of pixels, or arrays with more axes, become columns of a network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

from sknet._numerics import Array
from sknet.config.training_config import TrainingConfig
from sknet.network.image_layers import BRIGHTEST, ImageLayers
from sknet.network.layout import Shape
from sknet.problem.input_cache import InputCache
from sknet.problem.precision import type_of_rows
from sknet.problem.readers import ColumnReader, no_way_on
from sknet.problem.validation import check_features


# Usual numbers of channels; they tell which axis of an array holds the channels. Images
# of a single row of pixels, which are signals, may also have two.
_CHANNELS = (1, 3, 4)
_FEW_CHANNELS = {1: (1, 2, 3, 4), 3: _CHANNELS, 4: _CHANNELS}


@dataclass(frozen=True)
class Images:
    """Images, whose pixels are columns of the network.

    Parameters
    ----------
    shape : tuple of three int
        Height, width and channels.
    are_bytes : bool, default=False
        Whether the network is trained on pixels of type uint8.
    """

    shape: Shape
    are_bytes: bool = False

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return math.prod(self.shape)

    def rows(self, X: Any) -> Any:
        """Return X with a row for each image; raise ValueError for other images."""
        rows, axes = as_rows(X)
        if axes is not None:
            check_axes(axes, self.shape)
        elif _is_one_image(rows, self.shape):
            raise ValueError(
                f"X has shape {rows.shape}, as a single image. For one prediction, add "
                "the axis of samples: X[np.newaxis]."
            )
        return rows

    def read(self, estimator: BaseEstimator, X: Any) -> tuple[Any, np.dtype[Any]]:
        """Return the columns and the type of predictions, as ``Columns`` does."""
        columns = check_features(estimator, self.rows(X))
        return columns, type_of_rows(columns)


class ImageReader(ColumnReader):
    """Reads images, which keep their axes until they become columns."""

    accepts_sparse = False

    def read(
        self,
        estimator: BaseEstimator,
        X: Any,
        y: Any,
        reset: bool,
        numeric_target: bool,
    ) -> tuple[Any, Array]:
        """Validate images and target, as :class:`ColumnReader` does."""
        rows, axes = as_rows(X)
        rows, y = super().read(estimator, rows, y, reset, numeric_target)
        return _with_axes(rows, axes), y

    def read_whole(self, estimator: BaseEstimator, X: Any, reset: bool) -> Any:
        """Validate images from which each fold takes some, or return None."""
        rows, axes = as_rows(X)
        rows = super().read_whole(estimator, rows, reset)
        return None if rows is None else _with_axes(rows, axes)

    def inputs(
        self, config: TrainingConfig, X: Any, weight: Array | None, cache: InputCache
    ) -> Images:
        """Return the shape of the images: as given, or as in X, or as inferred."""
        del weight, cache
        return Images(_shape_of(X, config.image_shape), _are_bytes(X))

    def goes_on(self, config: TrainingConfig, inputs: Any, X: Any) -> Images:
        """Return the shape of the earlier fit; check that parameter and X match it."""
        if config.image_shape is not None:
            now = _checked(config.image_shape, inputs.n_columns)
            if now != inputs.shape:
                raise no_way_on("image_shape", now, inputs.shape)
        if X.ndim > 2:
            check_axes(X.shape[1:], inputs.shape)
        return Images(inputs.shape, _are_bytes(X))

    def columns(self, inputs: Any, X: Any, cache: InputCache) -> Any:
        """Return the pixels as rows, all in the unit of the training images."""
        if X.ndim > 2:
            check_axes(X.shape[1:], inputs.shape)

        def rows() -> Array:
            flat: Array = X.reshape(len(X), -1)
            if _are_bytes(X) and not inputs.are_bytes:
                return flat / BRIGHTEST
            return flat * BRIGHTEST if inputs.are_bytes and not _are_bytes(X) else flat

        if X.ndim == 2 and _are_bytes(X) == inputs.are_bytes:
            return X
        flat: Array = cache.memoize(("pixels", id(X), inputs.are_bytes), rows)
        return flat

    def input_embedding(self, config: TrainingConfig, inputs: Any) -> ImageLayers:
        """Return the convolutional layers."""
        of_images = (config.conv_layers, inputs.are_bytes, config.augment)
        return ImageLayers(inputs.shape, *of_images)


def as_rows(X: Any) -> tuple[Any, Shape | None]:
    """Return X with a row for each image, and the axes of an image, if it has some.

    Parameters
    ----------
    X : array-like
        Images of shape (N, H, W) or (N, H, W, C), or rows of pixels.

    Returns
    -------
    rows : object
        An array of shape (N, H * W * C); anything else is returned as it is.
    axes : tuple of int or None
        (H, W) or (H, W, C); None for rows of pixels.

    Raises
    ------
    TypeError
        If X is sparse.
    ValueError
        If X has more than four axes.
    """
    if sparse.issparse(X):
        raise TypeError(
            "Sparse data was passed for X, but dense data is required. Use "
            "'X.toarray()' to convert to a dense array of images."
        )
    if isinstance(X, (list, tuple)):
        X = _array_of(X)
    n_axes = getattr(X, "ndim", 0)
    if n_axes < 3:
        return X, None
    if n_axes > 4:
        raise ValueError(
            f"X has {n_axes} axes; images are of shape (n_samples, height, width) or "
            "(n_samples, height, width, channels), or rows of pixels."
        )
    images = np.asanyarray(X)
    return images.reshape(len(images), math.prod(images.shape[1:])), images.shape[1:]


def _array_of(X: Any) -> Any:
    """Return nested lists as an array if they are images, otherwise as they are."""
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths, for which validation has an error
        return X
    return array if array.ndim > 2 else X


def _is_one_image(X: Any, shape: Shape) -> bool:
    """Return whether rows of pixels are the rows of a single image instead."""
    is_image = getattr(X, "shape", None) == shape[:2] and shape[2] == 1
    return is_image and shape[0] > 1


def _with_axes(rows: Any, axes: Shape | None) -> Any:
    """Return rows with the axes of images."""
    return rows if axes is None else rows.reshape(len(rows), *axes)


def _are_bytes(X: Any) -> bool:
    """Return whether pixels are of type uint8."""
    return bool(X.dtype == np.uint8)


def _shape_of(X: Any, given: Any) -> Shape:
    """Return height, width and channels of images or rows of pixels."""
    axes, n_columns = X.shape[1:], math.prod(X.shape[1:])
    if given is not None:
        shape = _checked(given, n_columns)
        if len(axes) > 1:
            check_axes(axes, shape)
        return shape
    if len(axes) == 1:
        side = math.isqrt(n_columns)
        return (side, side, 1) if side * side == n_columns else (1, n_columns, 1)
    first, *_, last = axes
    if len(axes) == 3 and first in _CHANNELS and last not in _FEW_CHANNELS[first]:
        raise ValueError(
            f"X has images of shape {axes}, which seem to have the channels first: "
            "they must be (height, width, channels). Use X.transpose(0, 2, 3, 1), or "
            f"set image_shape={axes} if {first} is the height."
        )
    return _in_full(axes)


def _checked(given: Any, n_columns: int) -> Shape:
    """Return the parameter ``image_shape`` as height, width and channels."""
    values = tuple(given)
    if len(values) not in (2, 3) or not all(
        isinstance(n, Integral) and not isinstance(n, bool) and int(n) > 0
        for n in values
    ):
        raise ValueError(
            "image_shape must be (height, width) or (height, width, channels), whole "
            f"numbers in [1, inf), or None; got {given!r}."
        )
    shape = _in_full(tuple(int(n) for n in values))
    if math.prod(shape) != n_columns:
        raise ValueError(
            f"image_shape={given!r} stands for {math.prod(shape)} columns, but X has "
            f"{n_columns}. Set image_shape to (height, width) or (height, width, "
            "channels) of the images, or to None if X has their axes."
        )
    return shape


def _in_full(axes: Shape) -> Shape:
    """Return axes with that of the channels."""
    return axes if len(axes) == 3 else (*axes, 1)


def check_axes(axes: Shape, shape: Shape) -> None:
    """Raise ValueError if images have another shape than the expected one."""
    found = _in_full(axes)
    if found == shape:
        return
    text = f"X has images of shape {axes}, but {shape} is expected"
    if (found[1], found[2], found[0]) == shape:
        text += ": they have the channels first. Use X.transpose(0, 2, 3, 1)"
    raise ValueError(
        f"{text}; images are (height, width), or (height, width, channels), as "
        "image_shape or the training images define."
    )
