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


# scikit-learn's regressor has it first.
VALUE_LOSS = Parameter(
    "loss",
    "str, ValueLoss or pair of functions",
    """What is minimised: a name from the table of losses of a regressor, or an
    instance, e.g. ``Quantile(levels=(0.05, 0.5, 0.95))``. A pair ``(value,
    gradient)`` takes raw outputs (B, C) and targets (B, C), and gives losses (B,)
    and their gradient (B, C).
    """,
    default="squared_error",
    constraint=[Part(VALUE_LOSSES), tuple, list],
    classes="SimpleMLPRegressor",
    positional=True,
)

SKLEARN_PARAMETERS: tuple[Parameter, ...] = (
    VALUE_LOSS,
    Parameter(
        "hidden_layer_sizes",
        "int or array-like of int",
        "Widths of the hidden layers, each >= 1. Empty for a linear model.",
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
        """Activation of the hidden layers: a name from the table of activations, or an
        instance; a list has one for each hidden layer.
        """,
        default=ByClass(Simple="relu", Tabular="mish"),
        constraint=[Part(ACTIVATIONS), list, tuple],
        positional=True,
    ),
    Parameter(
        "solver",
        "str, Optimizer or Solver",
        ByClass(
            Simple="""How the weights are found: a name from the table of
            optimizers, or an instance, which make minibatch steps; or "lbfgs", a
            quasi-Newton method on all rows at once. An instance has parameters of its
            own, e.g. ``Adam(beta_2=0.95)``; with a name, ``momentum``, ``beta_1`` and
            so on say them.
            """,
            Tabular="""How the weights are found: a name from the table of
            optimizers, or an instance with parameters of its own, e.g.
            ``AdamW(beta_2=0.9)``, which make minibatch steps; "adamw" is
            ``AdamW(beta_2=0.95, weight_decay=0.02)``, other names have the defaults of
            their classes. Or "lbfgs", or an instance of ``LBFGS``, a quasi-Newton
            method on all rows at once, which needs ``learning_rate="constant"`` and
            ``dropout=0.0``, and warns that ``early_stopping`` has no effect.
            """,
        ),
        default=ByClass(Simple="adam", Tabular="adamw"),
        constraint=[Part(OPTIMIZERS, SOLVERS)],
    ),
    Parameter(
        "alpha",
        "float in [0, inf)",
        """Strength of the L2 penalty on the weights, biases excepted. It is divided by
        the sum of the sample weights of a batch (its rows, without weights), so that
        its effect depends on the batch size, as in scikit-learn.
        """,
        default=ByClass(Simple=0.0001, Tabular=0.0),
        constraint=[Interval(Real, 0, None, closed="left")],
    ),
    Parameter(
        "batch_size",
        'int in [1, inf) or "auto"',
        ByClass(
            Simple="""Rows of a minibatch; "auto" is ``min(200, n_samples)``.
            Larger than the data it is clipped, with a warning; up to 40 shuffled rows
            are always one batch, with a warning. Ignored by "lbfgs".
            """,
            Tabular="""Rows of a minibatch; "auto" takes all of less than 50 rows,
            at most 32 up to 200, 64 up to 1024, 128 up to 8192, 256 up to 30,000, 512
            up to 100,000, then 1024, so that all batches are about equal.
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
        """Course of the learning rate: a name from the table of schedules, or an
        instance, e.g. ``Warmup("cosine")``. Some run over a plan of ``max_iter``
        epochs; a fit that goes on before its plan is through finishes it. Refused by
        "lbfgs" unless constant.
        """,
        default=ByClass(Simple="constant", Tabular="flat_cosine"),
        constraint=[Part(SCHEDULES)],
        needs_steps="has no learning rate",
    ),
    Parameter(
        "learning_rate_init",
        "float in (0, inf)",
        """The initial learning rate. Ignored by "lbfgs".
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
        """Exponent of ``learning_rate="invscaling"``. Ignored otherwise.
        """,
        default=0.5,
        constraint=[Interval(Real, 0, None, closed="left")],
        classes="Simple",
    ),
    Parameter(
        "max_iter",
        "int in [1, inf)",
        """Largest number of epochs (passes over the data), or of iterations of "lbfgs".
        """,
        default=ByClass(Simple=200, Tabular=32),
        constraint=[Interval(Integral, 1, None, closed="left")],
    ),
    Parameter(
        "shuffle",
        "bool",
        """Whether every epoch takes the rows in a new order. Ignored by "lbfgs".
        """,
        default=True,
        constraint=["boolean"],
        classes="Simple",
    ),
    Parameter(
        "random_state",
        "int, RandomState instance or None",
        """Determines the initial weights, the validation split and the order of the
        rows. Pass an int for the same result each time. A training that goes on
        (``warm_start``, ``partial_fit``) goes on in the random stream, too.
        """,
        default=None,
        constraint=["random_state"],
    ),
    Parameter(
        "tol",
        "float in [0, inf)",
        """An epoch improves if it lowers the training loss, or raises the validation
        score, by at least this. For "lbfgs", the largest element of the gradient at
        which it has converged.
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
        """Whether ``fit`` goes on from the fitted network, with the optimizer's memory,
        the random stream and the validation split: ten epochs and ten more are twenty.
        With other data patience, best epoch and learning rate's course begin again.
        """,
        default=False,
        constraint=["boolean"],
    ),
    Parameter(
        "momentum",
        "float in [0, 1]",
        """How much of the last step goes on. Ignored unless ``solver="sgd"``.
        """,
        default=0.9,
        constraint=[Interval(Real, 0, 1, closed="both")],
        classes="Simple",
    ),
    Parameter(
        "nesterovs_momentum",
        "bool",
        """Whether to use Nesterov's momentum. Ignored unless ``solver="sgd"``.
        """,
        default=True,
        constraint=["boolean"],
        classes="Simple",
    ),
    Parameter(
        "early_stopping",
        "bool",
        ByClass(
            Simple="""Whether to hold out ``validation_fraction`` of the rows (or
            to take ``X_val``), stop when their score improves no more, and keep the
            weights of the best epoch. Ignored, with a warning, by "lbfgs", and by
            ``partial_fit``.
            """,
            Tabular="""Whether to hold out ``validation_fraction`` of the rows (or
            to take ``X_val``), and keep the weights of the best epoch, of equally good
            ones the last. Tables of which less than 10 rows would be held out have none
            to spare. Ignored by ``partial_fit``.
            """,
        ),
        default=ByClass(Simple=False, Tabular=True),
        constraint=["boolean"],
    ),
    Parameter(
        "validation_fraction",
        "float in [0, 1)",
        ByClass(
            Simple="""Share of the rows that early stopping holds out. With fewer
            than 10 such rows, or if a class cannot be split, training goes on without,
            with a warning.
            """,
            Tabular=ByClass(
                Classifier="""Share of the rows that early stopping holds out, in
                proportion to the classes, others for each network.
                """,
                Regressor="""Share of the rows that early stopping holds out, others
                for each network.
                """,
            ),
        ),
        default=0.1,
        constraint=[Interval(Real, 0, 1, closed="left")],
    ),
    Parameter(
        "beta_1",
        "float in [0, 1)",
        """Memory of Adam's first moment. Ignored unless ``solver="adam"``.
        """,
        default=0.9,
        constraint=[Interval(Real, 0, 1, closed="left")],
        classes="Simple",
    ),
    Parameter(
        "beta_2",
        "float in [0, 1)",
        """Memory of Adam's second moment. Ignored unless ``solver="adam"``.
        """,
        default=0.999,
        constraint=[Interval(Real, 0, 1, closed="left")],
        classes="Simple",
    ),
    Parameter(
        "epsilon",
        "float in (0, inf)",
        """Keeps Adam's quotient finite. Ignored unless ``solver="adam"``.
        """,
        default=1e-08,
        constraint=[Interval(Real, 0, None, closed="neither")],
        classes="Simple",
    ),
    Parameter(
        "n_iter_no_change",
        "int in [1, inf) or inf",
        ByClass(
            Simple="""Epochs without an improvement of ``tol`` that are tolerated.
            Ignored by "lbfgs".
            """,
            Tabular=ByClass(
                Classifier="""Epochs without an improvement that are tolerated, and as
                many more as it took to the best epoch: improvements come seldom later
                on.
                """,
                Regressor="""Epochs without an improvement that are tolerated, and as
                many more as it took to the best epoch twice over: improvements come
                seldom later on.
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
        """Largest number of evaluations of the loss. Ignored unless ``solver="lbfgs"``.
        """,
        default=15000,
        constraint=[Interval(Integral, 1, None, closed="left")],
        classes="Simple",
    ),
)
