"""The table of parameters of the searches.

Their constructors and docstrings are written from it by ``make write``.
"""

import math
from dataclasses import replace
from typing import Any

from sknet.config.parameter import REQUIRED, Parameter


# The constraints are those of scikit-learn's classes.
INHERITED: list[Any] = []

ESTIMATOR = Parameter(
    "estimator",
    "estimator",
    """The estimator whose parameters are searched.
    """,
    REQUIRED,
    INHERITED,
    positional=True,
)
PARAM_GRID = Parameter(
    "param_grid",
    "dict or list of dict",
    """Parameter names and the values to try, in all combinations; or a list of such
    grids.
    """,
    REQUIRED,
    INHERITED,
    positional=True,
)
SCORING = Parameter(
    "scoring",
    "str, callable, list, tuple, dict or None",
    """How predictions on the left-out fold are scored: one scorer, by name or as
    ``scorer(estimator, X, y)``; or several, as a list of names, a dict, or a callable
    that returns a dict. None uses the estimator's ``score``.
    """,
    None,
    INHERITED,
)
N_JOBS = Parameter(
    "n_jobs",
    "int or None",
    """Number of threads that the networks are distributed over; -1 means all
    processors, None means 1 unless ``joblib.parallel_config`` sets another number. If a
    joblib backend is selected there ("loky", "dask"), number of its workers. Results do
    not depend on it. Fits that do not run in lockstep are distributed over the same
    number of processes, as in scikit-learn.
    """,
    None,
    INHERITED,
)
REFIT = Parameter(
    "refit",
    "bool, str or callable",
    """Whether to fit the best candidate on all data. With several scorers, the name of
    the scorer that determines the best; a callable returns its index, given
    ``cv_results_``.
    """,
    True,
    INHERITED,
)
CV = Parameter(
    "cv",
    "int, cross-validation generator, iterable or None",
    """The splits: a number of folds (None for 5), a splitter, or pairs of training and
    test indices.
    """,
    None,
    INHERITED,
)
VERBOSE = Parameter(
    "verbose",
    "int",
    """0 is silent; 1 or more shows the number of fits, the progress of the training,
    and which fits did not run in lockstep and why; 2 or more adds a line for each fit,
    and 3 or more its scores.
    """,
    0,
    INHERITED,
)
PRE_DISPATCH = Parameter(
    "pre_dispatch",
    "int or str",
    """Number of fits dispatched to the processes in advance, among those that do not
    run in lockstep.
    """,
    "2*n_jobs",
    INHERITED,
)
ERROR_SCORE = Parameter(
    "error_score",
    '"raise" or float',
    """Score of a candidate whose fit fails on a fold; "raise" raises the error.
    """,
    math.nan,
    INHERITED,
)
RETURN_TRAIN_SCORE = Parameter(
    "return_train_score",
    "bool",
    """Whether the training folds are also scored.
    """,
    False,
    INHERITED,
)
PARAM_DISTRIBUTIONS = Parameter(
    "param_distributions",
    "dict or list of dict",
    """Parameter names, and lists of values or distributions with a method ``rvs`` (such
    as those of ``scipy.stats``); from a list of dicts, each draw takes one.
    """,
    REQUIRED,
    INHERITED,
    positional=True,
)
N_ITER = Parameter(
    "n_iter",
    "int in [1, inf)",
    """Number of candidates.
    """,
    10,
    INHERITED,
)
RANDOM_STATE = Parameter(
    "random_state",
    "int, RandomState instance or None",
    """Determines which candidates are drawn.
    """,
    None,
    INHERITED,
)
FACTOR = Parameter(
    "factor",
    "int or float",
    """One in ``factor`` candidates is kept for the next rung, with ``factor`` times the
    resource.
    """,
    3,
    INHERITED,
)
RESOURCE = Parameter(
    "resource",
    "str",
    """The resource that grows from rung to rung: the ``max_iter`` of the network (for a
    pipeline, e.g. ``"mlp__max_iter"``), ``"n_samples"``, or another integer parameter.
    With ``max_iter``, networks continue their training from rung to rung; otherwise
    each rung trains from scratch.
    """,
    "max_iter",
    INHERITED,
)
MAX_RESOURCES = Parameter(
    "max_resources",
    'int or "auto"',
    """Largest resource for a candidate. "auto" is the estimator's own value of the
    resource, or the number of samples for ``"n_samples"``.
    """,
    "auto",
    INHERITED,
)
MIN_RESOURCES = Parameter(
    "min_resources",
    'int, "exhaust" or "smallest"',
    """Resource for every candidate in the first rung. "smallest" is 1 (for samples,
    twice the folds times the classes); "exhaust" is the value with which the last rung
    reaches ``max_resources``.
    """,
    "exhaust",
    INHERITED,
)
AGGRESSIVE_ELIMINATION = Parameter(
    "aggressive_elimination",
    "bool",
    """Whether the first rung is repeated, if resources are scarce, so that at most
    ``factor`` candidates are left at the end.
    """,
    False,
    INHERITED,
)
CV_OF_HALVING = Parameter(
    "cv",
    "int, cross-validation generator or iterable",
    """The splits, which must be the same in each call: a number of folds, a splitter,
    or pairs of training and test indices.
    """,
    5,
    INHERITED,
)
SCORING_OF_HALVING = Parameter(
    "scoring",
    "str, callable or None",
    """How predictions on the left-out fold are scored: by name or as
    ``scorer(estimator, X, y)``. None uses the estimator's ``score``.
    """,
    None,
    INHERITED,
)
REFIT_OF_HALVING = Parameter(
    "refit",
    "bool or callable",
    """Whether to fit the best candidate of the last rung on all data.
    """,
    True,
    INHERITED,
)
RETURN_TRAIN_SCORE_OF_HALVING = Parameter(
    "return_train_score",
    "bool",
    """Whether the training folds are also scored.
    """,
    True,
    INHERITED,
)
RANDOM_STATE_OF_HALVING = Parameter(
    "random_state",
    "int, RandomState instance or None",
    """Determines the samples of a rung; ignored unless ``resource="n_samples"``.
    """,
    None,
    INHERITED,
)
N_JOBS_OF_HALVING = Parameter(
    "n_jobs",
    "int or None",
    """Number of threads for the networks; see :class:`LockstepGridSearchCV`.
    """,
    None,
    INHERITED,
)
VERBOSE_OF_HALVING = Parameter(
    "verbose",
    "int",
    """0 is silent; 1 or more shows the rungs, the progress of the training, and which
    fits did not run in lockstep and why; 2 or more adds a line for each fit.
    """,
    0,
    INHERITED,
)
N_CANDIDATES = Parameter(
    "n_candidates",
    'int or "exhaust"',
    """Number of candidates in the first rung; "exhaust" is the number with which the
    last rung reaches ``max_resources``.
    """,
    "exhaust",
    INHERITED,
)
MIN_RESOURCES_OF_HALVING_RANDOM = replace(MIN_RESOURCES, default="smallest")
RANDOM_STATE_OF_HALVING_RANDOM = Parameter(
    "random_state",
    "int, RandomState instance or None",
    """Determines the candidates and the samples of a rung.
    """,
    None,
    INHERITED,
)

PARAMETERS = {
    "LockstepGridSearchCV": (
        ESTIMATOR,
        PARAM_GRID,
        SCORING,
        N_JOBS,
        REFIT,
        CV,
        VERBOSE,
        PRE_DISPATCH,
        ERROR_SCORE,
        RETURN_TRAIN_SCORE,
    ),
    "LockstepRandomizedSearchCV": (
        ESTIMATOR,
        PARAM_DISTRIBUTIONS,
        N_ITER,
        SCORING,
        N_JOBS,
        REFIT,
        CV,
        VERBOSE,
        PRE_DISPATCH,
        RANDOM_STATE,
        ERROR_SCORE,
        RETURN_TRAIN_SCORE,
    ),
    "LockstepHalvingSearchCV": (
        ESTIMATOR,
        PARAM_GRID,
        FACTOR,
        RESOURCE,
        MAX_RESOURCES,
        MIN_RESOURCES,
        AGGRESSIVE_ELIMINATION,
        CV_OF_HALVING,
        SCORING_OF_HALVING,
        REFIT_OF_HALVING,
        ERROR_SCORE,
        RETURN_TRAIN_SCORE_OF_HALVING,
        RANDOM_STATE_OF_HALVING,
        N_JOBS_OF_HALVING,
        VERBOSE_OF_HALVING,
    ),
    "LockstepHalvingRandomSearchCV": (
        ESTIMATOR,
        PARAM_DISTRIBUTIONS,
        N_CANDIDATES,
        FACTOR,
        RESOURCE,
        MAX_RESOURCES,
        MIN_RESOURCES_OF_HALVING_RANDOM,
        AGGRESSIVE_ELIMINATION,
        CV_OF_HALVING,
        SCORING_OF_HALVING,
        REFIT_OF_HALVING,
        ERROR_SCORE,
        RETURN_TRAIN_SCORE_OF_HALVING,
        RANDOM_STATE_OF_HALVING_RANDOM,
        N_JOBS_OF_HALVING,
        VERBOSE_OF_HALVING,
    ),
}
