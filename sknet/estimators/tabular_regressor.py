"""The regressor for tables."""

from __future__ import annotations

from typing import Any, ClassVar

from sknet.config.presets import TABULAR_REGRESSOR, Preset
from sknet.config.table import constraints_of
from sknet.estimators._regressor import BaseMLPRegressor
from sknet.problem.readers import DataReader, TableReader, ValueReader


class TabularMLPRegressor(BaseMLPRegressor):
    r"""Multi-layer perceptron regressor for tables as they are.

    Numbers of any scale, categories, text, booleans and missing values come in; a
    :class:`~sknet.TabularPreprocessor` makes columns of them. The target is
    standardised, and an ensemble of networks is trained by a recipe that follows
    RealMLP. Parameters that :class:`~sknet.SimpleMLPRegressor` has, too, mean the same,
    but have other defaults; options of solvers and schedules are said by an instance,
    e.g. ``solver=AdamW(beta_2=0.9)``.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(128, 128, 128)
        Number of units in each hidden layer, at least 1. An empty sequence gives a
        linear model.
    activation : str, Activation or list, default="mish"
        Activation function for the hidden layers: a name from the table of activations,
        or an instance. A list gives one activation per hidden layer.
    solver : str, Optimizer or Solver, default="adamw"
        The solver for weight optimization: the name of a minibatch optimizer from the
        table of optimizers, or an instance with its own parameters, e.g.
        ``AdamW(beta_2=0.9)``. "adamw" stands for ``AdamW(beta_2=0.95,
        weight_decay=0.02)``; other names stand for the defaults of their classes. The
        alternative is "lbfgs", or an instance of ``LBFGS``, a quasi-Newton method that
        uses all rows at once. It requires ``learning_rate="constant"`` and
        ``dropout=0.0``, and warns that ``early_stopping`` has no effect.
    alpha : float in [0, inf), default=0.0
        Strength of the L2 regularization term, which does not include the biases. The
        term is divided by the sum of the sample weights of a batch (by its number of
        rows, without weights), so its effect depends on the batch size, as in
        scikit-learn.
    batch_size : int in [1, inf) or "auto", default="auto"
        Size of minibatches. "auto" takes fewer than 50 rows as a single batch;
        otherwise batches have at most 32 rows for up to 200 training rows, 64 for up to
        1024, 128 for up to 8192, 256 for up to 30,000, 512 for up to 100,000, and 1024
        beyond, and are about equal in size.
    learning_rate : str or Schedule, default="flat_cosine"
        Learning rate schedule for weight updates: a name from the table of schedules,
        or an instance, e.g. ``Warmup("cosine")``. Some schedules are planned over
        ``max_iter`` epochs; a fit that resumes before the end of the plan finishes it.
        Full-batch solvers such as "lbfgs" support only "constant".
    learning_rate_init : float in (0, inf), default=0.1
        The initial learning rate. Ignored by full-batch solvers such as "lbfgs".
    max_iter : int in [1, inf), default=32
        Maximum number of epochs (passes over the data), or of iterations of a
        full-batch solver.
    random_state : int, RandomState instance or None, default=None
        Determines random number generation for the initial weights, the validation
        split and the order of the rows. Pass an int for reproducible results across
        multiple function calls. Resumed training (``warm_start``, ``partial_fit``) also
        continues the random stream.
    verbose : bool, default=False
        Whether to print the loss of every epoch.
    warm_start : bool, default=False
        Whether ``fit`` resumes training from the fitted network, with the optimizer
        state, the random stream and the validation split of the previous call, so that
        ten epochs and ten more equal twenty. If the data have changed, patience, best
        epoch and learning rate schedule restart.
    early_stopping : bool, default=True
        Whether to set aside ``validation_fraction`` of the rows (or to use ``X_val``)
        as a validation set, and to keep the weights of the best epoch (of the last one,
        if several are equally good). If fewer than 10 rows would be set aside, none
        are. Ignored by ``partial_fit``.
    validation_fraction : float in [0, 1), default=0.1
        The proportion of training data to set aside as validation set for early
        stopping. Each network has its own validation set.
    n_iter_no_change : int in [1, inf) or inf, default=10
        Maximum number of consecutive epochs without an improvement. Twice the number of
        epochs up to the best one is added to it, since improvements become rare later
        in training.
    loss : str, ValueLoss or pair of functions, default="squared_error"
        The loss to minimise: a name from the table of regression losses, or an
        instance, e.g. ``Quantile(levels=(0.05, 0.5, 0.95))``. A pair of functions
        ``(value, gradient)`` takes raw outputs (B, C) and targets (B, C), and returns
        losses (B,) and their gradient (B, C).
    output_activation : str or None, default=None
        Function that maps raw outputs to predictions, for losses that leave a choice
        (``loss="squared_error"`` and others that compare predictions with targets).
        None uses the default of the loss. ``out_activation_`` is the one in use.
    block : str or Block, default="plain"
        The building block of the hidden layers: a name from the table of blocks, or an
        instance with options, e.g. ``Plain(normalization="batch")``. Each entry of
        ``hidden_layer_sizes`` is the width of one block.
    dropout : float in [0, 1) or array-like of float, default=0.1
        Rate at which outputs of hidden layers are randomly set to zero during training:
        one rate for all hidden layers, or one for each. It does not affect the order of
        the rows. When ``fit`` takes fewer than 50 rows as a single batch, all rows of a
        step drop the same units, so that a row of weight two is equivalent to two rows.
    use_bias : bool, default=True
        Whether dense layers have biases.
    initializer : str, Initializer or list, default="data_driven"
        How the initial weights and biases are drawn: a name from the table of
        initializers, or an instance. A list gives the initial values themselves: for
        each dense layer an array of weights (the biases are then zero), or a pair of
        weights and biases.
    learning_rate_multipliers : dict of str to float, "auto" or None, default="auto"
        Factors that multiply the learning rate of some parameters, by parameter name.
        "auto" uses 0.1 for biases, blended activations and numeric embeddings, and 6
        for the scales of features, as RealMLP does. None uses the same learning rate
        for all parameters.
    clip_norm : float in (0, inf) or None, default=None
        Maximum norm of the gradient over all parameters; longer gradients are scaled
        down. Not supported by full-batch solvers such as "lbfgs".
    averaging : str, Averaging or None, default=None
        Running average of the weights, which is validated and published in place of the
        last weights: a name from the table of averages, or an instance. None keeps no
        average. Not supported by full-batch solvers such as "lbfgs".
    scoring : str, callable or None, default="loss"
        How the validation set is scored: "loss" (the negative loss), the name of a
        scikit-learn scorer, a callable ``scorer(estimator, X, y)``, which receives
        encoded columns, or None for the ``score`` method. Larger scores are better.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Floating-point type of the computation. "auto" uses float32, or float64 for
        fewer than 50 rows.
    max_time : float in (0, inf) or None, default=None
        Time limit in seconds, after which training stops at the end of the current
        epoch. The networks of an ensemble share the time; networks for which none is
        left are omitted, with a warning.
    n_threads : int in [1, inf) or None, default=None
        Number of threads that make a step together during ``fit``: in compiled code,
        whose results do not depend on it, and in BLAS. None uses one thread for small
        networks, for which more threads are slower. For large networks, compiled code
        then uses the available processors, and the setting of BLAS is unchanged.
    n_estimators : int in [1, inf), default=4
        Number of networks in the ensemble. They are trained in one pass, and their
        predictions are averaged. Each network is identical, bit for bit, to a single
        network trained with its seed in ``member_seeds_``.
    joint_early_stopping : bool, default=False
        Whether early stopping selects the epoch that is best for the mean prediction.
        If False, each network has its own validation rows and best epoch.
    n_jobs : int or None, default=-1
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
    blend_activation : bool, default=True
        Whether each hidden unit learns in what proportion to mix its activation with
        its unchanged input; see ``Blend``.
    categorical_features : array-like, "from_dtype" or None, default="from_dtype"
        Which features are categorical: "from_dtype" selects columns of categorical,
        text or boolean type; an array holds names, indices or a boolean mask; None
        means that no feature is categorical.
    max_one_hot : int in [0, inf), default=8
        Maximum number of levels of a categorical feature that is one-hot encoded.
        Features with more levels get a trained vector for each level.
    embedding_size : int in [1, inf), default=8
        Length of the trained vectors that represent levels.
    numeric_embedding : str, Layer or None, default="periodic"
        Embedding of numeric features before the first layer: "periodic" adds trained
        waves to each number; None passes on the number alone. An instance has options,
        e.g. ``Periodic(waves=32)``.
    clip_predictions : bool, default=True
        Whether to clip predictions to the range of the training targets, extended by a
        twentieth of it at both ends. Only for losses with standardised targets; see the
        notes.
    quantiles : tuple of float in (0, 1), or None, default=None
        Quantile levels that the network learns in addition to the mean, for
        ``predict(X, quantiles=...)``. Predicted quantiles never cross.

    Attributes
    ----------
    theta_ : ndarray of shape (n_estimators, n_parameters)
        All parameters: first the weights, then the parameters without weight decay
        (biases and others), both layer by layer.
    n_outputs_ : int
        Number of output units.
    out_activation_ : str
        Name of the output activation function.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit. Defined only when `X` has feature names that
        are all strings.
    preprocessor_ : TabularPreprocessor
        The fitted preprocessor, which encodes a table as columns of the network.
    target_mean_, target_deviation_ : ndarray of shape (n_targets,), or None
        Mean and standard deviation by which the target is standardised, or their
        counterparts from quantiles (see the notes). With ``quantiles``, each target has
        one value for the mean and one for each level. None if the loss does not allow
        standardisation.
    target_range_ : ndarray of shape (2, n_targets), or None
        Lower and upper bounds of the predictions.
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
    TabularMLPClassifier : The same for classes.
    SimpleMLPRegressor : The drop-in for scikit-learn's ``MLPRegressor``.

    Notes
    -----
    What each default was measured against stands on the page on the defaults of the
    documentation. Losses of which the units do not matter ("squared_error",
    "absolute_error", "huber", "log_cosh", "quantile", "gaussian") work on standardised
    targets; curves and options such as the ``delta`` of the Huber loss are in those
    units. "absolute_error", "huber", "log_cosh" and "quantile", to which targets far
    off matter little, are scaled by median and quartiles, the others by mean and
    deviation. "poisson" and "gamma" take targets as they are, and start at their mean.
    ``partial_fit`` keeps the encoding and the scale of the first table, without early
    stopping: let it be a fair sample. Its learning rate is constant; after a fit whose
    schedule was planned it is 0.3 of the initial one, and for batches smaller than
    before, times the root of the share of rows.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       arXiv:2407.04491.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import train_test_split
    >>> from sknet import TabularMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> network = TabularMLPRegressor(random_state=0).fit(X_train, y_train)
    >>> bool(network.score(X_test, y_test) > 0.25)
    True
    """

    _preset: ClassVar[Preset] = TABULAR_REGRESSOR
    _reader: ClassVar[DataReader] = DataReader(
        TableReader(), ValueReader(standardises=True)
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = constraints_of(
        "TabularMLPRegressor"
    )

    def __init__(
        self,
        hidden_layer_sizes=(128, 128, 128),
        activation="mish",
        *,
        solver="adamw",
        alpha=0.0,
        batch_size="auto",
        learning_rate="flat_cosine",
        learning_rate_init=0.1,
        max_iter=32,
        random_state=None,
        verbose=False,
        warm_start=False,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=10,
        loss="squared_error",
        output_activation=None,
        block="plain",
        dropout=0.1,
        use_bias=True,
        initializer="data_driven",
        learning_rate_multipliers="auto",
        clip_norm=None,
        averaging=None,
        scoring="loss",
        dtype="auto",
        max_time=None,
        n_threads=None,
        n_estimators=4,
        joint_early_stopping=False,
        n_jobs=-1,
        checkpoint=None,
        engine="auto",
        deterministic=False,
        blend_activation=True,
        categorical_features="from_dtype",
        max_one_hot=8,
        embedding_size=8,
        numeric_embedding="periodic",
        clip_predictions=True,
        quantiles=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
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
        self.joint_early_stopping = joint_early_stopping
        self.n_jobs = n_jobs
        self.checkpoint = checkpoint
        self.engine = engine
        self.deterministic = deterministic
        self.blend_activation = blend_activation
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.embedding_size = embedding_size
        self.numeric_embedding = numeric_embedding
        self.clip_predictions = clip_predictions
        self.quantiles = quantiles
