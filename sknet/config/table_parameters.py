"""Parameters that only the Tabular pair has."""

from __future__ import annotations

from numbers import Integral

from sknet._sklearn import Interval, Part, StrOptions
from sknet.config.parameter import Parameter
from sknet.network.input_embedding import NUMERIC_EMBEDDINGS


TABLE_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "blend_activation",
        "bool",
        """Whether each hidden unit learns in what proportion to mix its activation with
        its unchanged input; see ``Blend``.
        """,
        default=True,
        constraint=["boolean"],
        classes="Tabular",
    ),
    Parameter(
        "categorical_features",
        'array-like, "from_dtype" or None',
        """Which features are categorical: "from_dtype" selects columns of categorical,
        text or boolean type; an array holds names, indices or a boolean mask; None
        means that no feature is categorical.
        """,
        default="from_dtype",
        constraint=["array-like", StrOptions({"from_dtype"}), None],
        classes="Tabular",
    ),
    Parameter(
        "max_one_hot",
        "int in [0, inf)",
        """Maximum number of levels of a categorical feature that is one-hot encoded.
        Features with more levels get a trained vector for each level.
        """,
        default=8,
        constraint=[Interval(Integral, 0, None, closed="left")],
        classes="Tabular",
    ),
    Parameter(
        "embedding_size",
        "int in [1, inf)",
        "Length of the trained vectors that represent levels.",
        default=8,
        constraint=[Interval(Integral, 1, None, closed="left")],
        classes="Tabular",
    ),
    Parameter(
        "numeric_embedding",
        "str, Layer or None",
        """Embedding of numeric features before the first layer: "periodic" adds trained
        waves to each number; None passes on the number alone. An instance has options,
        e.g. ``Periodic(waves=32)``.
        """,
        default="periodic",
        constraint=[Part(NUMERIC_EMBEDDINGS), None],
        classes="Tabular",
    ),
    Parameter(
        "calibrate",
        "bool",
        """Whether to calibrate probabilities by a temperature, which is fitted to the
        validation rows of early stopping. Only for logistic and softmax outputs.
        """,
        default=True,
        constraint=["boolean"],
        classes="TabularMLPClassifier",
    ),
    Parameter(
        "clip_predictions",
        "bool",
        """Whether to clip predictions to the range of the training targets, extended by
        a twentieth of it at both ends. Only for losses with standardised targets; see
        the notes.
        """,
        default=True,
        constraint=["boolean"],
        classes="TabularMLPRegressor",
    ),
    Parameter(
        "quantiles",
        "tuple of float in (0, 1), or None",
        """Quantile levels that the network learns in addition to the mean, for
        ``predict(X, quantiles=...)``. Predicted quantiles never cross.
        """,
        default=None,
        constraint=["array-like", None],
        classes="TabularMLPRegressor",
    ),
)
