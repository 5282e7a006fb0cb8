"""The regressor."""

from __future__ import annotations

from typing import Any, ClassVar

from sknet.config.table import constraints_of
from sknet.estimators._regressor import BaseMLPRegressor


class SimpleMLPRegressor(BaseMLPRegressor):
    r"""Multi-layer perceptron regressor, a drop-in for scikit-learn's.

    Names, defaults and numbers are those of
    :class:`sklearn.neural_network.MLPRegressor` for the same ``random_state``. What
    was added is off by default.

    It minimises a loss with an L2 penalty,

    .. math::
        \frac{1}{W} \Bigl( \sum_i w_i\, \ell(f(x_i), y_i)
        + \frac{\alpha}{2} \lVert \theta_{weights} \rVert^2 \Bigr),
        \qquad W = \sum_i w_i,

    over minibatches, with sample weights :math:`w` and the penalty ``alpha``
    :math:`\alpha`.

    Parameters
    ----------
    loss : str, ValueLoss or pair of functions, default="squared_error"
        What is minimised: a name from the table of losses of a regressor, or an
        instance, e.g. ``Quantile(levels=(0.05, 0.5, 0.95))``. A pair ``(value,
        gradient)`` takes raw outputs (B, C) and targets (B, C), and gives losses (B,)
        and their gradient (B, C).
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Widths of the hidden layers, each >= 1. Empty for a linear model.
    activation : str, Activation or list, default="relu"
        Activation of the hidden layers: a name from the table of activations, or an
        instance; a list has one for each hidden layer.
    solver : str, Optimizer or Solver, default="adam"
        How the weights are found: a name from the table of optimizers, or an instance,
        which make minibatch steps; or "lbfgs", a quasi-Newton method on all rows at
        once. An instance has parameters of its own, e.g. ``Adam(beta_2=0.95)``; with a
        name, ``momentum``, ``beta_1`` and so on say them.
    alpha : float in [0, inf), default=0.0001
        Strength of the L2 penalty on the weights, biases excepted. It is divided by the
        sum of the sample weights of a batch (its rows, without weights), so that its
        effect depends on the batch size, as in scikit-learn.
    batch_size : int in [1, inf) or "auto", default="auto"
        Rows of a minibatch; "auto" is ``min(200, n_samples)``. Larger than the data it
        is clipped, with a warning; up to 40 shuffled rows are always one batch, with a
        warning. Ignored by "lbfgs".
    learning_rate : str or Schedule, default="constant"
        Course of the learning rate: a name from the table of schedules, or an instance,
        e.g. ``Warmup("cosine")``. Some run over a plan of ``max_iter`` epochs; a fit
        that goes on before its plan is through finishes it. Refused by "lbfgs" unless
        constant.
    learning_rate_init : float in (0, inf), default=0.001
        The initial learning rate. Ignored by "lbfgs".
    power_t : float in [0, inf), default=0.5
        Exponent of ``learning_rate="invscaling"``. Ignored otherwise.
    max_iter : int in [1, inf), default=200
        Largest number of epochs (passes over the data), or of iterations of "lbfgs".
    shuffle : bool, default=True
        Whether every epoch takes the rows in a new order. Ignored by "lbfgs".
    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the validation split and the order of the rows.
        Pass an int for the same result each time. A training that goes on
        (``warm_start``, ``partial_fit``) goes on in the random stream, too.
    tol : float in [0, inf), default=0.0001
        An epoch improves if it lowers the training loss, or raises the validation
        score, by at least this. For "lbfgs", the largest element of the gradient at
        which it has converged.
    verbose : bool, default=False
        Whether to print the loss of every epoch.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the fitted network, with the optimizer's memory,
        the random stream and the validation split: ten epochs and ten more are twenty.
        With other data patience, best epoch and learning rate's course begin again.
    momentum : float in [0, 1], default=0.9
        How much of the last step goes on. Ignored unless ``solver="sgd"``.
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum. Ignored unless ``solver="sgd"``.
    early_stopping : bool, default=False
        Whether to hold out ``validation_fraction`` of the rows (or to take ``X_val``),
        stop when their score improves no more, and keep the weights of the best epoch.
        Ignored, with a warning, by "lbfgs", and by ``partial_fit``.
    validation_fraction : float in [0, 1), default=0.1
        Share of the rows that early stopping holds out. With fewer than 10 such rows,
        or if a class cannot be split, training goes on without, with a warning.
    beta_1 : float in [0, 1), default=0.9
        Memory of Adam's first moment. Ignored unless ``solver="adam"``.
    beta_2 : float in [0, 1), default=0.999
        Memory of Adam's second moment. Ignored unless ``solver="adam"``.
    epsilon : float in (0, inf), default=1e-8
        Keeps Adam's quotient finite. Ignored unless ``solver="adam"``.
    n_iter_no_change : int in [1, inf) or inf, default=10
        Epochs without an improvement of ``tol`` that are tolerated. Ignored by "lbfgs".
    max_fun : int in [1, inf), default=15000
        Largest number of evaluations of the loss. Ignored unless ``solver="lbfgs"``.
    output_activation : str or None, default=None
        Function from raw outputs to predictions, where the loss leaves a choice
        (``loss="squared_error"`` and others that compare predictions with targets);
        None takes the loss's own. ``out_activation_`` shows which it was.
    block : str or Block, default="plain"
        What a hidden layer is made of: a name from the table of blocks, or an instance
        with its options, e.g. ``Plain(normalization="batch")``. Every entry of
        ``hidden_layer_sizes`` is the width of a block.
    dropout : float in [0, 1) or array-like of float, default=0.0
        Rate at which outputs of hidden layers are set to zero while training, one for
        all hidden layers or one for each. The order of the rows does not depend on it.
        Where ``fit`` takes up to 40 rows as one batch, all rows of a step drop the same
        units, so that a row of weight two is the same as two rows.
    use_bias : bool, default=True
        Whether dense layers have biases.
    initializer : str, Initializer or list, default="glorot_uniform"
        How weights and biases are drawn: a name from the table of initializers, or an
        instance. A list gives the start itself: an array of weights for each dense
        layer, with biases zero, or pairs of weights and biases.
    learning_rate_multipliers : dict of str to float, or None, default=None
        Factors on the learning rate of some parameters: "weight", "bias", "mix" (shares
        of a blended activation), "scale" and "shift" (of a normalisation), ... Refused
        by "lbfgs".
    clip_norm : float in (0, inf) or None, default=None
        Largest norm of the gradient over all parameters; longer gradients are scaled
        down. Refused by "lbfgs".
    averaging : str, Averaging or None, default=None
        Which average of the weights is kept beside them, to be validated and published:
        a name from the table of averages, or an instance. Refused by "lbfgs".
    scoring : str, callable or None, default=None
        What the validation set is scored by: "loss" (the negative loss), the name of a
        scikit-learn scorer, a callable ``scorer(estimator, X, y)``, or None for what
        ``score`` gives. Larger is better. Ignored, with a warning, without validation.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Type to compute in. "auto" takes float32 for float32 input, else float64. Other
        input is converted a batch at a time.
    max_time : float in (0, inf) or None, default=None
        Seconds after which training stops at the end of the epoch. The networks of an
        ensemble share them; those that no time is left for are left out, with a
        warning.
    n_threads : int in [1, inf) or None, default=None
        BLAS threads during ``fit``. None takes one for small networks, where more only
        cost time, and leaves BLAS as it is for large ones.
    n_estimators : int in [1, inf), default=1
        Networks of an ensemble, trained in one pass and predicting by their mean. Each
        is what a single one with its seed in ``member_seeds_`` would be, bit for bit.
    bootstrap : bool, default=False
        Whether each network weighs rows by how often it drew them, with replacement.
    shared_backbone : bool, default=False
        Whether networks share their hidden layers; each has an input scaling and an
        output layer of its own (TabM-mini). 32 take little more memory than one.
    joint_early_stopping : bool, default=True
        Whether early stopping takes the epoch that is best for the mean prediction; if
        not, each network has validation rows and a best epoch of its own.
    n_jobs : int or None, default=None
        Threads that share out the networks; -1 for all processors. It changes no bit.
    checkpoint : str, path-like, Checkpoint or None, default=None
        File in which ``fit`` saves the state of its training about every minute, or as
        a ``Checkpoint`` says. A fit that was killed goes on from there when it is
        called again in the same way, and ends with the same bits; a fit that is through
        removes the file. A folder gets a file for each fit. Refused by "lbfgs", not
        used by ``partial_fit``.
    deterministic : bool, default=False
        Whether the numbers may not depend on the threads of BLAS either: it gets one,
        in ``fit`` and in prediction. Without it, the last digits of large networks may.

    Attributes
    ----------
    theta_ : ndarray of shape (n_estimators, n_parameters)
        All parameters: first the weights, then what is not decayed (biases and others),
        each layer by layer. A shared backbone has one row.
    coefs_ : list of ndarray of shape (n_in, n_out)
        Weights by layer, of a plain network only: assignable views of ``theta_``. Of
        another see :func:`sknet.inspection.named_parameters`.
    intercepts_ : list of ndarray of shape (n_out,)
        Bias vectors by layer, likewise; an empty list with ``use_bias=False``.
    n_layers_ : int
        Number of layers of a plain network, inputs and outputs included.
    n_outputs_ : int
        Number of output units.
    out_activation_ : str
        Function from raw outputs to predictions.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit, if all of them are strings.
    n_iter_ : int
        Epochs, or iterations of "lbfgs", of the last call.
    n_epochs_ : int
        Epochs, or iterations, of all calls since training began.
    t_ : int
        Samples seen in those epochs.
    loss_ : float
        Training loss of the last epoch, penalty included.
    loss_curve_ : list of float
        Training loss of every epoch. Not for "lbfgs".
    best_loss_ : float or None
        Least training loss; None with early stopping. Not for "lbfgs".
    validation_scores_ : list of float or None
        Validation score of every epoch; None without a validation set. Not for "lbfgs".
    validation_loss_curve_ : list of float or None
        Validation loss of every epoch, without penalty; else as ``validation_scores_``.
    best_validation_score_ : float or None
        Best validation score; None without a validation set. Not for "lbfgs".
    n_no_improvement_ : int
        Epochs since the last improvement. Not for "lbfgs".
    learning_rate_ : float
        Learning rate that the next epoch would have. Not for "lbfgs".
    estimators_ : list of estimators
        Networks of an ensemble as fitted estimators, views of ``theta_``; only there.
    member_seeds_ : ndarray of shape (n_estimators,)
        The random states of an ensemble's networks; only there.
    member_loss_curves_ : list of list of float
        Their loss curves; not for "lbfgs".

    See Also
    --------
    SimpleMLPClassifier : The same for classes.

    Notes
    -----
    An epoch costs :math:`O(N \sum_l h_{l-1} h_l)` for N rows and layers of widths
    :math:`h_l`; memory beyond data and four copies of the parameters is that of one
    batch. Neither features nor target are scaled: put a ``StandardScaler`` in front
    and a ``TransformedTargetRegressor`` around. With several outputs the sum of their
    errors is minimised, while ``loss_`` shows their mean, as in scikit-learn. See the
    user guide for the differences from ``MLPRegressor``.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep
       feedforward neural networks", AISTATS 2010.
    .. [2] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization",
       ICLR 2015.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from sklearn.model_selection import train_test_split
    >>> from sknet import SimpleMLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)
    >>> regr = SimpleMLPRegressor(max_iter=2000, tol=0.1, random_state=1)
    >>> round(regr.fit(X_train, y_train).score(X_test, y_test), 2)
    0.98
    """

    # Its numbers are scikit-learn's.

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = constraints_of(
        "SimpleMLPRegressor"
    )

    def __init__(
        self,
        loss="squared_error",
        hidden_layer_sizes=(100,),
        activation="relu",
        *,
        solver="adam",
        alpha=0.0001,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.001,
        power_t=0.5,
        max_iter=200,
        shuffle=True,
        random_state=None,
        tol=0.0001,
        verbose=False,
        warm_start=False,
        momentum=0.9,
        nesterovs_momentum=True,
        early_stopping=False,
        validation_fraction=0.1,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        n_iter_no_change=10,
        max_fun=15000,
        output_activation=None,
        block="plain",
        dropout=0.0,
        use_bias=True,
        initializer="glorot_uniform",
        learning_rate_multipliers=None,
        clip_norm=None,
        averaging=None,
        scoring=None,
        dtype="auto",
        max_time=None,
        n_threads=None,
        n_estimators=1,
        bootstrap=False,
        shared_backbone=False,
        joint_early_stopping=True,
        n_jobs=None,
        checkpoint=None,
        deterministic=False,
    ):
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.output_activation = output_activation
        self.block = block
        self.dropout = dropout
        self.use_bias = use_bias
        self.initializer = initializer
        self.learning_rate_multipliers = learning_rate_multipliers
        self.clip_norm = clip_norm
        self.averaging = averaging
        self.scoring = scoring
        self.dtype = dtype
        self.max_time = max_time
        self.n_threads = n_threads
        self.n_estimators = n_estimators
        self.bootstrap = bootstrap
        self.shared_backbone = shared_backbone
        self.joint_early_stopping = joint_early_stopping
        self.n_jobs = n_jobs
        self.checkpoint = checkpoint
        self.deterministic = deterministic
