"""Successive halving in lockstep; surviving networks continue their training."""

from __future__ import annotations

import numpy as np

from sknet._sklearn import HalvingGridSearchCV, HalvingRandomSearchCV
from sknet.lockstep.rungs import Halving


class LockstepHalvingSearchCV(Halving, HalvingGridSearchCV):
    """Successive halving over a grid, in lockstep, without training anything twice.

    All candidates start at once. After a few epochs the best third continues training,
    and so on. It gives the same results as scikit-learn's ``HalvingGridSearchCV``, with
    two differences: the default resource is ``max_iter``, and its maximum is the
    estimator's own value. Prefer it to a grid search if there are many candidates and
    most of them are bad early on.

    Parameters
    ----------
    estimator : estimator
        The estimator whose parameters are searched.
    param_grid : dict or list of dict
        Parameter names and the values to try, in all combinations; or a list of such
        grids.
    factor : int or float, default=3
        One in ``factor`` candidates is kept for the next rung, with ``factor`` times
        the resource.
    resource : str, default="max_iter"
        The resource that grows from rung to rung: the ``max_iter`` of the network (for
        a pipeline, e.g. ``"mlp__max_iter"``), ``"n_samples"``, or another integer
        parameter. With ``max_iter``, networks continue their training from rung to
        rung; otherwise each rung trains from scratch.
    max_resources : int or "auto", default="auto"
        Largest resource for a candidate. "auto" is the estimator's own value of the
        resource, or the number of samples for ``"n_samples"``.
    min_resources : int, "exhaust" or "smallest", default="exhaust"
        Resource for every candidate in the first rung. "smallest" is 1 (for samples,
        twice the folds times the classes); "exhaust" is the value with which the last
        rung reaches ``max_resources``.
    aggressive_elimination : bool, default=False
        Whether the first rung is repeated, if resources are scarce, so that at most
        ``factor`` candidates are left at the end.
    cv : int, cross-validation generator or iterable, default=5
        The splits, which must be the same in each call: a number of folds, a splitter,
        or pairs of training and test indices.
    scoring : str, callable or None, default=None
        How predictions on the left-out fold are scored: by name or as
        ``scorer(estimator, X, y)``. None uses the estimator's ``score``.
    refit : bool or callable, default=True
        Whether to fit the best candidate of the last rung on all data.
    error_score : "raise" or float, default=np.nan
        Score of a candidate whose fit fails on a fold; "raise" raises the error.
    return_train_score : bool, default=True
        Whether the training folds are also scored.
    random_state : int, RandomState instance or None, default=None
        Determines the samples of a rung; ignored unless ``resource="n_samples"``.
    n_jobs : int or None, default=None
        Number of threads for the networks; see :class:`LockstepGridSearchCV`.
    verbose : int, default=0
        0 is silent; 1 or more shows the rungs, the progress of the training, and which
        fits did not run in lockstep and why; 2 or more adds a line for each fit.

    Attributes
    ----------
    n_resources_ : list of int
        Resource per candidate in each rung.
    n_candidates_ : list of int
        Number of candidates in each rung.
    n_remaining_candidates_ : int
        Number of candidates left after the last rung.
    max_resources_ : int
        Largest resource that a candidate could get.
    min_resources_ : int
        Resource that every candidate got in the first rung.
    n_iterations_ : int
        Number of rungs.
    n_possible_iterations_ : int
        Number of rungs that the resources allow.
    n_required_iterations_ : int
        Number of rungs until fewer than ``factor`` candidates are left.
    cv_results_ : dict of (masked) ndarray
        One row per candidate and rung, with the columns of a grid search and in
        addition ``iter`` and ``n_resources``. ``mean_fit_time`` is the time of the rung
        alone.
    best_estimator_ : estimator
        The best candidate of the last rung, fitted on all data. Not available with
        ``refit=False``.
    best_score_ : float
        Mean score of the best candidate on the left-out folds.
    best_params_ : dict
        Parameters of the best candidate, including the resource.
    best_index_ : int
        Row of the best candidate in ``cv_results_``.
    scorer_ : function
        The scorer used on the left-out folds.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds taken to refit the best candidate on all data.
    multimetric_ : bool
        Whether there are several scorers; always False.
    classes_ : ndarray of shape (n_classes,)
        Class labels, if the estimator is a classifier and was refitted.
    n_features_in_ : int
        Number of features seen during fit, if the estimator was refitted.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit, if the refitted estimator has them.
    interrupted_ : bool
        Whether the search was interrupted (by Ctrl-C). If so, the current rung was the
        last one, and its best finished candidate is refitted.

    See Also
    --------
    LockstepHalvingRandomSearchCV : Draws its candidates from distributions.
    LockstepGridSearchCV : Trains all candidates to the end.

    Notes
    -----
    If ``random_state`` is an int, the results are those of scikit-learn's class, bit
    for bit, because n epochs followed by m more are the same as n + m epochs. If a
    schedule ("flat_cosine") or an average ("swa") is planned over ``max_iter``, they
    are not: each rung trains from scratch, and the best candidate is refitted with the
    ``max_iter`` of its last rung.

    The memory needed is as in :class:`LockstepGridSearchCV`; between rungs, every
    network is kept with its optimizer slots. All of it is released after ``fit``.

    References
    ----------
    .. [1] K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and
       hyperparameter optimization", AISTATS 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.lockstep import LockstepHalvingSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> net = SimpleMLPClassifier((5,), max_iter=18, tol=1.0, random_state=0)
    >>> grid = {"alpha": [1e-4, 1e-2, 1.0], "learning_rate_init": [1e-3, 1e-2, 1e-1]}
    >>> search = LockstepHalvingSearchCV(net, grid).fit(X, y)
    >>> search.n_candidates_, search.n_resources_
    ([9, 3, 1], [2, 6, 18])
    """

    def __init__(  # noqa: PLR0913, scikit-learn's
        self,
        estimator,
        param_grid,
        *,
        factor=3,
        resource="max_iter",
        max_resources="auto",
        min_resources="exhaust",
        aggressive_elimination=False,
        cv=5,
        scoring=None,
        refit=True,
        error_score=np.nan,
        return_train_score=True,
        random_state=None,
        n_jobs=None,
        verbose=0,
    ):
        super().__init__(
            estimator,
            param_grid,
            factor=factor,
            resource=resource,
            max_resources=max_resources,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )


class LockstepHalvingRandomSearchCV(Halving, HalvingRandomSearchCV):
    """Successive halving over random candidates, without training anything twice.

    All candidates start at once. After a few epochs the best third continues training,
    and so on. It gives the same results as scikit-learn's ``HalvingRandomSearchCV``,
    with two differences: the default resource is ``max_iter``, and its maximum is the
    estimator's own value.

    Parameters
    ----------
    estimator : estimator
        The estimator whose parameters are searched.
    param_distributions : dict or list of dict
        Parameter names, and lists of values or distributions with a method ``rvs``
        (such as those of ``scipy.stats``); from a list of dicts, each draw takes one.
    n_candidates : int or "exhaust", default="exhaust"
        Number of candidates in the first rung; "exhaust" is the number with which the
        last rung reaches ``max_resources``.
    factor : int or float, default=3
        One in ``factor`` candidates is kept for the next rung, with ``factor`` times
        the resource.
    resource : str, default="max_iter"
        The resource that grows from rung to rung: the ``max_iter`` of the network (for
        a pipeline, e.g. ``"mlp__max_iter"``), ``"n_samples"``, or another integer
        parameter. With ``max_iter``, networks continue their training from rung to
        rung; otherwise each rung trains from scratch.
    max_resources : int or "auto", default="auto"
        Largest resource for a candidate. "auto" is the estimator's own value of the
        resource, or the number of samples for ``"n_samples"``.
    min_resources : int, "exhaust" or "smallest", default="smallest"
        Resource for every candidate in the first rung. "smallest" is 1 (for samples,
        twice the folds times the classes); "exhaust" is the value with which the last
        rung reaches ``max_resources``.
    aggressive_elimination : bool, default=False
        Whether the first rung is repeated, if resources are scarce, so that at most
        ``factor`` candidates are left at the end.
    cv : int, cross-validation generator or iterable, default=5
        The splits, which must be the same in each call: a number of folds, a splitter,
        or pairs of training and test indices.
    scoring : str, callable or None, default=None
        How predictions on the left-out fold are scored: by name or as
        ``scorer(estimator, X, y)``. None uses the estimator's ``score``.
    refit : bool or callable, default=True
        Whether to fit the best candidate of the last rung on all data.
    error_score : "raise" or float, default=np.nan
        Score of a candidate whose fit fails on a fold; "raise" raises the error.
    return_train_score : bool, default=True
        Whether the training folds are also scored.
    random_state : int, RandomState instance or None, default=None
        Determines the candidates and the samples of a rung.
    n_jobs : int or None, default=None
        Number of threads for the networks; see :class:`LockstepGridSearchCV`.
    verbose : int, default=0
        0 is silent; 1 or more shows the rungs, the progress of the training, and which
        fits did not run in lockstep and why; 2 or more adds a line for each fit.

    Attributes
    ----------
    n_resources_ : list of int
        Resource per candidate in each rung.
    n_candidates_ : list of int
        Number of candidates in each rung.
    n_remaining_candidates_ : int
        Number of candidates left after the last rung.
    max_resources_ : int
        Largest resource that a candidate could get.
    min_resources_ : int
        Resource that every candidate got in the first rung.
    n_iterations_ : int
        Number of rungs.
    n_possible_iterations_ : int
        Number of rungs that the resources allow.
    n_required_iterations_ : int
        Number of rungs until fewer than ``factor`` candidates are left.
    cv_results_ : dict of (masked) ndarray
        One row per candidate and rung, with the columns of a grid search and in
        addition ``iter`` and ``n_resources``. ``mean_fit_time`` is the time of the rung
        alone.
    best_estimator_ : estimator
        The best candidate of the last rung, fitted on all data. Not available with
        ``refit=False``.
    best_score_ : float
        Mean score of the best candidate on the left-out folds.
    best_params_ : dict
        Parameters of the best candidate, including the resource.
    best_index_ : int
        Row of the best candidate in ``cv_results_``.
    scorer_ : function
        The scorer used on the left-out folds.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds taken to refit the best candidate on all data.
    multimetric_ : bool
        Whether there are several scorers; always False.
    classes_ : ndarray of shape (n_classes,)
        Class labels, if the estimator is a classifier and was refitted.
    n_features_in_ : int
        Number of features seen during fit, if the estimator was refitted.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit, if the refitted estimator has them.
    interrupted_ : bool
        Whether the search was interrupted (by Ctrl-C). If so, the current rung was the
        last one, and its best finished candidate is refitted.

    See Also
    --------
    LockstepHalvingSearchCV : Tries all combinations.
    LockstepRandomizedSearchCV : Trains all candidates to the end.

    Notes
    -----
    If ``random_state`` is an int, the results are those of scikit-learn's class, bit
    for bit, because n epochs followed by m more are the same as n + m epochs. If a
    schedule ("flat_cosine") or an average ("swa") is planned over ``max_iter``, they
    are not: each rung trains from scratch, and the best candidate is refitted with the
    ``max_iter`` of its last rung.

    The memory needed is as in :class:`LockstepGridSearchCV`; between rungs, every
    network is kept with its optimizer slots. All of it is released after ``fit``.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.lockstep import LockstepHalvingRandomSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> net = SimpleMLPClassifier((5,), max_iter=27, tol=1.0, random_state=0)
    >>> space = {"learning_rate_init": loguniform(1e-4, 1e-1)}
    >>> search = LockstepHalvingRandomSearchCV(net, space, random_state=0).fit(X, y)
    >>> search.n_candidates_, search.n_resources_
    ([27, 9, 3, 1], [1, 3, 9, 27])
    """

    def __init__(  # noqa: PLR0913, scikit-learn's
        self,
        estimator,
        param_distributions,
        *,
        n_candidates="exhaust",
        factor=3,
        resource="max_iter",
        max_resources="auto",
        min_resources="smallest",
        aggressive_elimination=False,
        cv=5,
        scoring=None,
        refit=True,
        error_score=np.nan,
        return_train_score=True,
        random_state=None,
        n_jobs=None,
        verbose=0,
    ):
        super().__init__(
            estimator,
            param_distributions,
            n_candidates=n_candidates,
            factor=factor,
            resource=resource,
            max_resources=max_resources,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
