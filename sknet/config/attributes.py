"""Fitted attributes of the estimators, in the order of their docstrings."""

from __future__ import annotations

from sknet.config.parameter import Attribute, ByClass


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        "classes_",
        "ndarray of shape (n_classes,)",
        "Class labels; for a multilabel target, the column numbers.",
        classes="Classifier",
    ),
    Attribute(
        "theta_",
        "ndarray of shape (n_estimators, n_parameters)",
        ByClass(
            Simple="""All parameters: first the weights, then the parameters without
            weight decay (biases and others), both layer by layer. With a shared
            backbone there is a single row.
            """,
            Tabular="""All parameters: first the weights, then the parameters without
            weight decay (biases and others), both layer by layer.
            """,
        ),
    ),
    Attribute(
        "coefs_",
        "list of ndarray of shape (n_in, n_out)",
        """Weight matrix of each layer, as assignable views of ``theta_``. Only for
        plain networks; for others see :func:`sknet.inspection.named_parameters`.
        """,
        classes="SimpleMLP",
    ),
    Attribute(
        "intercepts_",
        "list of ndarray of shape (n_out,)",
        """Bias vector of each layer, as for ``coefs_``; an empty list with
        ``use_bias=False``.
        """,
        classes="SimpleMLP",
    ),
    Attribute(
        "n_layers_",
        "int",
        "Number of layers of a plain network, including the input and output layers.",
        classes="SimpleMLP",
    ),
    Attribute(
        "n_outputs_",
        "int",
        "Number of output units.",
    ),
    Attribute(
        "out_activation_",
        "str",
        "Name of the output activation function.",
    ),
    Attribute(
        "n_features_in_",
        "int",
        "Number of features seen during fit.",
    ),
    Attribute(
        "image_shape_",
        "tuple of three int",
        "Height, width and channels of the images.",
        classes="CNN",
    ),
    Attribute(
        "feature_names_in_",
        "ndarray of shape (`n_features_in_`,)",
        """Names of features seen during fit. Defined only when `X` has feature names
        that are all strings.
        """,
    ),
    Attribute(
        "preprocessor_",
        "TabularPreprocessor",
        "The fitted preprocessor, which encodes a table as columns of the network.",
        classes="Tabular",
    ),
    Attribute(
        "target_mean_, target_deviation_",
        "ndarray of shape (n_targets,), or None",
        """Mean and standard deviation by which the target is standardised, or their
        counterparts from quantiles (see the notes). With ``quantiles``, each target has
        one value for the mean and one for each level. None if the loss does not allow
        standardisation.
        """,
        classes="TabularMLPRegressor",
    ),
    Attribute(
        "target_range_",
        "ndarray of shape (2, n_targets), or None",
        "Lower and upper bounds of the predictions.",
        classes="TabularMLPRegressor",
    ),
    Attribute(
        "temperature_",
        "float",
        """Temperature by which raw outputs are divided to calibrate probabilities; 1 if
        no rows were held out.
        """,
        classes="TabularMLPClassifier",
    ),
    Attribute(
        "n_iter_",
        "int",
        """Number of epochs, or of iterations of "lbfgs", in the last call.
        """,
    ),
    Attribute(
        "n_epochs_",
        "int",
        "Number of epochs, or of iterations, in all calls since training began.",
    ),
    Attribute(
        "t_",
        "int",
        "Number of training samples seen in all calls since training began.",
    ),
    Attribute(
        "engine_",
        "str",
        """What made the training steps, or evaluated the loss for "lbfgs": "compiled",
        or "numpy: " and the reason. In an ensemble, a reason of any of its networks.
        """,
    ),
    Attribute(
        "loss_",
        "float",
        "Training loss of the last epoch, including the penalty.",
    ),
    Attribute(
        "loss_curve_",
        "list of float",
        """Training loss of every epoch. Not available with "lbfgs".
        """,
    ),
    Attribute(
        "best_loss_",
        "float or None",
        """Lowest training loss; None with early stopping. Not available with "lbfgs".
        """,
    ),
    Attribute(
        "validation_scores_",
        "list of float or None",
        """Validation score of every epoch; None without a validation set. Not available
        with "lbfgs".
        """,
    ),
    Attribute(
        "validation_loss_curve_",
        "list of float or None",
        """Validation loss of every epoch, without the penalty; None without a
        validation set. Not available with "lbfgs".
        """,
    ),
    Attribute(
        "best_validation_score_",
        "float or None",
        """Best validation score; None without a validation set. Not available with
        "lbfgs".
        """,
    ),
    Attribute(
        "n_no_improvement_",
        "int",
        """Number of epochs since the last improvement. Not available with "lbfgs".
        """,
    ),
    Attribute(
        "learning_rate_",
        "float",
        """Learning rate that the next epoch would use. Not available with "lbfgs".
        """,
    ),
    Attribute(
        "estimators_",
        "list of estimators",
        """The networks of an ensemble as fitted estimators, which are views of
        ``theta_``. Only for ensembles.
        """,
    ),
    Attribute(
        "member_seeds_",
        "ndarray of shape (n_estimators,)",
        "Random seed of each network of an ensemble. Only for ensembles.",
    ),
    Attribute(
        "member_loss_curves_",
        "list of list of float",
        """Loss curve of each network of an ensemble. Only for ensembles; not available
        with "lbfgs".
        """,
    ),
)
