"""scikit-learn's callbacks (version 1.9 and later), which are called every epoch.

A fit is the task ``"fit"`` with a task ``"epoch"`` for each epoch (for each iteration
of L-BFGS). If all networks share one validation set, each epoch is followed by a task
``"validation"`` with the data of that set, so that ``ScoringMonitor`` can score it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from sknet._numerics import Array
from sknet._sklearn import has_callbacks, safe_indexing
from sknet.config.training_config import TrainingConfig
from sknet.solvers.calibration import calibration_attributes
from sknet.solvers.minibatch import final_parameters
from sknet.solvers.problem import FitRequest, Problem
from sknet.solvers.start import FitKind
from sknet.training.member import EpochSnapshot, Member


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


def begin_callbacks(
    estimator: BaseMLP, config: TrainingConfig, request: FitRequest
) -> EpochCallbacks | None:
    """Return the callbacks of a fit, or None if there are none.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator being fitted.
    config : TrainingConfig
        Its training configuration.
    request : FitRequest
        The arguments of ``fit``. ``partial_fit`` is a single epoch, and has no
        callbacks.

    Returns
    -------
    callbacks : EpochCallbacks or None
        Already set up; scikit-learn's decorator of ``fit`` tears them down.
    """
    if request.kind is FitKind.PARTIAL or not has_callbacks(estimator):
        return None
    return EpochCallbacks(estimator, config, request)


class EpochCallbacks:
    """Calls the callbacks of an estimator after each epoch of its fit.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator being fitted.
    config : TrainingConfig
        Its training configuration.
    request : FitRequest
        The arguments of ``fit``.
    """

    def __init__(
        self, estimator: BaseMLP, config: TrainingConfig, request: FitRequest
    ) -> None:
        self._estimator = estimator
        self._X, self._y = request.X, request.y
        self._weight = request.sample_weight
        self._validation: tuple[Any, Any, Any] | None = None
        if request.validation[0] is not None:
            self._validation = request.validation
        self._context = estimator._init_callback_context(
            max_subtasks=int(config.max_iter) * self._tasks_an_epoch(config)
        )
        self._context.call_on_fit_task_begin(estimator=estimator, **self._training())

    def _tasks_an_epoch(self, config: TrainingConfig) -> int:
        """Return the maximum number of tasks per epoch."""
        if not config.makes_steps:  # L-BFGS trains the networks one after another
            return config.n_networks
        one_set = config.joint_early_stopping or config.n_networks == 1
        validates = self._validation is not None
        return 1 + (validates or bool(config.early_stopping and one_set))

    def of_members(
        self, problem: Problem, members: Sequence[Member]
    ) -> Callable[[EpochSnapshot], bool]:
        """Return the function to call after each epoch of minibatch training."""
        self._expand_weight(problem)
        validation_sets = {
            id(member.validation_set): member.validation_set for member in members
        }
        (validation_set,) = (
            validation_sets.values() if len(validation_sets) == 1 else (None,)
        )
        if validation_set is not None and validation_set.rows is not None:
            self._split_validation(validation_set.rows, problem.data.n_rows)

        def watch(snapshot: EpochSnapshot) -> bool:
            return self._report_epoch(partial(self._fitted, problem, members, snapshot))

        return watch

    def of_full_batch(self, problem: Problem) -> Callable[[Array, int], bool]:
        """Return the function to call after each iteration of L-BFGS."""
        self._expand_weight(problem)

        def watch(theta: Array, n_iter: int) -> bool:
            fitted = {
                **problem.description,
                **calibration_attributes(problem, theta, []),
                "theta_": theta.copy(),
                "n_iter_": n_iter,
            }
            return self._report_epoch(lambda: fitted)

        return watch

    def end(self) -> None:
        """Report to the callbacks that the fit has ended."""
        self._context.call_on_fit_task_end(
            estimator=self._estimator, reconstruction_attributes={}, **self._training()
        )

    def _expand_weight(self, problem: Problem) -> None:
        """Replace a scalar sample weight, which scorers reject, by an array."""
        if isinstance(self._weight, Real):
            self._weight = np.full(problem.data.n_rows, float(self._weight))
        is_one = self._validation is not None and isinstance(self._validation[2], Real)
        if (
            self._validation is not None
            and problem.validation_set is not None
            and is_one
        ):
            X, y, weight = self._validation
            self._validation = (
                X,
                y,
                np.full(problem.validation_set.n_rows, float(weight)),
            )

    def _split_validation(self, validation: Array, n_rows: int) -> None:
        """Split the data passed to ``fit`` into training and validation rows."""
        mask = np.zeros(n_rows, dtype=bool)
        mask[validation] = True
        given = self._X, self._y, self._weight
        chosen = [_both(values, mask) for values in given]
        self._X, self._y, self._weight = (pair[0] for pair in chosen)
        self._validation = chosen[0][1], chosen[1][1], chosen[2][1]

    def _training(self) -> dict[str, Any]:
        """Return the training data in the form that callbacks receive."""
        return _data(self._X, self._y, self._weight)

    def _report_epoch(self, fitted: Callable[[], dict[str, Any]]) -> bool:
        """Report an epoch; return whether a callback requests the fit to stop."""
        stops = self._task("epoch", self._training(), fitted)
        if self._validation is not None:
            stops |= self._task("validation", _data(*self._validation), fitted)
        return stops

    def _task(
        self, name: str, data: dict[str, Any], fitted: Callable[[], dict[str, Any]]
    ) -> bool:
        """Report a completed task; return whether a callback requests a stop."""
        context, estimator = self._context.subcontext(task_name=name), self._estimator
        context.call_on_fit_task_begin(estimator=estimator, **data)
        stops: bool = context.call_on_fit_task_end(
            estimator=estimator, reconstruction_attributes=fitted, **data
        )
        return stops

    def _fitted(
        self, problem: Problem, members: Sequence[Member], snapshot: EpochSnapshot
    ) -> dict[str, Any]:
        """Return the fitted attributes with the weights at the end of this epoch.

        Early stopping would publish the weights of the best epoch instead, but a curve
        of scores needs those of each epoch.
        """
        changed = {id(member): now for member, now in snapshot.pairs()}
        now = [changed.get(id(member), member) for member in members]
        theta = np.concatenate(
            [
                m.state.published if m.termination is None else final_parameters(m)
                for m in now
            ]
        )
        return {
            **problem.description,
            **calibration_attributes(problem, theta, now),
            "theta_": theta,
            "n_iter_": max(snapshot.n_done),
        }


def _both(values: Any, mask: Array) -> tuple[Any, Any]:
    """Return the training and the validation rows; (None, None) for None."""
    if values is None:
        return None, None
    if sparse.issparse(values):
        values = values.tocsr()  # some formats do not support row indexing
    return safe_indexing(values, ~mask), safe_indexing(values, mask)


def _data(X: Any, y: Any, weight: Any) -> dict[str, Any]:
    """Return data in the form in which scikit-learn passes them to callbacks."""
    metadata = None if weight is None else {"sample_weight": weight}
    return {"X": X, "y": y, "metadata": metadata}
