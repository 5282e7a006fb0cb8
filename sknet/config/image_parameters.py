"""Parameters that only the estimators for images have."""

from __future__ import annotations

from sknet._sklearn import ListOf
from sknet.config.parameter import Parameter
from sknet.network.convolution import Conv
from sknet.network.layers import Augment


IMAGE_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "conv_layers",
        "tuple of ConvLayer",
        """The convolutional layers, in front of the hidden layers: instances of
        :class:`~sknet.Conv`, :class:`~sknet.ResidualConv` and
        :class:`~sknet.AggregatedConv`. ``conv_layers__0__filters`` is the parameter
        ``filters`` of the first one. An empty tuple leaves dense layers only.
        """,
        default=(Conv(32, pool=2), Conv(64, pool=2)),
        constraint=[
            ListOf(
                "a tuple of Conv, ResidualConv or AggregatedConv, e.g. "
                "(Conv(32, pool=2),)"
            )
        ],
        classes="CNN",
    ),
    Parameter(
        "image_shape",
        "tuple of int or None",
        """Height and width of the images, or height, width and channels. None infers
        them from an X with these axes. Rows of pixels are then square images, if the
        number of columns is a square, otherwise images with a single row of pixels.
        """,
        default=None,
        constraint=[
            ListOf(
                "a tuple (height, width) or (height, width, channels), e.g. (28, 28)"
            ),
            None,
        ],
        classes="CNN",
    ),
    Parameter(
        "augment",
        "Augment or None",
        """Shifts, flips, rotations and cutout, by which training images are changed
        at random; see :class:`~sknet.Augment`. Not supported by "lbfgs".
        """,
        default=None,
        constraint=[Augment, None],
        classes="CNN",
        needs_steps="needs a loss without noise",
    ),
)
