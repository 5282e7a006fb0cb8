"""Fitted attributes of the estimators, in the order of their docstrings."""

from __future__ import annotations

from sknet.config.parameter import Attribute, ByClass


ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        "classes_",
        "ndarray of shape (n_classes,)",
        "Class labels; of a multilabel target the column numbers.",
        classes="Classifier",
    ),
    Attribute(
        "theta_",
        "ndarray of shape (n_estimators, n_parameters)",
        ByClass(
            Simple="""All parameters: first the weights, then what is not decayed
            (biases and others), each layer by layer. A shared backbone has one row.
            """,
            Tabular="""All parameters: first the weights, then what is not decayed
            (biases and others), each layer by layer.
            """,
        ),
    ),
    Attribute(
        "coefs_",
        "list of ndarray of shape (n_in, n_out)",
        """Weights by layer, of a plain network only: assignable views of ``theta_``. Of
        another see :func:`sknet.inspection.named_parameters`.
        """,
        classes="Simple",
    ),
    Attribute(
        "intercepts_",
        "list of ndarray of shape (n_out,)",
        "Bias vectors by layer, likewise; an empty list with ``use_bias=False``.",
        classes="Simple",
    ),
    Attribute(
        "n_layers_",
        "int",
        "Number of layers of a plain network, inputs and outputs included.",
        classes="Simple",
    ),
    Attribute(
        "n_outputs_",
        "int",
        "Number of output units.",
    ),
    Attribute(
        "out_activation_",
        "str",
        "Function from raw outputs to predictions.",
    ),
    Attribute(
        "n_features_in_",
        "int",
        "Number of features seen during fit.",
    ),
    Attribute(
        "feature_names_in_",
        "ndarray of shape (`n_features_in_`,)",
        "Names of features seen during fit, if all of them are strings.",
    ),
    Attribute(
        "preprocessor_",
        "TabularPreprocessor",
        "What makes the columns of the network of a table.",
        classes="Tabular",
    ),
    Attribute(
        "target_mean_, target_deviation_",
        "ndarray of shape (n_targets,), or None",
        """By which the target is standardised, or what stands for them by quantiles
        (see the notes); with ``quantiles`` one for the mean and for each of them,
        target by target. None where the loss does not allow it.
        """,
        classes="TabularMLPRegressor",
    ),
    Attribute(
        "target_range_",
        "ndarray of shape (2, n_targets), or None",
        "Where predictions end.",
        classes="TabularMLPRegressor",
    ),
    Attribute(
        "temperature_",
        "float",
        """What raw outputs are divided by, so that probabilities are calibrated; 1
        where no rows were held out.
        """,
        classes="TabularMLPClassifier",
    ),
    Attribute(
        "n_iter_",
        "int",
        """Epochs, or iterations of "lbfgs", of the last call.
        """,
    ),
    Attribute(
        "n_epochs_",
        "int",
        "Epochs, or iterations, of all calls since training began.",
    ),
    Attribute(
        "t_",
        "int",
        "Samples seen in those epochs.",
    ),
    Attribute(
        "loss_",
        "float",
        "Training loss of the last epoch, penalty included.",
    ),
    Attribute(
        "loss_curve_",
        "list of float",
        """Training loss of every epoch. Not for "lbfgs".
        """,
    ),
    Attribute(
        "best_loss_",
        "float or None",
        """Least training loss; None with early stopping. Not for "lbfgs".
        """,
    ),
    Attribute(
        "validation_scores_",
        "list of float or None",
        """Validation score of every epoch; None without a validation set. Not for
        "lbfgs".
        """,
    ),
    Attribute(
        "validation_loss_curve_",
        "list of float or None",
        """Validation loss of every epoch, without penalty; else as
        ``validation_scores_``.
        """,
    ),
    Attribute(
        "best_validation_score_",
        "float or None",
        """Best validation score; None without a validation set. Not for "lbfgs".
        """,
    ),
    Attribute(
        "n_no_improvement_",
        "int",
        """Epochs since the last improvement. Not for "lbfgs".
        """,
    ),
    Attribute(
        "learning_rate_",
        "float",
        """Learning rate that the next epoch would have. Not for "lbfgs".
        """,
    ),
    Attribute(
        "estimators_",
        "list of estimators",
        """Networks of an ensemble as fitted estimators, views of ``theta_``; only
        there.
        """,
    ),
    Attribute(
        "member_seeds_",
        "ndarray of shape (n_estimators,)",
        "The random states of an ensemble's networks; only there.",
    ),
    Attribute(
        "member_loss_curves_",
        "list of list of float",
        """Their loss curves; not for "lbfgs".
        """,
    ),
)
