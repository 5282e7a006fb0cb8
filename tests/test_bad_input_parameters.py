"""Bad parameters: rows 76 to 84 of the catalogue, and those that only sknet has."""

import numpy as np
import pytest
from bad_input import (
    ALL,
    CLASSIFIERS,
    LABELS,
    NUMERIC,
    QUIET,
    REGRESSORS,
    SPLIT,
    TABLE_CLASSIFIER,
    TABLE_REGRESSOR,
    TABLES,
    WITHOUT_SPLIT,
    bad_param,
    fit_two,
    fit_with,
    partial,
    partial_with,
    reason_of,
    refused,
    rows,
    twice,
    warned,
    with_absurd_rate,
    with_params,
    with_y,
    works,
)
from bad_rows import X, with_one
from by_layer import weights_of
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import InvalidParameterError

from sknet import SimpleMLPClassifier


pytestmark = QUIET


def always(score):
    """A scorer that finds everything equally good."""
    return lambda model, x, y: score


# fmt: off
TABLE = [
    # Parameters.
    *[
        row
        for sizes in (0, -1, [0], (3, -1), None, "10")
        for row in rows(
            76,
            f"hidden_layer_sizes={sizes!r}",
            ALL,
            with_params(hidden_layer_sizes=sizes),
            refused(ValueError, "hidden_layer_sizes"),
        )
    ],
    *rows(77, "hidden_layer_sizes=[5.5]", ALL, with_params(hidden_layer_sizes=[5.5]),
          refused(InvalidParameterError, "The 'hidden_layer_sizes' parameter")),
    *rows(78, "no-hidden-layer", ALL,
          lambda model, y: weights_of(
              model.set_params(hidden_layer_sizes=(), dropout=0.0).fit(X, y)),
          works(lambda weights: [w.shape[-1] for w in weights] == [1])),
    *rows(78, "no-hidden-layer-to-drop-of", ALL,
          with_params(hidden_layer_sizes=(), dropout=0.5),
          refused(ValueError, "(?s)dropout=0.5 .*hidden_layer_sizes is empty")),
    *bad_param("activation", "swoosh", None),
    *bad_param("solver", "magic"),
    *bad_param("alpha", -1e-4, np.nan, "small"),
    *bad_param("batch_size", 0, 2.5, "automatic"),
    *bad_param("learning_rate", "fast"),
    *bad_param("learning_rate_init", 0, -1.0),
    *bad_param("power_t", -0.5, who=NUMERIC),
    *bad_param("max_iter", 0, 10.5),
    *bad_param("shuffle", "yes", who=NUMERIC),
    *bad_param("random_state", "lucky", -1),
    *bad_param("tol", -1.0, who=NUMERIC),
    *bad_param("verbose", "loud"),
    *bad_param("warm_start", "hot"),
    *bad_param("momentum", 1.5, who=NUMERIC),
    *bad_param("nesterovs_momentum", "no", who=NUMERIC),
    *bad_param("early_stopping", "auto"),
    *bad_param("validation_fraction", 1.0, -0.1),
    *bad_param("beta_1", 1.0, who=NUMERIC),
    *bad_param("beta_2", 1.0, who=NUMERIC),
    *bad_param("epsilon", 0.0, who=NUMERIC),
    *bad_param("n_iter_no_change", 0),
    *bad_param("max_fun", 0, who=NUMERIC),
    *rows(80, "batch_size-large", ALL, with_params(batch_size=61),
          warned(UserWarning, "(?i)batch_size.*clipped")),
    *rows(81, "validation_fraction-0", NUMERIC,
          with_params(early_stopping=True, validation_fraction=0.0),
          warned(UserWarning, WITHOUT_SPLIT)),
    *rows(81, "validation_fraction-0.99", ALL,
          with_params(early_stopping=True, validation_fraction=0.99),
          warned(UserWarning, WITHOUT_SPLIT)),
    *rows(81, "two-samples", NUMERIC, fit_two(early_stopping=True),
          warned(UserWarning, WITHOUT_SPLIT)),
    # Early stopping is their default, and a small table has no rows to spare.
    *rows(81, "validation_fraction-0", TABLES,
          with_params(early_stopping=True, validation_fraction=0.0), works()),
    *rows(81, "two-samples", TABLES, fit_two(early_stopping=True), works()),
    *rows(81, "class-of-one", CLASSIFIERS,
          with_y(lambda: ["rare"] + ["frequent"] * 59, **SPLIT),
          warned(UserWarning, "rare", lambda predicted: len(predicted) == 60)),
    *rows(82, "learning_rate_init-1e10", REGRESSORS, with_absurd_rate,
          warned(ConvergenceWarning, "learning_rate_init", lambda n_iter: n_iter < 20)),
    *rows(83, "unknown-keyword", ALL, lambda model, y: type(model)(depth=3),
          refused(TypeError, "unexpected keyword argument 'depth'")),
    *rows(83, "set_params-unknown", ALL, with_params(depth=3),
          refused(ValueError, r"Invalid parameter 'depth' for estimator ")),
    *rows(84, "positional", CLASSIFIERS,
          lambda model, y: type(model)((10,), "relu", "adam"),
          refused(TypeError, "positional argument")),
    *rows(84, "positional", REGRESSORS,
          lambda model, y: type(model)("poisson", (10,), "relu", "adam"),
          refused(TypeError, "positional argument")),
    # What scikit-learn's classes do not have.
    *rows(101, "class_weight-unknown-class", CLASSIFIERS,
          with_params(class_weight={0: 1.0, 7: 2.0}),
          refused(ValueError, "(?i)class_weight")),
    *rows(101, "class_weight-number", CLASSIFIERS, with_params(class_weight=3),
          refused(ValueError, r"The 'class_weight' parameter of \w+ must be")),
    *rows(101, "class_weight-unknown-word", CLASSIFIERS,
          with_params(class_weight="fair"),
          refused(ValueError, r"The 'class_weight' parameter of \w+ must")),
    *rows(101, "class_weight-negative", CLASSIFIERS,
          with_params(class_weight={0: -1.0, 1: 2.0}),
          refused(ValueError, "(?i)negative|class_weight")),
    *rows(101, "class_weight-balanced-partial_fit", CLASSIFIERS,
          partial_with(class_weight="balanced"),
          refused(AttributeError, "partial_fit")),
    *rows(101, "class_weight-balanced-reason", CLASSIFIERS,
          lambda model, y: reason_of(partial_with(class_weight="balanced"))(model, y),
          works(lambda reason: "compute_class_weight" in reason)),
    *rows(102, "scoring-unknown", ALL,
          with_params(early_stopping=True, scoring="elegance"),
          refused(ValueError, "scoring")),
    *rows(102, "scoring-number", ALL, with_params(early_stopping=True, scoring=3),
          refused(ValueError, "scoring")),
    *[
        row
        for score in (None, "good", {"a": 1.0}, [0.5], 1j)
        for row in rows(102, f"scoring-gives-{score!r}", ALL,
                        with_params(**SPLIT, scoring=always(score)),
                        refused(ValueError, "scoring must return a number, got "))
    ],
    *rows(102, "scoring-gives-nan", ALL, with_params(**SPLIT, scoring=always(np.nan)),
          warned(UserWarning, "validation score is NaN in every epoch, so early")),
    *rows(102, "scoring-gives-an-array-of-one-number", ALL,
          with_params(**SPLIT, scoring=always(np.array(0.5))), works()),
    *bad_param("dtype", "float16", np.float32, None, number=103),
    *bad_param("max_time", 0, -1.0, "long", number=104),
    *bad_param("n_threads", 0, -1, 1.5, number=105),
    *[
        row  # a grid is often an array, and its numbers are NumPy's
        for number in (np.int64(2), np.uint8(2), 10**30)
        for row in rows(105, f"n_threads-{number!r}", ALL,
                        with_params(n_threads=number), works())
    ],
    *rows(106, "X_val-alone", ALL, fit_with(X_val=X), refused(ValueError, "y_val")),
    *rows(106, "y_val-alone", ALL, fit_with(y_val=LABELS),
          refused(ValueError, "X_val")),
    *rows(106, "X_val-width", ALL, fit_with(X_val=X[:, :3], y_val=LABELS),
          refused(ValueError, "X(_val)? has 3 features")),
    *rows(106, "X_val-nan", NUMERIC, fit_with(X_val=with_one(np.nan), y_val=LABELS),
          refused(ValueError, "contains NaN")),
    *rows(106, "X_val-nan", TABLES, fit_with(X_val=with_one(np.nan), y_val=LABELS),
          works()),
    *rows(106, "y_val-length", ALL, fit_with(X_val=X, y_val=LABELS[:59]),
          refused(ValueError, r"inconsistent numbers of samples: \[60, 59\]")),
    *rows(106, "y_val-unseen-class", CLASSIFIERS, fit_with(X_val=X, y_val=LABELS + 1),
          refused(ValueError, "(?s)(?=.*y_val)(?=.*2)")),
    *rows(106, "y_val-number-of-outputs", REGRESSORS, fit_with(X_val=X, y_val=X[:, :2]),
          refused(ValueError, "y_val")),
    *rows(106, "y_val-of-several-labels", CLASSIFIERS,
          fit_with(X_val=X, y_val=np.c_[LABELS, 1 - LABELS]),
          refused(ValueError, r"`y_val` has shape \(60, 2\), .* one label for")),
    *rows(106, "y_val-of-one-label", CLASSIFIERS,
          lambda model, y: model.fit(X, np.c_[y, 1 - y], X_val=X, y_val=y),
          refused(ValueError, r"`y_val` has shape \(60,\), .* has 2 columns")),
    *rows(106, "X_val-by-name", ALL, fit_with(X_val=with_one(np.inf), y_val=LABELS),
          refused(ValueError, r"validation set \(X_val, .*\): Input X contains inf")),
    *rows(107, "sample_weight_val-alone", ALL, fit_with(sample_weight_val=np.ones(60)),
          refused(ValueError, "X_val")),
    *rows(107, "sample_weight_val-negative", ALL,
          fit_with(X_val=X, y_val=LABELS, sample_weight_val=-np.ones(60)),
          refused(ValueError, "(?i)negative")),
    # Parts of the network and of the training.
    *bad_param("dropout", 1.0, -0.1, "much", np.nan, None, number=108),
    *rows(108, "dropout-of-other-layers", ALL, with_params(dropout=[0.1, 0.2]),
          refused(ValueError, "dropout must be a single .* 2 values for 1 hidden")),
    *rows(108, "dropout-of-one", ALL, with_params(dropout=[1.0]),
          refused(ValueError, r"dropout must hold numbers in \[0, 1\), got 1.0")),
    *rows(108, "dropout-text", ALL, with_params(dropout=["a"]),
          refused(ValueError, r"dropout must hold numbers in \[0, 1\), got 'a'")),
    *[
        row
        for name, who in (("dropout", ALL), ("quantiles", TABLE_REGRESSOR))
        for value in (np.array(0.5), {0.5: "half"}, [[0.5]])
        for row in rows(108, f"{name}-{value!r}", who, with_params(**{name: value}),
                        refused(InvalidParameterError, f"'{name}' .* a flat list"))
    ],
    *bad_param("block", "wall", None, 3, number=109),
    *rows(109, "block-without-hidden-layers", ALL,
          with_params(block="residual", hidden_layer_sizes=(), dropout=0.0),
          refused(ValueError, "block='residual' .*hidden_layer_sizes is empty")),
    *rows(110, "activation-of-other-layers", ALL, with_params(activation=["relu"] * 2),
          refused(ValueError, "activation must be a single .* 2 values for 1 ")),
    *rows(110, "activation-unknown-in-list", ALL, with_params(activation=["swoosh"]),
          refused(ValueError, "Unknown activation 'swoosh'; known names are 'ble")),
    *bad_param("initializer", "magic", None, number=111),
    *rows(111, "initializer-of-no-layer", NUMERIC, with_params(initializer=[]),
          refused(ValueError, "initializer holds 0 arrays, but .* 2 weight")),
    *rows(111, "initializer-text", NUMERIC, with_params(initializer=["a", "b"]),
          refused(ValueError, r"initializer\[0\] must be a numeric array of shape")),
    *rows(111, "initializer-nan", NUMERIC,
          with_params(initializer=[np.full((4, 3), np.nan), np.ones((3, 1))]),
          refused(ValueError, r"initializer\[0\] must hold finite numbers")),
    *bad_param("learning_rate_multipliers", 3, "default", number=112),
    *rows(112, "learning_rate_multipliers-unknown", ALL,
          with_params(learning_rate_multipliers={"weights": 2.0}),
          refused(ValueError, "Unknown parameter name 'weights' .* 'weight', 'bias'")),
    *[
        row
        for factor in (-1, "a", np.inf, np.nan)
        for row in rows(112, f"learning_rate_multipliers-{factor}", ALL,
                        with_params(learning_rate_multipliers={"weight": factor}),
                        refused(ValueError, r"_multipliers\['weight'\] must be a "))
    ],
    *bad_param("clip_norm", 0, -1.0, "big", np.nan, np.inf, number=113),
    *bad_param("averaging", "mean", True, number=114),
    *bad_param("learning_rule", "backwards", None, number=114, who=NUMERIC),
    *bad_param("use_bias", "no", number=115),
    *bad_param("output_activation", 3, number=116),
    *rows(116, "output_activation-of-another-loss", CLASSIFIERS,
          with_params(output_activation="tanh"),
          refused(ValueError, "output_activation='tanh' is not supported with loss=")),
    *bad_param("loss", "wrong", None, number=117),
    *rows(117, "loss-no-functions", ALL, with_params(loss=(1, 2)),
          refused(ValueError, r"loss=\(1, 2\) must be a pair of functions")),
    # Numbers that are no numbers.
    *bad_param("tol", np.nan, np.inf, number=118, who=NUMERIC),
    *bad_param("learning_rate_init", np.nan, np.inf, number=118),
    *bad_param("alpha", np.inf, number=118),
    *bad_param("max_time", np.nan, number=118),
    *bad_param("power_t", np.nan, number=118, who=NUMERIC),
    *bad_param("max_iter", np.nan, number=118),
    # Ensembles.
    *bad_param("n_estimators", 0, -1, 1.5, "many", number=119),
    *bad_param("bootstrap", "yes", number=119, who=NUMERIC),
    *bad_param("shared_backbone", "yes", number=119, who=NUMERIC),
    *bad_param("joint_early_stopping", "yes", number=119),
    *bad_param("n_jobs", "all", 1.5, number=119),
    *rows(119, "n_jobs-0", ALL, with_params(n_jobs=0, n_estimators=3),
          refused(ValueError, "n_jobs == 0")),
    *[
        row
        for name in ("bootstrap", "shared_backbone")
        for row in rows(119, f"{name}-alone", NUMERIC,
                        with_params(**{name: True}, n_estimators=1),
                        refused(ValueError, f"{name}=True requires an ensemble"))
    ],
    *rows(119, "bootstrap-and-shared_backbone", NUMERIC,
          with_params(bootstrap=True, shared_backbone=True, n_estimators=3),
          refused(ValueError, "bootstrap=True cannot be combined with shared_back")),
    *rows(119, "shared_backbone-sparse", NUMERIC,
          lambda model, y: model.set_params(shared_backbone=True, n_estimators=3).fit(
              sparse.csr_matrix(X), y),
          refused(ValueError, "(?i)sparse.*shared_backbone=False")),
    *rows(119, "n_estimators-changed", ALL,
          twice(with_params(warm_start=True), with_params(n_estimators=2)),
          refused(ValueError, "number of networks is 2, but was [13] for the")),
    *rows(119, "activation-changed", ALL,
          twice(with_params(warm_start=True), with_params(activation="tanh")),
          refused(ValueError, "activation is .*tanh.* but was .* for the fitted")),
    *rows(119, "shared_backbone-changed", NUMERIC,
          twice(with_params(warm_start=True, n_estimators=2),
                with_params(shared_backbone=True)),
          refused(ValueError, "a shared backbone is 2, but was 1 for the fitted")),
    *rows(121, "embedding_size-changed", TABLES,
          twice(with_params(warm_start=True), with_params(embedding_size=3)),
          refused(ValueError, "embedding_size is 3, but was 8 for the fitted")),
    # What is set between two calls is looked at in the second one.
    *[
        row
        for name, value in {"alpha": -5.0, "batch_size": 0, "dropout": 2.0,
                            "learning_rate_multipliers": 3, "solver": "magic"}.items()
        for row in rows(126, f"{name}-for-partial_fit", ALL,
                        twice(partial(), partial_with(**{name: value})),
                        refused(InvalidParameterError, f"The '{name}' parameter of"))
    ],
    # What L-BFGS cannot do.
    *[
        row
        for name, value in {"dropout": 0.5, "clip_norm": 1.0, "averaging": "ema",
                            "learning_rate": "cosine"}.items()
        for row in rows(120, f"lbfgs-{name}", NUMERIC,
                        with_params(solver="lbfgs", **{name: value}),
                        refused(ValueError, f"{name}={value!r} is not supported with "))
    ],
    # What only tables have.
    *bad_param("categorical_features", "auto", 3, number=121, who=TABLES),
    *[
        row
        for name, value, message in (
            ("number", [9], r"in \[0, n_features - 1\], got \[9\] for 4 features"),
            ("negative", [-1], r"in \[0, n_features - 1\], got \[-1\]"),
            ("name", ["z"], "without feature names"),
            ("mask", [True], r"boolean mask must have shape .*, got: \(1,\)"),
            ("float", [1.5], "array-like of bool, int or str, got: float"),
            ("mixture", [0, "a"], "array-like of bool, int or str, got: int, str"),
        )
        for row in rows(121, f"categorical_features-{name}", TABLES,
                        with_params(categorical_features=value),
                        refused(ValueError, f"categorical_features .*{message}"))
    ],
    *rows(121, "categorical_features-sparse", TABLES,
          lambda model, y: model.set_params(categorical_features=[0]).fit(
              sparse.csr_matrix(X), y),
          refused(TypeError, r"categorical_features .*X\.toarray\(\)")),
    *bad_param("max_one_hot", -1, 2.5, number=122, who=TABLES),
    *bad_param("embedding_size", 0, "big", number=122, who=TABLES),
    *bad_param("numeric_embedding", "fourier", True, number=122, who=TABLES),
    *bad_param("blend_activation", "yes", number=122, who=TABLES),
    *bad_param("calibrate", "yes", number=123, who=TABLE_CLASSIFIER),
    *bad_param("clip_predictions", "yes", number=123, who=TABLE_REGRESSOR),
    *bad_param("quantiles", 0.5, "all", number=123, who=TABLE_REGRESSOR),
    *[
        row
        for levels in ((0.1, 1.5), (), (0.9, 0.1), (0.5, 0.5), ("a",), (np.nan,))
        for row in rows(123, f"quantiles-{levels}", TABLE_REGRESSOR,
                        with_params(quantiles=levels),
                        refused(ValueError, r"quantiles=\(.*\) must be numbers in "))
    ],
    *rows(123, "quantiles-of-another-loss", TABLE_REGRESSOR,
          with_params(quantiles=(0.1, 0.9), loss="huber"),
          refused(ValueError, r"quantiles=.* loss='squared_error'.* got loss='huber'")),
]
# fmt: on


@pytest.mark.parametrize(("deed", "expectation"), TABLE)
def test_bad_input_is_met_as_its_row_says(deed, expectation):
    """Each kind of bad input is refused, warned of or accepted as the table says."""
    expectation(deed)


def test_parameter_message_names_its_options_in_one_order():
    """The options in an error message stand in sorted order, the same in every run."""
    with pytest.raises(ValueError, match="activation") as caught:
        SimpleMLPClassifier(activation="swoosh").fit(X, LABELS)

    options = str(caught.value).split("{")[1].split("}")[0].split(", ")
    assert options == sorted(options)
