"""Parameters of the Tabular pair alone."""

from __future__ import annotations

from numbers import Integral

from sknet._sklearn import Interval, Part, StrOptions
from sknet.config.parameter import Parameter
from sknet.network.input_embedding import NUMERIC_EMBEDDINGS


TABLE_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "blend_activation",
        "bool",
        """Whether each hidden unit learns how much of the activation it takes, and how
        much of its input as it is; see ``Blend``.
        """,
        default=True,
        constraint=["boolean"],
        classes="Tabular",
    ),
    Parameter(
        "categorical_features",
        'array-like, "from_dtype" or None',
        """Which features are categories: "from_dtype" finds columns of categories, text
        and booleans; an array holds names, numbers or a mask; None: none is.
        """,
        default="from_dtype",
        constraint=["array-like", StrOptions({"from_dtype"}), None],
        classes="Tabular",
    ),
    Parameter(
        "max_one_hot",
        "int in [0, inf)",
        """Categories of more levels get a trained vector for each level, others a
        column for each.
        """,
        default=8,
        constraint=[Interval(Integral, 0, None, closed="left")],
        classes="Tabular",
    ),
    Parameter(
        "embedding_size",
        "int in [1, inf)",
        "Length of those vectors.",
        default=8,
        constraint=[Interval(Integral, 1, None, closed="left")],
        classes="Tabular",
    ),
    Parameter(
        "numeric_embedding",
        "str, Layer or None",
        """What numbers become before the first layer: trained waves beside the number,
        or nothing but the number (None). An instance has options,
        ``Periodic(waves=32)``.
        """,
        default="periodic",
        constraint=[Part(NUMERIC_EMBEDDINGS), None],
        classes="Tabular",
    ),
    Parameter(
        "calibrate",
        "bool",
        """Whether probabilities are calibrated by a temperature, on the held-out rows
        of early stopping. For outputs that are logistic or a softmax.
        """,
        default=True,
        constraint=["boolean"],
        classes="TabularMLPClassifier",
    ),
    Parameter(
        "clip_predictions",
        "bool",
        """Whether predictions end a twentieth of the range beyond that of the training
        targets. For losses that work on standardised targets; see the notes.
        """,
        default=True,
        constraint=["boolean"],
        classes="TabularMLPRegressor",
    ),
    Parameter(
        "quantiles",
        "tuple of float in (0, 1), or None",
        """Levels that the same network learns beside the mean, for ``predict(X,
        quantiles=...)``. They never cross.
        """,
        default=None,
        constraint=["array-like", None],
        classes="TabularMLPRegressor",
    ),
)
