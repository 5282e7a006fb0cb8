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
from sknet.network.learning_rules import LEARNING_RULES
from sknet.training.checkpoint import Checkpoint


OWN_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "class_weight",
        'dict, "balanced" or None',
        """Class weights, by which the sample weights are multiplied; classes missing
        from the dict have weight 1. A dict that names every class may also name labels
        that a fold lacks. "balanced" gives every class the same total weight; it is not
        available in ``partial_fit``.
        """,
        default=None,
        constraint=[StrOptions({"balanced"}), dict, None],
        classes="Classifier",
    ),
    Parameter(
        "loss",
        "str, ClassLoss or pair of functions",
        """The loss to minimise: a name from the table of classification losses, or an
        instance, e.g. ``LogLoss(label_smoothing=0.1)``. A pair of functions ``(value,
        gradient)`` takes raw outputs (B, C) and targets (B, C) of zeros and ones, and
        returns losses (B,) and their gradient (B, C). There is no ``predict_proba`` for
        losses without probabilities ("hinge", "perceptron", functions).
        """,
        default="log_loss",
        constraint=[Part(CLASS_LOSSES), tuple, list],
        classes="Classifier",
        kept_by_conversion=True,  # the fitted network's is compared
    ),
    replace(VALUE_LOSS, classes="TabularMLPRegressor", positional=False),
    replace(VALUE_LOSS, classes="SimpleCNNRegressor", positional=False),
    Parameter(
        "output_activation",
        "str or None",
        """Function that maps raw outputs to predictions, for losses that leave a choice
        (``loss="squared_error"`` and others that compare predictions with targets).
        None uses the default of the loss. ``out_activation_`` is the one in use.
        """,
        default=None,
        constraint=[str, None],
        kept_by_conversion=True,
    ),
    Parameter(
        "block",
        "str or Block",
        """The building block of the hidden layers: a name from the table of blocks, or
        an instance with options, e.g. ``Plain(normalization="batch")``. Each entry of
        ``hidden_layer_sizes`` is the width of one block.
        """,
        default="plain",
        constraint=[Part(BLOCKS)],
        kept_by_conversion=True,
    ),
    Parameter(
        "dropout",
        "float in [0, 1) or array-like of float",
        ByClass(
            Simple="""Rate at which outputs of hidden layers are randomly set to zero
            during training: one rate for all hidden layers, or one for each. It does
            not affect the order of the rows. When ``fit`` takes up to 40 rows as a
            single batch, all rows of a step drop the same units, so that a row of
            weight two is equivalent to two rows.
            """,
            Tabular="""Rate at which outputs of hidden layers are randomly set to zero
            during training: one rate for all hidden layers, or one for each. It does
            not affect the order of the rows. When ``fit`` takes fewer than 50 rows as a
            single batch, all rows of a step drop the same units, so that a row of
            weight two is equivalent to two rows.
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
        kept_by_conversion=True,
    ),
    Parameter(
        "initializer",
        "str, Initializer or list",
        """How the initial weights and biases are drawn: a name from the table of
        initializers, or an instance. A list gives the initial values themselves: for
        each dense layer an array of weights (the biases are then zero), or a pair of
        weights and biases.
        """,
        default=ByClass(Simple="glorot_uniform", Tabular="data_driven"),
        constraint=[Part(INITIALIZERS), list, tuple],
        kept_by_conversion=True,
    ),
    Parameter(
        "learning_rule",
        "str or LearningRule",
        """What a layer hands back to the layer below it in training: a name from the
        table of learning rules, or an instance. "gradient" is backpropagation.
        "error_by_weights", the rule of some tutorials, leaves out the slopes of the
        units above; "feedback_alignment" replaces the weights by fixed random numbers.
        These two follow the gradient of no function: they need minibatch steps, and
        ``block="plain"`` without normalization.
        """,
        default="gradient",
        constraint=[Part(LEARNING_RULES)],
        classes="SimpleMLP",
        needs_steps="follows the gradient of a function, which these steps are not",
    ),
    Parameter(
        "learning_rate_multipliers",
        ByClass(
            Simple="dict of str to float, or None",
            Tabular='dict of str to float, "auto" or None',
        ),
        ByClass(
            Simple="""Factors that multiply the learning rate of some parameters, by
            parameter name: "weight", "bias", "mix" (the shares of a blended
            activation), "scale" and "shift" (of a normalisation), and so on. Not
            supported by full-batch solvers such as "lbfgs".
            """,
            Tabular="""Factors that multiply the learning rate of some parameters, by
            parameter name. "auto" uses 0.1 for biases, blended activations and numeric
            embeddings, and 6 for the scales of features, as RealMLP does. None uses the
            same learning rate for all parameters.
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
        """Maximum norm of the gradient over all parameters; longer gradients are scaled
        down. Not supported by full-batch solvers such as "lbfgs".
        """,
        default=None,
        constraint=[Interval(Real, 0, None, closed="neither"), None],
        needs_steps="has no steps in which a gradient could be clipped",
    ),
    Parameter(
        "averaging",
        "str, Averaging or None",
        """Running average of the weights, which is validated and published in place of
        the last weights: a name from the table of averages, or an instance. None keeps
        no average. Not supported by full-batch solvers such as "lbfgs".
        """,
        default=None,
        constraint=[Part(AVERAGES), None],
        needs_steps="has no steps to average over",
    ),
    Parameter(
        "scoring",
        "str, callable or None",
        ByClass(
            Simple="""How the validation set is scored: "loss" (the negative loss), the
            name of a scikit-learn scorer, a callable ``scorer(estimator, X, y)``, or
            None for the ``score`` method. Larger scores are better. Ignored, with a
            warning, without a validation set.
            """,
            Tabular=ByClass(
                Classifier="""How the validation set is scored: "loss" (the negative
                loss), the name of a scikit-learn scorer, a callable
                ``scorer(estimator, X, y)``, which receives encoded columns, or None for
                the ``score`` method. Larger scores are better. If the validation rows
                lack a class that the scorer needs, the loss is used instead, with a
                warning.
                """,
                Regressor="""How the validation set is scored: "loss" (the negative
                loss), the name of a scikit-learn scorer, a callable
                ``scorer(estimator, X, y)``, which receives encoded columns, or None for
                the ``score`` method. Larger scores are better.
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
            Simple="""Floating-point type of the computation. "auto" uses float32 for
            float32 input, and float64 otherwise. Input of any other type is converted
            one batch at a time.
            """,
            Tabular="""Floating-point type of the computation. "auto" uses float32, or
            float64 for fewer than 50 rows.
            """,
        ),
        default="auto",
        constraint=[StrOptions({"auto", "float32", "float64"})],
        kept_by_conversion=True,
    ),
    Parameter(
        "max_time",
        "float in (0, inf) or None",
        """Time limit in seconds, after which training stops at the end of the current
        epoch. The networks of an ensemble share the time; networks for which none is
        left are omitted, with a warning.
        """,
        default=None,
        constraint=[Interval(Real, 0, None, closed="neither"), None],
        changes_result=False,
    ),
    Parameter(
        "n_threads",
        "int in [1, inf) or None",
        """Number of threads that make a step together during ``fit``: in compiled code,
        whose results do not depend on it, and in BLAS. None uses one thread for small
        networks, for which more threads are slower. For large networks, compiled code
        then uses the available processors, and the setting of BLAS is unchanged.
        """,
        default=None,
        constraint=[Interval(Integral, 1, None, closed="left"), None],
        changes_result=False,
        kept_by_conversion=True,
    ),
    Parameter(
        "n_estimators",
        "int in [1, inf)",
        """Number of networks in the ensemble. They are trained in one pass, and their
        predictions are averaged. Each network is identical, bit for bit, to a single
        network trained with its seed in ``member_seeds_``.
        """,
        default=ByClass(Simple=1, Tabular=4),
        constraint=[Interval(Integral, 1, None, closed="left")],
        kept_by_conversion=True,
    ),
    Parameter(
        "bootstrap",
        "bool",
        """Whether each network weights the rows by how often they occur in its
        bootstrap sample, drawn with replacement.
        """,
        default=False,
        constraint=["boolean"],
        classes="Simple",
        kept_by_conversion=True,
    ),
    Parameter(
        "shared_backbone",
        "bool",
        """Whether the networks share their hidden layers; each network has its own
        input scaling and output layer (TabM-mini). An ensemble of 32 networks takes
        little more memory than a single network.
        """,
        default=False,
        constraint=["boolean"],
        classes="Simple",
        kept_by_conversion=True,
    ),
    Parameter(
        "joint_early_stopping",
        "bool",
        """Whether early stopping selects the epoch that is best for the mean
        prediction. If False, each network has its own validation rows and best epoch.
        """,
        default=ByClass(Simple=True, Tabular=False),
        constraint=["boolean"],
        kept_by_conversion=True,
    ),
    Parameter(
        "n_jobs",
        "int or None",
        """Number of threads among which the networks are distributed. ``-1`` means
        using all processors. The results are identical, bit for bit, for every value.
        """,
        default=ByClass(Simple=None, Tabular=-1),
        constraint=[Integral, None],
        changes_result=False,
        kept_by_conversion=True,
    ),
    Parameter(
        "checkpoint",
        "str, path-like, Checkpoint or None",
        """File to which ``fit`` saves the state of training about once a minute, or as
        a ``Checkpoint`` specifies. If ``fit`` was killed, calling it again in the same
        way resumes from there, with bit-identical results. The file is removed when
        ``fit`` finishes. In a folder, each fit has its own file. Not supported by
        full-batch solvers such as "lbfgs"; not used by ``partial_fit``.
        """,
        default=None,
        constraint=[str, os.PathLike, Checkpoint, None],
        changes_result=False,
        needs_steps="does not expose its state, so training could not resume exactly",
    ),
    Parameter(
        "engine",
        '{"auto", "compiled", "numpy"}',
        """What makes training steps, evaluates the loss for "lbfgs", and predicts.
        "compiled" repeats recorded steps in compiled code, and ``fit`` raises an error
        if that is not possible; "numpy" computes in NumPy; "auto" uses compiled code
        where it is possible and saves time. The two differ in rounding. The attribute
        ``engine_`` tells which one was used in ``fit``, and why.
        """,
        default="auto",
        constraint=[StrOptions({"auto", "compiled", "numpy"})],
        kept_by_conversion=True,
    ),
    Parameter(
        "deterministic",
        "bool",
        """Whether results must not depend on the number of BLAS threads either: BLAS is
        limited to one thread, in ``fit`` and in prediction. If False, the last digits
        of the results of large networks may depend on it.
        """,
        default=False,
        constraint=["boolean"],
    ),
)
