"""The programs of a network, as text: what compiled code computes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from sklearn.base import clone, is_classifier

from sknet._numerics import Array
from sknet.config.unchanged import config_of
from sknet.engine.tape import NotRecordable
from sknet.estimators.preparation import prepare_problem
from sknet.problem.input_cache import InputCache
from sknet.solvers.minibatch import prepare_members
from sknet.solvers.problem import FitRequest, Problem
from sknet.training.compiled import compiled_training
from sknet.training.forward import compiled_forward
from sknet.training.member_config import trainer_of


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


@dataclass(frozen=True)
class Programs:
    """The programs of a network, for training and for prediction.

    Parameters
    ----------
    training : list of (str, list of str)
        A title and the instructions of each part of a training step.
    prediction : list of (str, list of str)
        The same for the prediction.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import SimpleMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> network = SimpleMLPClassifier((10,), max_iter=1000, tol=1e-3, random_state=0)
    >>> text = network.fit(X, y).program(X).explain()
    """

    training: list[tuple[str, list[str]]]
    prediction: list[tuple[str, list[str]]]

    def __str__(self) -> str:
        return self.explain()

    def explain(self) -> str:
        """Return the programs as text.

        Each line is an operation on the arrays of one network. Operations that are
        joined by a line at the left are computed together, a few rows at a time.
        """
        parts = [*self.training, *self.prediction]
        return "\n".join(line for title, lines in parts for line in (title, *lines))


def programs_of(estimator: BaseMLP, X: Any) -> Programs:
    """Return the programs of a fitted estimator.

    Parameters
    ----------
    estimator : fitted estimator
        The estimator, which is not changed.
    X : array-like of shape (n_samples, n_features)
        Rows like those of ``fit``.

    Returns
    -------
    programs : Programs
        The programs for the batches that ``fit(X)`` would make.
    """
    model = estimator._model
    model.inputs.read(estimator, X)  # raises the errors of other features
    is_sparse = sparse.issparse(X)
    forward = compiled_forward(model.network, model.theta.dtype, is_sparse)
    if model.engine == "numpy":
        forward = "engine='numpy'."
    prediction = (
        [(f"prediction: no program: {forward}", [])]
        if isinstance(forward, str)
        else forward.lines()
    )
    try:
        training = _training_lines(estimator, X)
    except NotRecordable as reason:
        training = [(f"training: no program: {reason}", [])]
    return Programs(training, prediction)


def _training_lines(estimator: BaseMLP, X: Any) -> list[tuple[str, list[str]]]:
    """Return the instructions of the training steps of a network."""
    copy = clone(estimator)
    config = config_of(copy, copy._config)
    if config.solver is not None:
        raise NotRecordable("Only that of a solver that makes steps is shown.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
        classes = vars(estimator).get("classes_")  # a few rows may have fewer
        request = FitRequest(X, _any_target(estimator, n_rows), classes=classes)
        problem: Problem = prepare_problem(
            copy, config, request, InputCache(shares=False)
        )
        members = prepare_members(problem)[:1]
    training = compiled_training(
        members, members[0].state, trainer_of([members[0].config])
    )
    if training is None:
        raise NotRecordable(members[0].engine.removeprefix("numpy: "))
    return training.lines()


def _any_target(estimator: BaseMLP, n_rows: int) -> Array:
    """Return a target of the kind that the estimator was fitted to."""
    if not is_classifier(estimator):
        ones = np.ones((n_rows, estimator.n_outputs_))
        return ones[:, 0] if ones.shape[1] == 1 else ones
    target = estimator._model.target
    if target.kind == "multilabel-indicator":
        return np.indices((n_rows, target.n_outputs)).sum(axis=0) % 2
    return np.resize(target.classes, n_rows)
