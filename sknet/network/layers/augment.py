"""Augmentation: images are moved, mirrored, turned, and partly covered at random."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sknet._numerics import Array
from sknet._warping import (
    COSINE,
    DOWN,
    MIRROR,
    N_MOVES,
    SINE,
    TOP,
    warp,
    warp_gradient,
)
from sknet._windows import Windows
from sknet.fields import flag, real, whole
from sknet.network.layers._base import Layer, Training
from sknet.network.layers.dropout import draw_uniform
from sknet.network.layers.window_fields import image_shape
from sknet.network.layout import Declaration, Shape


# The numbers that are drawn for each image, whichever of them are used: they move it
# along either axis, mirror it, turn it, and place the zeros along either axis.
_SHIFT, _FLIP, _ROTATION, _CUTOUT = 0, 2, 3, 4
_N_DRAWN = 6


@dataclass(frozen=True, repr=False)
class Augment(Layer):
    r"""Random changes of the training images, drawn anew in each epoch.

    An image is mirrored, then turned, then moved; zeros come in from outside. Then a
    square of zeros covers a part of it. At prediction and validation, images stay as
    they are.

    Parameters
    ----------
    shift : int in [0, inf), default=2
        Largest shift in pixels: whole numbers from ``-shift`` to ``shift``, all with
        the same probability, independently for both directions. It must be smaller
        than the images. An axis of a single pixel is not shifted.
    flip : bool, default=False
        Whether images are mirrored left-right with probability 1/2.
    rotation : float in [0, 180], default=0.0
        Largest angle in degrees: uniform from ``-rotation`` to ``rotation``, about the
        image's centre, with bilinear interpolation. Positive angles turn as in
        ``scipy.ndimage.rotate``. Images need more than one pixel along both axes.
    cutout : int in [0, inf), default=0
        Side of the square of zeros, in pixels. Its centre may be any pixel of the
        image, so that parts of it may lie outside. It must be smaller than the images.

    See Also
    --------
    SimpleCNNClassifier : Its parameter ``augment`` takes an instance.

    Notes
    -----
    With a place :math:`s` relative to the centre of the image, the mirror
    :math:`F = \mathrm{diag}(1, \pm 1)`, the rotation :math:`R` and the shift :math:`d`,

    .. math:: y(s) = x\bigl(F R^\top (s - d)\bigr)

    and zero in the square. Without ``rotation``, pixels are copied. Pullback: the
    transpose of this linear map, by which each pixel hands its gradient to those that
    it was made from.

    Every member draws from its own noise stream, in the order of the images, six
    numbers for each, so that shifts are the same with and without the other changes.
    If training sets ``shares_noise``, all images of a step are changed in the same way.

    References
    ----------
    .. [1] P. Y. Simard, D. Steinkraus and J. C. Platt, "Best practices for
       convolutional neural networks applied to visual document analysis", ICDAR 2003.
    .. [2] T. DeVries and G. W. Taylor, "Improved regularization of convolutional neural
       networks with cutout", 2017, arXiv:1708.04552.

    Examples
    --------
    >>> from sknet import Augment, SimpleCNNClassifier
    >>> network = SimpleCNNClassifier(augment=Augment(shift=2, rotation=10.0))
    >>> network.set_params(augment__flip=True).augment
    Augment(flip=True, rotation=10.0)
    """

    shift: int = whole(2, "[0, inf)")
    flip: bool = flag(False)
    rotation: float = real(0.0, "[0, 180]")
    cutout: int = whole(0, "[0, inf)")

    @property
    def has_effect(self) -> bool:
        """Whether images are changed at all."""
        return bool(self.shift or self.flip or self.rotation or self.cutout)

    def build(self, declare: Declaration, shape: Shape) -> Shape:
        """Declare the use of noise, what is done to each image, and the output.

        Parameters
        ----------
        declare : Declaration
            Receives the declarations.
        shape : tuple of int
            Height, width and channels of the images.

        Returns
        -------
        shape : tuple of int
            The same shape.

        Raises
        ------
        ValueError
            If nothing might be left of the images.
        """
        self._check_fits(image_shape(self, shape))
        declare.draws_noise = declare.passes_input = True
        declare.buffer("drawn", (_N_DRAWN,), training=True)
        declare.buffer("angle", (1,), training=True)
        declare.buffer("moves", (N_MOVES,), training=True)
        declare.buffer("y", shape, training=True)
        if not declare.at_input:
            declare.buffer("dx", shape, training=True)
        return shape

    def _check_fits(self, shape: tuple[int, int, int]) -> None:
        """Raise ValueError if nothing might be left of images of a shape."""
        height, width, _ = shape
        least = min((n for n in (height, width) if n > 1), default=1)
        for name in ("shift", "cutout"):
            value = getattr(self, name)
            if value >= least:
                raise ValueError(
                    f"{self!r}: {name}={value} must be smaller than the images, which "
                    f"have {height} x {width} pixels. Use {name}={least - 1} or less."
                )
        if self.rotation and min(height, width) == 1:
            raise ValueError(
                f"{self!r}: rotation={self.rotation} needs images with more than one "
                f"pixel along both axes, but they have {height} x {width}. Use "
                "rotation=0.0, or set image_shape to their height and width."
            )

    @property
    def _windows(self) -> Windows:
        """The positions from which a pixel is made."""
        return Windows((2, 2) if self.rotation else (1, 1))

    def forward(self, p: Any, x: Any, cache: Any, training: Training | None) -> Array:
        """Return changed images, or ``x`` itself at prediction.

        Parameters
        ----------
        p : namespace
            Not used.
        x : ndarray of shape (K or 1, B, H, W, C)
            The images.
        cache : namespace
            The layer's buffers.
        training : Training or None
            The noise streams; None at prediction.

        Returns
        -------
        y : ndarray of shape (K, B, H, W, C)
            The images of each member.
        """
        del p
        cache.is_changed = training is not None
        if training is None:
            return x
        draw_uniform(cache.drawn, training)
        self._turn(cache.drawn, cache.angle, cache.moves)
        self._move(cache.drawn, cache.moves, x.shape[2:4])
        warp(x, cache.moves, self._windows, out=cache.y)
        y: Array = cache.y
        return y

    def _turn(self, drawn: Array, angle: Array, moves: Array) -> None:
        """Write cosine and sine of the angles, and the signs of mirrored images."""
        sign = moves[..., MIRROR : MIRROR + 1]
        is_kept = 0.5 if self.flip else 0.0  # all numbers that are drawn reach zero
        np.greater_equal(drawn[..., _FLIP : _FLIP + 1], is_kept, out=sign)
        sign *= 2.0
        sign -= 1.0
        if not self.rotation:
            moves[..., COSINE : COSINE + 1] = 1.0
            moves[..., SINE : SINE + 1] = 0.0
            return
        largest = math.radians(self.rotation)
        of_rotation = drawn[..., _ROTATION : _ROTATION + 1]
        np.multiply(of_rotation, 2.0 * largest, out=angle)
        angle -= largest
        # One member at a time: the last digits may depend on how many there are.
        for k in range(len(angle)):
            np.cos(angle[k], out=moves[k, :, COSINE : COSINE + 1])
            np.sin(angle[k], out=moves[k, :, SINE : SINE + 1])

    def _move(self, drawn: Array, moves: Array, shape: tuple[int, int]) -> None:
        """Write whole numbers: the shifts, and where the zeros begin and end.

        For u < 1 from a generator and n below 2 ** 24, n u is rounded to less than n.
        """
        for axis, n in enumerate(shape):
            shift = self.shift if n > 1 else 0
            by = moves[..., DOWN + axis : DOWN + axis + 1]
            of_shift = drawn[..., _SHIFT + axis : _SHIFT + axis + 1]
            np.multiply(of_shift, 2.0 * shift + 1.0, out=by)
            np.floor(by, out=by)
            by -= float(shift)
            at = TOP + 2 * axis
            first, behind = moves[..., at : at + 1], moves[..., at + 1 : at + 2]
            of_cutout = drawn[..., _CUTOUT + axis : _CUTOUT + axis + 1]
            np.multiply(of_cutout, float(n), out=first)
            np.floor(first, out=first)
            first -= float(self.cutout // 2)
            np.add(first, float(self.cutout), out=behind)

    def backward(self, p: Any, grad: Any, dy: Array, cache: Any) -> Array | None:
        """Return the gradient of the images, unless at the network's input.

        Parameters
        ----------
        p, grad : namespace
            Not used.
        dy : ndarray of shape (K, B, H, W, C)
            Gradient with respect to the output.
        cache : namespace
            As ``forward`` left it.

        Returns
        -------
        dx : ndarray of shape (K, B, H, W, C) or None
            Gradient with respect to the images.
        """
        del p, grad
        if not cache.is_changed:
            return dy
        dx: Array | None = getattr(cache, "dx", None)
        if dx is not None:
            warp_gradient(dy, cache.moves, self._windows, out=dx)
        return dx
