"""Parameters that scikit-learn's MLPs have, in their order."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np

from sknet._sklearn import Interval, Options, Part, StrOptions
from sknet.activations import ACTIVATIONS
from sknet.config.parameter import ByClass, Parameter
from sknet.losses import VALUE_LOSSES
from sknet.optimizers import OPTIMIZERS
from sknet.schedules import SCHEDULES
from sknet.training.solver import SOLVERS


# It is the first parameter of scikit-learn's regressor.
VALUE_LOSS = Parameter(
    "loss",
    "str, ValueLoss or pair of functions",
    """The loss to minimise: a name from the table of regression losses, or an
    instance, e.g. ``Quantile(levels=(0.05, 0.5, 0.95))``. A pair of functions
    ``(value, gradient)`` takes raw outputs (B, C) and targets (B, C), and returns
    losses (B,) and their gradient (B, C).
    """,
    default="squared_error",
    constraint=[Part(VALUE_LOSSES), tuple, list],
    classes="SimpleMLPRegressor",
    positional=True,
    kept_by_conversion=True,  # the fitted network's is compared
)

SKLEARN_PARAMETERS: tuple[Parameter, ...] = (
    VALUE_LOSS,
    Parameter(
        "hidden_layer_sizes",
        "int or array-like of int",
        """Number of units in each hidden layer, at least 1. An empty sequence gives a
        linear model.
        """,
        default=ByClass(Simple=(100,), Tabular=(128, 128, 128)),
        constraint=[
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        positional=True,
    ),
    Parameter(
        "activation",
        "str, Activation or list",
        """Activation function for the hidden layers: a name from the table of
        activations, or an instance. A list gives one activation per hidden layer.
        """,
        default=ByClass(Simple="relu", Tabular="mish"),
        constraint=[Part(ACTIVATIONS), list, tuple],
        positional=True,
    ),
    Parameter(
        "solver",
        "str, Optimizer or Solver",
        ByClass(
            Simple="""The solver for weight optimization: the name of a minibatch
            optimizer from the table of optimizers, or an instance; or a full-batch
            solver, which uses all rows at once: "lbfgs", a quasi-Newton method, a
            registered name, or an instance. An instance has its own
            parameters, e.g. ``Adam(beta_2=0.95)``; with a name, they are taken from
            ``momentum``, ``beta_1`` and so on.
            """,
            Tabular="""The solver for weight optimization: the name of a minibatch
            optimizer from the table of optimizers, or an instance with its own
            parameters, e.g. ``AdamW(beta_2=0.9)``. "adamw" stands for
            ``AdamW(beta_2=0.95, weight_decay=0.02)``; other names stand for the
            defaults of their classes. The alternative is "lbfgs", or an instance of
            ``LBFGS``, a quasi-Newton method that uses all rows at once. It requires
            ``learning_rate="constant"`` and ``dropout=0.0``, and warns that
            ``early_stopping`` has no effect.
            """,
        ),
        default=ByClass(Simple="adam", Tabular="adamw"),
        constraint=[Part(OPTIMIZERS, SOLVERS)],
    ),
    Parameter(
        "alpha",
        "float in [0, inf)",
        """Strength of the L2 regularization term, which does not include the biases.
        The term is divided by the sum of the sample weights of a batch (by its number
        of rows, without weights), so its effect depends on the batch size, as in
        scikit-learn.
        """,
        default=ByClass(Simple=0.0001, Tabular=0.0),
        constraint=[Interval(Real, 0, None, closed="left")],
    ),
    Parameter(
        "batch_size",
        'int in [1, inf) or "auto"',
        ByClass(
            Simple="""Size of minibatches. "auto" means ``min(200, n_samples)``. A size
            larger than the data is clipped, with a warning; up to 40 shuffled rows
            always form a single batch, with a warning. Ignored by full-batch
            solvers such as "lbfgs".
            """,
            Tabular="""Size of minibatches. "auto" takes fewer than 50 rows as a single
            batch; otherwise batches have at most 32 rows for up to 200 training rows,
            64 for up to 1024, 128 for up to 8192, 256 for up to 30,000, 512 for up to
            100,000, and 1024 beyond, and are about equal in size.
            """,
        ),
        default="auto",
        constraint=[
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
    ),
    Parameter(
        "learning_rate",
        "str or Schedule",
        """Learning rate schedule for weight updates: a name from the table of
        schedules, or an instance, e.g. ``Warmup("cosine")``. Some schedules are planned
        over ``max_iter`` epochs; a fit that resumes before the end of the plan finishes
        it. Full-batch solvers such as "lbfgs" support only "constant".
        """,
        default=ByClass(Simple="constant", Tabular="flat_cosine"),
        constraint=[Part(SCHEDULES)],
        needs_steps="has no learning rate",
    ),
    Parameter(
        "learning_rate_init",
        "float in (0, inf)",
        """The initial learning rate. Ignored by full-batch solvers such as "lbfgs".
        """,
        default=ByClass(
            Simple=0.001,
            Tabular=ByClass(Classifier=0.04, Regressor=0.1),
        ),
        constraint=[Interval(Real, 0, None, closed="neither")],
    ),
    Parameter(
        "power_t",
        "float in [0, inf)",
        """The exponent for inverse scaling learning rate. Only used when
        ``learning_rate="invscaling"``.
        """,
        default=0.5,
        constraint=[Interval(Real, 0, None, closed="left")],
        classes="Simple",
    ),
    Parameter(
        "max_iter",
        "int in [1, inf)",
        """Maximum number of epochs (passes over the data), or of iterations of a
        full-batch solver.
        """,
        default=ByClass(Simple=200, Tabular=32),
        constraint=[Interval(Integral, 1, None, closed="left")],
    ),
    Parameter(
        "shuffle",
        "bool",
        """Whether to shuffle the rows in each epoch. Ignored by full-batch
        solvers such as "lbfgs".
        """,
        default=True,
        constraint=["boolean"],
        classes="Simple",
    ),
    Parameter(
        "random_state",
        "int, RandomState instance or None",
        """Determines random number generation for the initial weights, the validation
        split and the order of the rows. Pass an int for reproducible results across
        multiple function calls. Resumed training (``warm_start``, ``partial_fit``) also
        continues the random stream.
        """,
        default=None,
        constraint=["random_state"],
    ),
    Parameter(
        "tol",
        "float in [0, inf)",
        """Tolerance for the optimization. An epoch counts as an improvement if it
        lowers the training loss, or raises the validation score, by at least ``tol``.
        "lbfgs" has converged when no element of the gradient is larger than ``tol``.
        """,
        default=0.0001,
        constraint=[Interval(Real, 0, None, closed="left")],
        classes="Simple",
    ),
    Parameter(
        "verbose",
        "bool",
        "Whether to print the loss of every epoch.",
        default=False,
        constraint=["verbose"],
        changes_result=False,
    ),
    Parameter(
        "warm_start",
        "bool",
        """Whether ``fit`` resumes training from the fitted network, with the optimizer
        state, the random stream and the validation split of the previous call, so that
        ten epochs and ten more equal twenty. If the data have changed, patience, best
        epoch and learning rate schedule restart.
        """,
        default=False,
        constraint=["boolean"],
    ),
    Parameter(
        "momentum",
        "float in [0, 1]",
        """Momentum for gradient descent update. Only used when ``solver="sgd"``.
        """,
        default=0.9,
        constraint=[Interval(Real, 0, 1, closed="both")],
        classes="Simple",
    ),
    Parameter(
        "nesterovs_momentum",
        "bool",
        """Whether to use Nesterov's momentum. Only used when ``solver="sgd"``.
        """,
        default=True,
        constraint=["boolean"],
        classes="Simple",
    ),
    Parameter(
        "early_stopping",
        "bool",
        ByClass(
            Simple="""Whether to set aside ``validation_fraction`` of the rows (or to
            use ``X_val``) as a validation set, to terminate training when the
            validation score is not improving, and to keep the weights of the best
            epoch. Ignored by ``partial_fit`` and, with a warning, by full-batch
            solvers such as "lbfgs".
            """,
            Tabular="""Whether to set aside ``validation_fraction`` of the rows (or to
            use ``X_val``) as a validation set, and to keep the weights of the best
            epoch (of the last one, if several are equally good). If fewer than 10 rows
            would be set aside, none are. Ignored by ``partial_fit``.
            """,
        ),
        default=ByClass(Simple=False, Tabular=True),
        constraint=["boolean"],
    ),
    Parameter(
        "validation_fraction",
        "float in [0, 1)",
        ByClass(
            Simple="""The proportion of training data to set aside as validation set for
            early stopping. If it amounts to fewer than 10 rows, or if a class cannot be
            split, training continues without a validation set, with a warning.
            """,
            Tabular=ByClass(
                Classifier="""The proportion of training data to set aside as validation
                set for early stopping, stratified by class. Each network has its own
                validation set.
                """,
                Regressor="""The proportion of training data to set aside as validation
                set for early stopping. Each network has its own validation set.
                """,
            ),
        ),
        default=0.1,
        constraint=[Interval(Real, 0, 1, closed="left")],
    ),
    Parameter(
        "beta_1",
        "float in [0, 1)",
        """Exponential decay rate for estimates of first moment vector in adam. Only
        used when ``solver="adam"``.
        """,
        default=0.9,
        constraint=[Interval(Real, 0, 1, closed="left")],
        classes="Simple",
    ),
    Parameter(
        "beta_2",
        "float in [0, 1)",
        """Exponential decay rate for estimates of second moment vector in adam. Only
        used when ``solver="adam"``.
        """,
        default=0.999,
        constraint=[Interval(Real, 0, 1, closed="left")],
        classes="Simple",
    ),
    Parameter(
        "epsilon",
        "float in (0, inf)",
        """Value for numerical stability in adam. Only used when ``solver="adam"``.
        """,
        default=1e-08,
        constraint=[Interval(Real, 0, None, closed="neither")],
        classes="Simple",
    ),
    Parameter(
        "n_iter_no_change",
        "int in [1, inf) or inf",
        ByClass(
            Simple="""Maximum number of consecutive epochs without an improvement of
            ``tol``. Ignored by full-batch solvers such as "lbfgs".
            """,
            Tabular=ByClass(
                Classifier="""Maximum number of consecutive epochs without an
                improvement. The number of epochs up to the best one is added to it,
                since improvements become rare later in training.
                """,
                Regressor="""Maximum number of consecutive epochs without an
                improvement. Twice the number of epochs up to the best one is added to
                it, since improvements become rare later in training.
                """,
            ),
        ),
        default=ByClass(
            Simple=10,
            Tabular=ByClass(Classifier=3, Regressor=10),
        ),
        constraint=[
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
    ),
    Parameter(
        "max_fun",
        "int in [1, inf)",
        """Maximum number of loss function calls. Only used when ``solver="lbfgs"``.
        """,
        default=15000,
        constraint=[Interval(Integral, 1, None, closed="left")],
        classes="Simple",
    ),
)
