"""The classifier for images."""

from __future__ import annotations

from typing import Any, ClassVar

from sknet.config.presets import IMAGES, Preset
from sknet.config.table import constraints_of
from sknet.estimators._classifier import BaseMLPClassifier
from sknet.network.convolution import Conv
from sknet.problem.images import ImageReader
from sknet.problem.readers import ClassReader, DataReader


class SimpleCNNClassifier(BaseMLPClassifier):
    r"""Convolutional network classifier for images.

    Images come in as arrays of shape (n_samples, height, width) or (n_samples, height,
    width, channels), or as rows of pixels. Pixels of type uint8 are scaled to [0, 1]
    batch by batch; others are used as they are. Convolutional layers, each with an
    optional pool, stand in front of the hidden layers; all else is as in
    :class:`~sknet.SimpleMLPClassifier`, and parameters of the same name mean the same.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of units in each hidden layer, at least 1. An empty sequence gives a
        linear model.
    activation : str, Activation or list, default="relu"
        Activation function for the hidden layers: a name from the table of activations,
        or an instance. A list gives one activation per hidden layer.
    solver : str, Optimizer or Solver, default="adam"
        The solver for weight optimization: the name of a minibatch optimizer from the
        table of optimizers, or an instance; or a full-batch solver, which uses all rows
        at once: "lbfgs", a quasi-Newton method, a registered name, or an instance. An
        instance has its own parameters, e.g. ``Adam(beta_2=0.95)``; with a name, they
        are taken from ``momentum``, ``beta_1`` and so on.
    alpha : float in [0, inf), default=0.0001
        Strength of the L2 regularization term, which does not include the biases. The
        term is divided by the sum of the sample weights of a batch (by its number of
        rows, without weights), so its effect depends on the batch size, as in
        scikit-learn.
    batch_size : int in [1, inf) or "auto", default="auto"
        Size of minibatches. "auto" means ``min(200, n_samples)``. A size larger than
        the data is clipped, with a warning; up to 40 shuffled rows always form a single
        batch, with a warning. Ignored by full-batch solvers such as "lbfgs".
    learning_rate : str or Schedule, default="constant"
        Learning rate schedule for weight updates: a name from the table of schedules,
        or an instance, e.g. ``Warmup("cosine")``. Some schedules are planned over
        ``max_iter`` epochs; a fit that resumes before the end of the plan finishes it.
        Full-batch solvers such as "lbfgs" support only "constant".
    learning_rate_init : float in (0, inf), default=0.001
        The initial learning rate. Ignored by full-batch solvers such as "lbfgs".
    power_t : float in [0, inf), default=0.5
        The exponent for inverse scaling learning rate. Only used when
        ``learning_rate="invscaling"``.
    max_iter : int in [1, inf), default=200
        Maximum number of epochs (passes over the data), or of iterations of a
        full-batch solver.
    shuffle : bool, default=True
        Whether to shuffle the rows in each epoch. Ignored by full-batch solvers such as
        "lbfgs".
    random_state : int, RandomState instance or None, default=None
        Determines random number generation for the initial weights, the validation
        split and the order of the rows. Pass an int for reproducible results across
        multiple function calls. Resumed training (``warm_start``, ``partial_fit``) also
        continues the random stream.
    tol : float in [0, inf), default=0.0001
        Tolerance for the optimization. An epoch counts as an improvement if it lowers
        the training loss, or raises the validation score, by at least ``tol``. "lbfgs"
        has converged when no element of the gradient is larger than ``tol``.
    verbose : bool, default=False
        Whether to print the loss of every epoch.
    warm_start : bool, default=False
        Whether ``fit`` resumes training from the fitted network, with the optimizer
        state, the random stream and the validation split of the previous call, so that
        ten epochs and ten more equal twenty. If the data have changed, patience, best
        epoch and learning rate schedule restart.
    momentum : float in [0, 1], default=0.9
        Momentum for gradient descent update. Only used when ``solver="sgd"``.
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum. Only used when ``solver="sgd"``.
    early_stopping : bool, default=False
        Whether to set aside ``validation_fraction`` of the rows (or to use ``X_val``)
        as a validation set, to terminate training when the validation score is not
        improving, and to keep the weights of the best epoch. Ignored by ``partial_fit``
        and, with a warning, by full-batch solvers such as "lbfgs".
    validation_fraction : float in [0, 1), default=0.1
        The proportion of training data to set aside as validation set for early
        stopping. If it amounts to fewer than 10 rows, or if a class cannot be split,
        training continues without a validation set, with a warning.
    beta_1 : float in [0, 1), default=0.9
        Exponential decay rate for estimates of first moment vector in adam. Only used
        when ``solver="adam"``.
    beta_2 : float in [0, 1), default=0.999
        Exponential decay rate for estimates of second moment vector in adam. Only used
        when ``solver="adam"``.
    epsilon : float in (0, inf), default=1e-8
        Value for numerical stability in adam. Only used when ``solver="adam"``.
    n_iter_no_change : int in [1, inf) or inf, default=10
        Maximum number of consecutive epochs without an improvement of ``tol``. Ignored
        by full-batch solvers such as "lbfgs".
    max_fun : int in [1, inf), default=15000
        Maximum number of loss function calls. Only used when ``solver="lbfgs"``.
    class_weight : dict, "balanced" or None, default=None
        Class weights, by which the sample weights are multiplied; classes missing from
        the dict have weight 1. A dict that names every class may also name labels that
        a fold lacks. "balanced" gives every class the same total weight; it is not
        available in ``partial_fit``.
    loss : str, ClassLoss or pair of functions, default="log_loss"
        The loss to minimise: a name from the table of classification losses, or an
        instance, e.g. ``LogLoss(label_smoothing=0.1)``. A pair of functions ``(value,
        gradient)`` takes raw outputs (B, C) and targets (B, C) of zeros and ones, and
        returns losses (B,) and their gradient (B, C). There is no ``predict_proba`` for
        losses without probabilities ("hinge", "perceptron", functions).
    output_activation : str or None, default=None
        Function that maps raw outputs to predictions, for losses that leave a choice
        (``loss="squared_error"`` and others that compare predictions with targets).
        None uses the default of the loss. ``out_activation_`` is the one in use.
    block : str or Block, default="plain"
        The building block of the hidden layers: a name from the table of blocks, or an
        instance with options, e.g. ``Plain(normalization="batch")``. Each entry of
        ``hidden_layer_sizes`` is the width of one block.
    dropout : float in [0, 1) or array-like of float, default=0.0
        Rate at which outputs of hidden layers are randomly set to zero during training:
        one rate for all hidden layers, or one for each. It does not affect the order of
        the rows. When ``fit`` takes up to 40 rows as a single batch, all rows of a step
        drop the same units, so that a row of weight two is equivalent to two rows.
    use_bias : bool, default=True
        Whether dense layers have biases.
    initializer : str, Initializer or list, default="glorot_uniform"
        How the initial weights and biases are drawn: a name from the table of
        initializers, or an instance. A list gives the initial values themselves: for
        each dense layer an array of weights (the biases are then zero), or a pair of
        weights and biases.
    learning_rate_multipliers : dict of str to float, or None, default=None
        Factors that multiply the learning rate of some parameters, by parameter name:
        "weight", "bias", "mix" (the shares of a blended activation), "scale" and
        "shift" (of a normalisation), and so on. Not supported by full-batch solvers
        such as "lbfgs".
    clip_norm : float in (0, inf) or None, default=None
        Maximum norm of the gradient over all parameters; longer gradients are scaled
        down. Not supported by full-batch solvers such as "lbfgs".
    averaging : str, Averaging or None, default=None
        Running average of the weights, which is validated and published in place of the
        last weights: a name from the table of averages, or an instance. None keeps no
        average. Not supported by full-batch solvers such as "lbfgs".
    scoring : str, callable or None, default=None
        How the validation set is scored: "loss" (the negative loss), the name of a
        scikit-learn scorer, a callable ``scorer(estimator, X, y)``, or None for the
        ``score`` method. Larger scores are better. Ignored, with a warning, without a
        validation set.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Floating-point type of the computation. "auto" uses float32 for float32 input,
        and float64 otherwise. Input of any other type is converted one batch at a time.
    max_time : float in (0, inf) or None, default=None
        Time limit in seconds, after which training stops at the end of the current
        epoch. The networks of an ensemble share the time; networks for which none is
        left are omitted, with a warning.
    n_threads : int in [1, inf) or None, default=None
        Number of threads that make a step together during ``fit``: in compiled code,
        whose results do not depend on it, and in BLAS. None uses one thread for small
        networks, for which more threads are slower. For large networks, compiled code
        then uses the available processors, and the setting of BLAS is unchanged.
    n_estimators : int in [1, inf), default=1
        Number of networks in the ensemble. They are trained in one pass, and their
        predictions are averaged. Each network is identical, bit for bit, to a single
        network trained with its seed in ``member_seeds_``.
    bootstrap : bool, default=False
        Whether each network weights the rows by how often they occur in its bootstrap
        sample, drawn with replacement.
    shared_backbone : bool, default=False
        Whether the networks share their hidden layers; each network has its own input
        scaling and output layer (TabM-mini). An ensemble of 32 networks takes little
        more memory than a single network.
    joint_early_stopping : bool, default=True
        Whether early stopping selects the epoch that is best for the mean prediction.
        If False, each network has its own validation rows and best epoch.
    n_jobs : int or None, default=None
        Number of threads among which the networks are distributed. ``-1`` means using
        all processors. The results are identical, bit for bit, for every value.
    checkpoint : str, path-like, Checkpoint or None, default=None
        File to which ``fit`` saves the state of training about once a minute, or as a
        ``Checkpoint`` specifies. If ``fit`` was killed, calling it again in the same
        way resumes from there, with bit-identical results. The file is removed when
        ``fit`` finishes. In a folder, each fit has its own file. Not supported by
        full-batch solvers such as "lbfgs"; not used by ``partial_fit``.
    engine : {"auto", "compiled", "numpy"}, default="auto"
        What makes training steps, evaluates the loss for "lbfgs", and predicts.
        "compiled" repeats recorded steps in compiled code, and ``fit`` raises an error
        if that is not possible; "numpy" computes in NumPy; "auto" uses compiled code
        where it is possible and saves time. The two differ in rounding. The attribute
        ``engine_`` tells which one was used in ``fit``, and why.
    deterministic : bool, default=False
        Whether results must not depend on the number of BLAS threads either: BLAS is
        limited to one thread, in ``fit`` and in prediction. If False, the last digits
        of the results of large networks may depend on it.
    conv_layers : tuple of ConvLayer, default=(Conv(32, pool=2), Conv(64, pool=2))
        The convolutional layers, in front of the hidden layers: instances of
        :class:`~sknet.Conv`, :class:`~sknet.ResidualConv` and
        :class:`~sknet.AggregatedConv`. ``conv_layers__0__filters`` is the parameter
        ``filters`` of the first one. An empty tuple leaves dense layers only.
    image_shape : tuple of int or None, default=None
        Height and width of the images, or height, width and channels. None infers them
        from an X with these axes. Rows of pixels are then square images, if the number
        of columns is a square, otherwise images with a single row of pixels.
    augment : Augment or None, default=None
        Shifts, flips, rotations and cutout, by which training images are changed at
        random; see :class:`~sknet.Augment`. Not supported by "lbfgs".

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; for a multilabel target, the column numbers.
    theta_ : ndarray of shape (n_estimators, n_parameters)
        All parameters: first the weights, then the parameters without weight decay
        (biases and others), both layer by layer. With a shared backbone there is a
        single row.
    n_outputs_ : int
        Number of output units.
    out_activation_ : str
        Name of the output activation function.
    n_features_in_ : int
        Number of features seen during fit.
    image_shape_ : tuple of three int
        Height, width and channels of the images.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit. Defined only when `X` has feature names that
        are all strings.
    n_iter_ : int
        Number of epochs, or of iterations of "lbfgs", in the last call.
    n_epochs_ : int
        Number of epochs, or of iterations, in all calls since training began.
    t_ : int
        Number of training samples seen in all calls since training began.
    engine_ : str
        What made the training steps, or evaluated the loss for "lbfgs": "compiled", or
        "numpy: " and the reason. In an ensemble, a reason of any of its networks.
    loss_ : float
        Training loss of the last epoch, including the penalty.
    loss_curve_ : list of float
        Training loss of every epoch. Not available with "lbfgs".
    best_loss_ : float or None
        Lowest training loss; None with early stopping. Not available with "lbfgs".
    validation_scores_ : list of float or None
        Validation score of every epoch; None without a validation set. Not available
        with "lbfgs".
    validation_loss_curve_ : list of float or None
        Validation loss of every epoch, without the penalty; None without a validation
        set. Not available with "lbfgs".
    best_validation_score_ : float or None
        Best validation score; None without a validation set. Not available with
        "lbfgs".
    n_no_improvement_ : int
        Number of epochs since the last improvement. Not available with "lbfgs".
    learning_rate_ : float
        Learning rate that the next epoch would use. Not available with "lbfgs".
    estimators_ : list of estimators
        The networks of an ensemble as fitted estimators, which are views of ``theta_``.
        Only for ensembles.
    member_seeds_ : ndarray of shape (n_estimators,)
        Random seed of each network of an ensemble. Only for ensembles.
    member_loss_curves_ : list of list of float
        Loss curve of each network of an ensemble. Only for ensembles; not available
        with "lbfgs".

    See Also
    --------
    SimpleCNNRegressor : The same for real-valued targets.

    Notes
    -----
    F filters with windows of f x f positions over C channels cost :math:`O(f^2 C F)`
    for each position. Memory holds a few times the activations of one batch.

    References
    ----------
    .. [1] Y. LeCun et al., "Gradient-based learning applied to document recognition",
       Proceedings of the IEEE 86, 1998.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknet import Conv, SimpleCNNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> network = SimpleCNNClassifier(
    ...     32, conv_layers=[Conv(16, pool=2)], learning_rate_init=0.02, random_state=0
    ... )
    >>> network.fit(X[::2] / 16, y[::2]).image_shape_  # inferred from 64 columns
    (8, 8, 1)
    >>> bool(network.score(X[1::2] / 16, y[1::2]) > 0.95)
    True
    """

    _preset: ClassVar[Preset] = IMAGES
    _reader: ClassVar[DataReader] = DataReader(ImageReader(), ClassReader())
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = constraints_of(
        "SimpleCNNClassifier"
    )

    def __init__(
        self,
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
        class_weight=None,
        loss="log_loss",
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
        engine="auto",
        deterministic=False,
        conv_layers=(Conv(32, pool=2), Conv(64, pool=2)),
        image_shape=None,
        augment=None,
    ):
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
        self.class_weight = class_weight
        self.loss = loss
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
        self.engine = engine
        self.deterministic = deterministic
        self.conv_layers = conv_layers
        self.image_shape = image_shape
        self.augment = augment
