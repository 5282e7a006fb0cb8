"""The classifier for tables."""

from __future__ import annotations

from typing import Any, ClassVar

from sknet.config.presets import TABULAR_CLASSIFIER, Preset
from sknet.config.table import constraints_of
from sknet.estimators._classifier import BaseMLPClassifier
from sknet.problem.readers import ClassReader, DataReader, TableReader


class TabularMLPClassifier(BaseMLPClassifier):
    r"""Multi-layer perceptron classifier for tables as they are.

    Numbers of any scale, categories, text, booleans and missing values come in; a
    :class:`~sknet.TabularPreprocessor` makes columns of them. An ensemble of networks
    is trained by a recipe that follows RealMLP, and the probabilities are calibrated.
    Parameters that :class:`~sknet.SimpleMLPClassifier` has, too, mean the same, but
    have other defaults; options of solvers and schedules are said by an instance, e.g.
    ``solver=AdamW(beta_2=0.9)``.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(128, 128, 128)
        Widths of the hidden layers, each >= 1. Empty for a linear model.
    activation : str, Activation or list, default="mish"
        Activation of the hidden layers: a name from the table of activations, or an
        instance; a list has one for each hidden layer.
    solver : str, Optimizer or Solver, default="adamw"
        How the weights are found: a name from the table of optimizers, or an instance
        with parameters of its own, e.g. ``AdamW(beta_2=0.9)``, which make minibatch
        steps; "adamw" is ``AdamW(beta_2=0.95, weight_decay=0.02)``, other names have
        the defaults of their classes. Or "lbfgs", or an instance of ``LBFGS``, a
        quasi-Newton method on all rows at once, which needs
        ``learning_rate="constant"`` and ``dropout=0.0``, and warns that
        ``early_stopping`` has no effect.
    alpha : float in [0, inf), default=0.0
        Strength of the L2 penalty on the weights, biases excepted. It is divided by the
        sum of the sample weights of a batch (its rows, without weights), so that its
        effect depends on the batch size, as in scikit-learn.
    batch_size : int in [1, inf) or "auto", default="auto"
        Rows of a minibatch; "auto" takes all of less than 50 rows, at most 32 up to
        200, 64 up to 1024, 128 up to 8192, 256 up to 30,000, 512 up to 100,000, then
        1024, so that all batches are about equal.
    learning_rate : str or Schedule, default="flat_cosine"
        Course of the learning rate: a name from the table of schedules, or an instance,
        e.g. ``Warmup("cosine")``. Some run over a plan of ``max_iter`` epochs; a fit
        that goes on before its plan is through finishes it. Refused by "lbfgs" unless
        constant.
    learning_rate_init : float in (0, inf), default=0.04
        The initial learning rate. Ignored by "lbfgs".
    max_iter : int in [1, inf), default=32
        Largest number of epochs (passes over the data), or of iterations of "lbfgs".
    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the validation split and the order of the rows.
        Pass an int for the same result each time. A training that goes on
        (``warm_start``, ``partial_fit``) goes on in the random stream, too.
    verbose : bool, default=False
        Whether to print the loss of every epoch.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the fitted network, with the optimizer's memory,
        the random stream and the validation split: ten epochs and ten more are twenty.
        With other data patience, best epoch and learning rate's course begin again.
    early_stopping : bool, default=True
        Whether to hold out ``validation_fraction`` of the rows (or to take ``X_val``),
        and keep the weights of the best epoch, of equally good ones the last. Tables of
        which less than 10 rows would be held out have none to spare. Ignored by
        ``partial_fit``.
    validation_fraction : float in [0, 1), default=0.1
        Share of the rows that early stopping holds out, in proportion to the classes,
        others for each network.
    n_iter_no_change : int in [1, inf) or inf, default=3
        Epochs without an improvement that are tolerated, and as many more as it took to
        the best epoch: improvements come seldom later on.
    class_weight : dict, "balanced" or None, default=None
        Weights by class, multiplied with the sample weights; classes left out of the
        dict have weight 1. A dict that names every class may name others, which a fold
        lacks. "balanced" gives every class the same sum of weights; it is not available
        in ``partial_fit``.
    loss : str, ClassLoss or pair of functions, default="log_loss"
        What is minimised: a name from the table of losses of a classifier, or an
        instance, e.g. ``LogLoss(label_smoothing=0.1)``. A pair ``(value, gradient)``
        takes raw outputs (B, C) and targets (B, C) of zeros and ones, and gives losses
        (B,) and their gradient (B, C). Without probabilities ("hinge", "perceptron",
        functions) there is no ``predict_proba``.
    output_activation : str or None, default=None
        Function from raw outputs to predictions, where the loss leaves a choice
        (``loss="squared_error"`` and others that compare predictions with targets);
        None takes the loss's own. ``out_activation_`` shows which it was.
    block : str or Block, default="plain"
        What a hidden layer is made of: a name from the table of blocks, or an instance
        with its options, e.g. ``Plain(normalization="batch")``. Every entry of
        ``hidden_layer_sizes`` is the width of a block.
    dropout : float in [0, 1) or array-like of float, default=0.1
        Rate at which outputs of hidden layers are set to zero while training, one for
        all hidden layers or one for each. The order of the rows does not depend on it.
        Where ``fit`` takes less than 50 rows as one batch, all rows of a step drop the
        same units, so that a row of weight two is the same as two rows.
    use_bias : bool, default=True
        Whether dense layers have biases.
    initializer : str, Initializer or list, default="data_driven"
        How weights and biases are drawn: a name from the table of initializers, or an
        instance. A list gives the start itself: an array of weights for each dense
        layer, with biases zero, or pairs of weights and biases.
    learning_rate_multipliers : dict of str to float, "auto" or None, default="auto"
        Factors on the learning rate of some parameters by name; "auto" takes 0.1 for
        biases, blended activations and numeric embeddings, and 6 for the factors of
        features, as RealMLP does; None takes none.
    clip_norm : float in (0, inf) or None, default=None
        Largest norm of the gradient over all parameters; longer gradients are scaled
        down. Refused by "lbfgs".
    averaging : str, Averaging or None, default=None
        Which average of the weights is kept beside them, to be validated and published:
        a name from the table of averages, or an instance. Refused by "lbfgs".
    scoring : str, callable or None, default="loss"
        What the validation set is scored by: "loss" (the negative loss), the name of a
        scikit-learn scorer, a callable ``scorer(estimator, X, y)``, which gets encoded
        columns, or None for what ``score`` gives. Larger is better. Where validation
        rows lack a class that it needs, the loss takes its place, with a warning.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Type to compute in. "auto" takes float32, and float64 for less than 50 rows.
    max_time : float in (0, inf) or None, default=None
        Seconds after which training stops at the end of the epoch. The networks of an
        ensemble share them; those that no time is left for are left out, with a
        warning.
    n_threads : int in [1, inf) or None, default=None
        BLAS threads during ``fit``. None takes one for small networks, where more only
        cost time, and leaves BLAS as it is for large ones.
    n_estimators : int in [1, inf), default=4
        Networks of an ensemble, trained in one pass and predicting by their mean. Each
        is what a single one with its seed in ``member_seeds_`` would be, bit for bit.
    joint_early_stopping : bool, default=False
        Whether early stopping takes the epoch that is best for the mean prediction; if
        not, each network has validation rows and a best epoch of its own.
    n_jobs : int or None, default=-1
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
    blend_activation : bool, default=True
        Whether each hidden unit learns how much of the activation it takes, and how
        much of its input as it is; see ``Blend``.
    categorical_features : array-like, "from_dtype" or None, default="from_dtype"
        Which features are categories: "from_dtype" finds columns of categories, text
        and booleans; an array holds names, numbers or a mask; None: none is.
    max_one_hot : int in [0, inf), default=8
        Categories of more levels get a trained vector for each level, others a column
        for each.
    embedding_size : int in [1, inf), default=8
        Length of those vectors.
    numeric_embedding : str, Layer or None, default="periodic"
        What numbers become before the first layer: trained waves beside the number, or
        nothing but the number (None). An instance has options, ``Periodic(waves=32)``.
    calibrate : bool, default=True
        Whether probabilities are calibrated by a temperature, on the held-out rows of
        early stopping. For outputs that are logistic or a softmax.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; of a multilabel target the column numbers.
    theta_ : ndarray of shape (n_estimators, n_parameters)
        All parameters: first the weights, then what is not decayed (biases and others),
        each layer by layer.
    n_outputs_ : int
        Number of output units.
    out_activation_ : str
        Function from raw outputs to predictions.
    n_features_in_ : int
        Number of features seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit, if all of them are strings.
    preprocessor_ : TabularPreprocessor
        What makes the columns of the network of a table.
    temperature_ : float
        What raw outputs are divided by, so that probabilities are calibrated; 1 where
        no rows were held out.
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
    TabularMLPRegressor : The same for real-valued targets.
    SimpleMLPClassifier : The drop-in for scikit-learn's ``MLPClassifier``.

    Notes
    -----
    What each default was measured against stands on the page on the defaults of the
    documentation. ``partial_fit`` encodes all later tables as the first one, without
    early stopping: let it be a fair sample. Its learning rate is constant; after a fit
    whose schedule was planned it is half of the initial one, and for batches smaller
    than before, times the root of the share of rows.
    :func:`sknet.inspection.named_parameters` shows weights, embeddings and factors of
    columns; there are no ``coefs_``, for that is no plain network.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       arXiv:2407.04491.
    .. [2] C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural
       networks", ICML 2017, arXiv:1706.04599.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import train_test_split
    >>> from sknet import TabularMLPClassifier
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> network = TabularMLPClassifier(random_state=0).fit(X_train, y_train)
    >>> bool(network.score(X_test, y_test) > 0.95)
    True
    """

    _preset: ClassVar[Preset] = TABULAR_CLASSIFIER
    _reader: ClassVar[DataReader] = DataReader(TableReader(), ClassReader())
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = constraints_of(
        "TabularMLPClassifier"
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
        learning_rate_init=0.04,
        max_iter=32,
        random_state=None,
        verbose=False,
        warm_start=False,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=3,
        class_weight=None,
        loss="log_loss",
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
        deterministic=False,
        blend_activation=True,
        categorical_features="from_dtype",
        max_one_hot=8,
        embedding_size=8,
        numeric_embedding="periodic",
        calibrate=True,
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
        self.joint_early_stopping = joint_early_stopping
        self.n_jobs = n_jobs
        self.checkpoint = checkpoint
        self.deterministic = deterministic
        self.blend_activation = blend_activation
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.embedding_size = embedding_size
        self.numeric_embedding = numeric_embedding
        self.calibrate = calibrate
