"""Parameters that scikit-learn's MLPs lack: off by default in the Simple pair."""

from __future__ import annotations

import os
from dataclasses import replace
from numbers import Integral, Real

from sklearn.metrics import get_scorer_names

from sknet._sklearn import Interval, Part, StrOptions
from sknet.averages import AVERAGES
from sknet.config.parameter import ByClass, Parameter
from sknet.config.sklearn_parameters import VALUE_LOSS
from sknet.initializers import INITIALIZERS
from sknet.losses import CLASS_LOSSES
from sknet.network.blocks import BLOCKS
from sknet.training.checkpoint import Checkpoint


OWN_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "class_weight",
        'dict, "balanced" or None',
        """Weights by class, multiplied with the sample weights; classes left out of the
        dict have weight 1. A dict that names every class may name others, which a fold
        lacks. "balanced" gives every class the same sum of weights; it is not available
        in ``partial_fit``.
        """,
        default=None,
        constraint=[StrOptions({"balanced"}), dict, None],
        classes="Classifier",
    ),
    Parameter(
        "loss",
        "str, ClassLoss or pair of functions",
        """What is minimised: a name from the table of losses of a classifier, or an
        instance, e.g. ``LogLoss(label_smoothing=0.1)``. A pair ``(value, gradient)``
        takes raw outputs (B, C) and targets (B, C) of zeros and ones, and gives losses
        (B,) and their gradient (B, C). Without probabilities ("hinge", "perceptron",
        functions) there is no ``predict_proba``.
        """,
        default="log_loss",
        constraint=[Part(CLASS_LOSSES), tuple, list],
        classes="Classifier",
    ),
    replace(VALUE_LOSS, classes="TabularMLPRegressor", positional=False),
    Parameter(
        "output_activation",
        "str or None",
        """Function from raw outputs to predictions, where the loss leaves a choice
        (``loss="squared_error"`` and others that compare predictions with targets);
        None takes the loss's own. ``out_activation_`` shows which it was.
        """,
        default=None,
        constraint=[str, None],
    ),
    Parameter(
        "block",
        "str or Block",
        """What a hidden layer is made of: a name from the table of blocks, or an
        instance with its options, e.g. ``Plain(normalization="batch")``. Every entry of
        ``hidden_layer_sizes`` is the width of a block.
        """,
        default="plain",
        constraint=[Part(BLOCKS)],
    ),
    Parameter(
        "dropout",
        "float in [0, 1) or array-like of float",
        ByClass(
            Simple="""Rate at which outputs of hidden layers are set to zero while
            training, one for all hidden layers or one for each. The order of the rows
            does not depend on it. Where ``fit`` takes up to 40 rows as one batch, all
            rows of a step drop the same units, so that a row of weight two is the same
            as two rows.
            """,
            Tabular="""Rate at which outputs of hidden layers are set to zero while
            training, one for all hidden layers or one for each. The order of the rows
            does not depend on it. Where ``fit`` takes less than 50 rows as one batch,
            all rows of a step drop the same units, so that a row of weight two is the
            same as two rows.
            """,
        ),
        default=ByClass(Simple=0.0, Tabular=0.1),
        constraint=[Interval(Real, 0, 1, closed="left"), "array-like"],
    ),
    Parameter(
        "use_bias",
        "bool",
        "Whether dense layers have biases.",
        default=True,
        constraint=["boolean"],
    ),
    Parameter(
        "initializer",
        "str, Initializer or list",
        """How weights and biases are drawn: a name from the table of initializers, or
        an instance. A list gives the start itself: an array of weights for each dense
        layer, with biases zero, or pairs of weights and biases.
        """,
        default=ByClass(Simple="glorot_uniform", Tabular="data_driven"),
        constraint=[Part(INITIALIZERS), list, tuple],
    ),
    Parameter(
        "learning_rate_multipliers",
        ByClass(
            Simple="dict of str to float, or None",
            Tabular='dict of str to float, "auto" or None',
        ),
        ByClass(
            Simple="""Factors on the learning rate of some parameters: "weight",
            "bias", "mix" (shares of a blended activation), "scale" and "shift" (of a
            normalisation), ... Refused by "lbfgs".
            """,
            Tabular="""Factors on the learning rate of some parameters by name;
            "auto" takes 0.1 for biases, blended activations and numeric embeddings, and
            6 for the factors of features, as RealMLP does; None takes none.
            """,
        ),
        default=ByClass(Simple=None, Tabular="auto"),
        constraint=ByClass(
            Simple=[dict, None], Tabular=[dict, StrOptions({"auto"}), None]
        ),
        needs_steps="has no learning rate",
    ),
    Parameter(
        "clip_norm",
        "float in (0, inf) or None",
        """Largest norm of the gradient over all parameters; longer gradients are scaled
        down. Refused by "lbfgs".
        """,
        default=None,
        constraint=[Interval(Real, 0, None, closed="neither"), None],
        needs_steps="has no steps whose gradient could be clipped",
    ),
    Parameter(
        "averaging",
        "str, Averaging or None",
        """Which average of the weights is kept beside them, to be validated and
        published: a name from the table of averages, or an instance. Refused by
        "lbfgs".
        """,
        default=None,
        constraint=[Part(AVERAGES), None],
        needs_steps="has no steps to average over",
    ),
    Parameter(
        "scoring",
        "str, callable or None",
        ByClass(
            Simple="""What the validation set is scored by: "loss" (the negative
            loss), the name of a scikit-learn scorer, a callable ``scorer(estimator, X,
            y)``, or None for what ``score`` gives. Larger is better. Ignored, with a
            warning, without validation.
            """,
            Tabular=ByClass(
                Classifier="""What the validation set is scored by: "loss" (the
                negative loss), the name of a scikit-learn scorer, a callable
                ``scorer(estimator, X, y)``, which gets encoded columns, or None for
                what ``score`` gives. Larger is better. Where validation rows lack a
                class that it needs, the loss takes its place, with a warning.
                """,
                Regressor="""What the validation set is scored by: "loss" (the
                negative loss), the name of a scikit-learn scorer, a callable
                ``scorer(estimator, X, y)``, which gets encoded columns, or None for
                what ``score`` gives. Larger is better.
                """,
            ),
        ),
        default=ByClass(Simple=None, Tabular="loss"),
        constraint=[StrOptions({"loss", *get_scorer_names()}), callable, None],
    ),
    Parameter(
        "dtype",
        '{"auto", "float32", "float64"}',
        ByClass(
            Simple="""Type to compute in. "auto" takes float32 for float32 input,
            else float64. Other input is converted a batch at a time.
            """,
            Tabular="""Type to compute in. "auto" takes float32, and float64 for
            less than 50 rows.
            """,
        ),
        default="auto",
        constraint=[StrOptions({"auto", "float32", "float64"})],
    ),
    Parameter(
        "max_time",
        "float in (0, inf) or None",
        """Seconds after which training stops at the end of the epoch. The networks of
        an ensemble share them; those that no time is left for are left out, with a
        warning.
        """,
        default=None,
        constraint=[Interval(Real, 0, None, closed="neither"), None],
        changes_result=False,
    ),
    Parameter(
        "n_threads",
        "int in [1, inf) or None",
        """BLAS threads during ``fit``. None takes one for small networks, where more
        only cost time, and leaves BLAS as it is for large ones.
        """,
        default=None,
        constraint=[Interval(Integral, 1, None, closed="left"), None],
        changes_result=False,
    ),
    Parameter(
        "n_estimators",
        "int in [1, inf)",
        """Networks of an ensemble, trained in one pass and predicting by their mean.
        Each is what a single one with its seed in ``member_seeds_`` would be, bit for
        bit.
        """,
        default=ByClass(Simple=1, Tabular=4),
        constraint=[Interval(Integral, 1, None, closed="left")],
    ),
    Parameter(
        "bootstrap",
        "bool",
        """Whether each network weighs rows by how often it drew them, with replacement.
        """,
        default=False,
        constraint=["boolean"],
        classes="Simple",
    ),
    Parameter(
        "shared_backbone",
        "bool",
        """Whether networks share their hidden layers; each has an input scaling and an
        output layer of its own (TabM-mini). 32 take little more memory than one.
        """,
        default=False,
        constraint=["boolean"],
        classes="Simple",
    ),
    Parameter(
        "joint_early_stopping",
        "bool",
        """Whether early stopping takes the epoch that is best for the mean prediction;
        if not, each network has validation rows and a best epoch of its own.
        """,
        default=ByClass(Simple=True, Tabular=False),
        constraint=["boolean"],
    ),
    Parameter(
        "n_jobs",
        "int or None",
        """Threads that share out the networks; -1 for all processors. It changes no
        bit.
        """,
        default=ByClass(Simple=None, Tabular=-1),
        constraint=[Integral, None],
        changes_result=False,
    ),
    Parameter(
        "checkpoint",
        "str, path-like, Checkpoint or None",
        """File in which ``fit`` saves the state of its training about every minute, or
        as a ``Checkpoint`` says. A fit that was killed goes on from there when it is
        called again in the same way, and ends with the same bits; a fit that is through
        removes the file. A folder gets a file for each fit. Refused by "lbfgs", not
        used by ``partial_fit``.
        """,
        default=None,
        constraint=[str, os.PathLike, Checkpoint, None],
        changes_result=False,
        needs_steps="keeps its memory to itself, so that it could not go on exactly",
    ),
    Parameter(
        "deterministic",
        "bool",
        """Whether the numbers may not depend on the threads of BLAS either: it gets
        one, in ``fit`` and in prediction. Without it, the last digits of large networks
        may.
        """,
        default=False,
        constraint=["boolean"],
    ),
)
