"""Grid search and randomized search in lockstep."""

from __future__ import annotations

from typing import Any, Self

from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

from sknet._version import VersionStamp
from sknet.lockstep.collector import CollectingBackend
from sknet.lockstep.rounds import Rounds


class Lockstep(VersionStamp):
    """Mixin that runs the fits of scikit-learn's searches in lockstep.

    scikit-learn still does everything else: it draws the candidates, splits the data,
    scores and ranks. Only its fits are intercepted.
    """

    n_jobs: int | None
    verbose: int

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Search, and refit the best candidate on all data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target.
        **params : dict
            Parameters of the estimator's ``fit``, the scorer and the splitter, as in
            scikit-learn: e.g. ``groups`` and ``sample_weight``.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        KeyboardInterrupt
            If the search is interrupted before any candidate is finished.
        """
        rounds = Rounds(
            self.n_jobs,
            getattr(self, "pre_dispatch", "2*n_jobs"),
            self.verbose,
            self._growing_epochs(),
        )
        self._status = rounds.status
        try:
            with CollectingBackend(rounds.answer).installed():
                super().fit(X, y, **params)  # type: ignore[misc]  # a mixin
        finally:
            del self._status
        self.interrupted_ = rounds.status.interrupted
        return self

    def _growing_epochs(self) -> str | None:
        """Return the parameter that grows while networks continue training, if any."""
        return None


class LockstepGridSearchCV(Lockstep, GridSearchCV):
    """Grid search that trains all candidates on all folds simultaneously.

    It has the arguments of scikit-learn's ``GridSearchCV`` and gives the same results,
    bit for bit, in less time: networks of the same layout are trained as the rows of
    one array, in this process. The estimator is ``SimpleMLPClassifier``,
    ``SimpleMLPRegressor``, or a ``Pipeline`` that ends with one of them; the
    transformers of a pipeline are fitted once for each fold and distinct setting. Fits
    that cannot run in lockstep (other estimators, ``solver="lbfgs"``, ``max_time``) are
    run by scikit-learn.

    Parameters
    ----------
    estimator : estimator
        The estimator whose parameters are searched.
    param_grid : dict or list of dict
        Parameter names and the values to try, in all combinations; or a list of such
        grids.
    scoring : str, callable, list, tuple, dict or None, default=None
        How predictions on the left-out fold are scored: one scorer, by name or as
        ``scorer(estimator, X, y)``; or several, as a list of names, a dict, or a
        callable that returns a dict. None uses the estimator's ``score``.
    n_jobs : int or None, default=None
        Number of threads that the networks are distributed over; -1 means all
        processors, None means 1 unless ``joblib.parallel_config`` sets another number.
        If a joblib backend is selected there ("loky", "dask"), number of its workers.
        Results do not depend on it. Fits that do not run in lockstep are distributed
        over the same number of processes, as in scikit-learn.
    refit : bool, str or callable, default=True
        Whether to fit the best candidate on all data. With several scorers, the name of
        the scorer that determines the best; a callable returns its index, given
        ``cv_results_``.
    cv : int, cross-validation generator, iterable or None, default=None
        The splits: a number of folds (None for 5), a splitter, or pairs of training and
        test indices.
    verbose : int, default=0
        0 is silent; 1 or more shows the number of fits, the progress of the training,
        and which fits did not run in lockstep and why; 2 or more adds a line for each
        fit, and 3 or more its scores.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of fits dispatched to the processes in advance, among those that do not
        run in lockstep.
    error_score : "raise" or float, default=np.nan
        Score of a candidate whose fit fails on a fold; "raise" raises the error.
    return_train_score : bool, default=False
        Whether the training folds are also scored.

    Attributes
    ----------
    cv_results_ : dict of (masked) ndarray
        One column for each parameter, split score, mean, standard deviation, rank and
        time; can be converted to a ``DataFrame``. ``mean_fit_time`` is the share of a
        fit in the training time of its stack.
    best_estimator_ : estimator
        The best candidate, fitted on all data. Not available with ``refit=False``.
    best_score_ : float
        Mean score of the best candidate on the left-out folds.
    best_params_ : dict
        Parameters of the best candidate.
    best_index_ : int
        Row of the best candidate in ``cv_results_``.
    scorer_ : function or dict
        The scorer, or a dict of scorers by name.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds taken to refit the best candidate on all data.
    multimetric_ : bool
        Whether there are several scorers.
    classes_ : ndarray of shape (n_classes,)
        Class labels, if the estimator is a classifier and was refitted.
    n_features_in_ : int
        Number of features seen during fit, if the estimator was refitted.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit, if the refitted estimator has them.
    interrupted_ : bool
        Whether the search was interrupted (by Ctrl-C). If so, candidates that were not
        finished on all folds have no scores (NaN), and the best finished candidate is
        refitted.

    See Also
    --------
    LockstepRandomizedSearchCV : Draws its candidates from distributions.
    LockstepHalvingSearchCV : Stops the worst candidates early.
    sklearn.model_selection.GridSearchCV : The same, one fit after another.

    Notes
    -----
    Candidates that differ only in numbers (``alpha``, ``learning_rate_init``,
    ``momentum``, ``dropout``, ``random_state`` ...) form one stack over all folds;
    candidates with different widths, activations, blocks, optimizers or batch sizes
    form separate stacks.

    Beyond the data, the memory needed is four arrays as large as the parameters of the
    networks being trained: those of all candidates on all folds, which read the rows of
    the data in place. After preprocessing, and for tables, each fold has its own copy
    of its rows; then only as many folds are trained at a time as fit into a few
    megabytes, but at least one.

    Preprocessing whose ``random_state`` is None is drawn once for all candidates that
    share it, as with ``Pipeline(memory=...)``. scikit-learn's callbacks (version 1.9
    and later) are called for the fits when they are scored.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.lockstep import LockstepGridSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> net = SimpleMLPClassifier((5,), max_iter=20, tol=1.0, random_state=0)
    >>> grid = {"alpha": [1e-4, 1.0], "learning_rate_init": [1e-3, 1e-1]}
    >>> search = LockstepGridSearchCV(net, grid).fit(X, y)
    >>> search.best_params_
    {'alpha': 0.0001, 'learning_rate_init': 0.1}
    """


class LockstepRandomizedSearchCV(Lockstep, RandomizedSearchCV):
    """Randomized search that trains all candidates on all folds simultaneously.

    It has the arguments of scikit-learn's ``RandomizedSearchCV`` and gives the same
    results, in less time. Prefer it to a grid if there are more than two or three
    parameters, or if good values are only roughly known. See
    :class:`LockstepGridSearchCV` for the fits that run in lockstep.

    Parameters
    ----------
    estimator : estimator
        The estimator whose parameters are searched.
    param_distributions : dict or list of dict
        Parameter names, and lists of values or distributions with a method ``rvs``
        (such as those of ``scipy.stats``); from a list of dicts, each draw takes one.
    n_iter : int in [1, inf), default=10
        Number of candidates.
    scoring : str, callable, list, tuple, dict or None, default=None
        How predictions on the left-out fold are scored: one scorer, by name or as
        ``scorer(estimator, X, y)``; or several, as a list of names, a dict, or a
        callable that returns a dict. None uses the estimator's ``score``.
    n_jobs : int or None, default=None
        Number of threads that the networks are distributed over; -1 means all
        processors, None means 1 unless ``joblib.parallel_config`` sets another number.
        If a joblib backend is selected there ("loky", "dask"), number of its workers.
        Results do not depend on it. Fits that do not run in lockstep are distributed
        over the same number of processes, as in scikit-learn.
    refit : bool, str or callable, default=True
        Whether to fit the best candidate on all data. With several scorers, the name of
        the scorer that determines the best; a callable returns its index, given
        ``cv_results_``.
    cv : int, cross-validation generator, iterable or None, default=None
        The splits: a number of folds (None for 5), a splitter, or pairs of training and
        test indices.
    verbose : int, default=0
        0 is silent; 1 or more shows the number of fits, the progress of the training,
        and which fits did not run in lockstep and why; 2 or more adds a line for each
        fit, and 3 or more its scores.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of fits dispatched to the processes in advance, among those that do not
        run in lockstep.
    random_state : int, RandomState instance or None, default=None
        Determines which candidates are drawn.
    error_score : "raise" or float, default=np.nan
        Score of a candidate whose fit fails on a fold; "raise" raises the error.
    return_train_score : bool, default=False
        Whether the training folds are also scored.

    Attributes
    ----------
    cv_results_ : dict of (masked) ndarray
        One column for each parameter, split score, mean, standard deviation, rank and
        time; can be converted to a ``DataFrame``. ``mean_fit_time`` is the share of a
        fit in the training time of its stack.
    best_estimator_ : estimator
        The best candidate, fitted on all data. Not available with ``refit=False``.
    best_score_ : float
        Mean score of the best candidate on the left-out folds.
    best_params_ : dict
        Parameters of the best candidate.
    best_index_ : int
        Row of the best candidate in ``cv_results_``.
    scorer_ : function or dict
        The scorer, or a dict of scorers by name.
    n_splits_ : int
        Number of folds.
    refit_time_ : float
        Seconds taken to refit the best candidate on all data.
    multimetric_ : bool
        Whether there are several scorers.
    classes_ : ndarray of shape (n_classes,)
        Class labels, if the estimator is a classifier and was refitted.
    n_features_in_ : int
        Number of features seen during fit, if the estimator was refitted.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during fit, if the refitted estimator has them.
    interrupted_ : bool
        Whether the search was interrupted (by Ctrl-C). If so, candidates that were not
        finished on all folds have no scores (NaN), and the best finished candidate is
        refitted.

    See Also
    --------
    LockstepGridSearchCV : Tries all combinations.
    LockstepHalvingRandomSearchCV : Stops the worst candidates early.
    sklearn.model_selection.RandomizedSearchCV : The same, one fit after another.

    Notes
    -----
    Beyond the data, the memory needed is four arrays as large as the parameters of the
    networks being trained: those of all candidates on all folds, which read the rows of
    the data in place. After preprocessing, and for tables, each fold has its own copy
    of its rows; then only as many folds are trained at a time as fit into a few
    megabytes, but at least one.

    Preprocessing whose ``random_state`` is None is drawn once for all candidates that
    share it, as with ``Pipeline(memory=...)``. scikit-learn's callbacks (version 1.9
    and later) are called for the fits when they are scored.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sknet import SimpleMLPClassifier
    >>> from sknet.lockstep import LockstepRandomizedSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> net = SimpleMLPClassifier((5,), max_iter=20, tol=1.0, random_state=0)
    >>> space = {"learning_rate_init": loguniform(1e-4, 1e-1)}
    >>> search = LockstepRandomizedSearchCV(net, space, n_iter=5, random_state=0)
    >>> print(f"{search.fit(X, y).best_params_['learning_rate_init']:.3f}")
    0.014
    """
