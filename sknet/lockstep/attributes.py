"""The table of fitted attributes of the searches.

Their docstrings are written from it by ``make write``.
"""

from sknet.config.parameter import Attribute


CV_RESULTS = Attribute(
    "cv_results_",
    "dict of (masked) ndarray",
    """One column for each parameter, split score, mean, standard deviation, rank and
    time; can be converted to a ``DataFrame``. ``mean_fit_time`` is the share of a fit
    in the training time of its stack.
    """,
)
BEST_ESTIMATOR = Attribute(
    "best_estimator_",
    "estimator",
    """The best candidate, fitted on all data. Not available with ``refit=False``.
    """,
)
BEST_SCORE = Attribute(
    "best_score_",
    "float",
    """Mean score of the best candidate on the left-out folds.
    """,
)
BEST_PARAMS = Attribute(
    "best_params_",
    "dict",
    """Parameters of the best candidate.
    """,
)
BEST_INDEX = Attribute(
    "best_index_",
    "int",
    """Row of the best candidate in ``cv_results_``.
    """,
)
SCORER = Attribute(
    "scorer_",
    "function or dict",
    """The scorer, or a dict of scorers by name.
    """,
)
N_SPLITS = Attribute(
    "n_splits_",
    "int",
    """Number of folds.
    """,
)
REFIT_TIME = Attribute(
    "refit_time_",
    "float",
    """Seconds taken to refit the best candidate on all data.
    """,
)
MULTIMETRIC = Attribute(
    "multimetric_",
    "bool",
    """Whether there are several scorers.
    """,
)
CLASSES = Attribute(
    "classes_",
    "ndarray of shape (n_classes,)",
    """Class labels, if the estimator is a classifier and was refitted.
    """,
)
N_FEATURES_IN = Attribute(
    "n_features_in_",
    "int",
    """Number of features seen during fit, if the estimator was refitted.
    """,
)
FEATURE_NAMES_IN = Attribute(
    "feature_names_in_",
    "ndarray of shape (`n_features_in_`,)",
    """Names of features seen during fit, if the refitted estimator has them.
    """,
)
INTERRUPTED = Attribute(
    "interrupted_",
    "bool",
    """Whether the search was interrupted (by Ctrl-C). If so, candidates that were not
    finished on all folds have no scores (NaN), and the best finished candidate is
    refitted.
    """,
)
N_RESOURCES = Attribute(
    "n_resources_",
    "list of int",
    """Resource per candidate in each rung.
    """,
)
N_CANDIDATES = Attribute(
    "n_candidates_",
    "list of int",
    """Number of candidates in each rung.
    """,
)
N_REMAINING_CANDIDATES = Attribute(
    "n_remaining_candidates_",
    "int",
    """Number of candidates left after the last rung.
    """,
)
MAX_RESOURCES = Attribute(
    "max_resources_",
    "int",
    """Largest resource that a candidate could get.
    """,
)
MIN_RESOURCES = Attribute(
    "min_resources_",
    "int",
    """Resource that every candidate got in the first rung.
    """,
)
N_ITERATIONS = Attribute(
    "n_iterations_",
    "int",
    """Number of rungs.
    """,
)
N_POSSIBLE_ITERATIONS = Attribute(
    "n_possible_iterations_",
    "int",
    """Number of rungs that the resources allow.
    """,
)
N_REQUIRED_ITERATIONS = Attribute(
    "n_required_iterations_",
    "int",
    """Number of rungs until fewer than ``factor`` candidates are left.
    """,
)
CV_RESULTS_OF_HALVING = Attribute(
    "cv_results_",
    "dict of (masked) ndarray",
    """One row per candidate and rung, with the columns of a grid search and in addition
    ``iter`` and ``n_resources``. ``mean_fit_time`` is the time of the rung alone.
    """,
)
BEST_ESTIMATOR_OF_HALVING = Attribute(
    "best_estimator_",
    "estimator",
    """The best candidate of the last rung, fitted on all data. Not available with
    ``refit=False``.
    """,
)
BEST_PARAMS_OF_HALVING = Attribute(
    "best_params_",
    "dict",
    """Parameters of the best candidate, including the resource.
    """,
)
SCORER_OF_HALVING = Attribute(
    "scorer_",
    "function",
    """The scorer used on the left-out folds.
    """,
)
MULTIMETRIC_OF_HALVING = Attribute(
    "multimetric_",
    "bool",
    """Whether there are several scorers; always False.
    """,
)
INTERRUPTED_OF_HALVING = Attribute(
    "interrupted_",
    "bool",
    """Whether the search was interrupted (by Ctrl-C). If so, the current rung was the
    last one, and its best finished candidate is refitted.
    """,
)

OF_ONE_ROUND = (
    CV_RESULTS,
    BEST_ESTIMATOR,
    BEST_SCORE,
    BEST_PARAMS,
    BEST_INDEX,
    SCORER,
    N_SPLITS,
    REFIT_TIME,
    MULTIMETRIC,
    CLASSES,
    N_FEATURES_IN,
    FEATURE_NAMES_IN,
    INTERRUPTED,
)
OF_HALVING = (
    N_RESOURCES,
    N_CANDIDATES,
    N_REMAINING_CANDIDATES,
    MAX_RESOURCES,
    MIN_RESOURCES,
    N_ITERATIONS,
    N_POSSIBLE_ITERATIONS,
    N_REQUIRED_ITERATIONS,
    CV_RESULTS_OF_HALVING,
    BEST_ESTIMATOR_OF_HALVING,
    BEST_SCORE,
    BEST_PARAMS_OF_HALVING,
    BEST_INDEX,
    SCORER_OF_HALVING,
    N_SPLITS,
    REFIT_TIME,
    MULTIMETRIC_OF_HALVING,
    CLASSES,
    N_FEATURES_IN,
    FEATURE_NAMES_IN,
    INTERRUPTED_OF_HALVING,
)
ATTRIBUTES = {
    "LockstepGridSearchCV": OF_ONE_ROUND,
    "LockstepRandomizedSearchCV": OF_ONE_ROUND,
    "LockstepHalvingSearchCV": OF_HALVING,
    "LockstepHalvingRandomSearchCV": OF_HALVING,
}
