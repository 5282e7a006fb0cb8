"""A fit: preparation, training, and publication of the results."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sknet.config.training_config import TrainingConfig
from sknet.config.unchanged import config_of
from sknet.estimators.callbacks import begin_callbacks
from sknet.estimators.outputs.members import OF_TRAINING
from sknet.estimators.preparation import Rows, problem_of, read_rows
from sknet.model.fitted import FittedModel
from sknet.model.state import keep_model, to_attributes
from sknet.problem.input_cache import InputCache
from sknet.problem.validation import rollback
from sknet.solvers.continuation import continuation_of
from sknet.solvers.events import Events
from sknet.solvers.minibatch import Minibatch
from sknet.solvers.problem import FitRequest, FitResult, warn_of
from sknet.training.interrupts import Interrupts


if TYPE_CHECKING:
    from sknet.estimators._base import BaseMLP


def fit_estimator(estimator: BaseMLP, request: FitRequest) -> None:
    """Prepare, solve and publish; a failure leaves the estimator unchanged.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator, whose fitted attributes are set.
    request : FitRequest
        The arguments of ``fit`` or ``partial_fit``.

    Raises
    ------
    ValueError
        If a parameter or the data are invalid, or training diverges at once.
    """
    config = config_of(estimator, estimator._config)
    cache = InputCache(shares=False)
    callbacks = begin_callbacks(estimator, config, request)
    with ExitStack() as afterwards, rollback(estimator), estimator._one_thread():
        rows = read_rows(estimator, config, request, cache)
        if _continues(estimator, config, rows):
            return
        problem = problem_of(estimator, config, request, rows, cache)
        solver = config.solver or Minibatch(config.steps_by)
        with Interrupts() as interrupts:
            events = Events(callbacks, interrupts, afterwards)
            fit = solver.solve(problem, events).interrupted_if(interrupts.came)
            publish(estimator, problem.model, problem.description, fit)
        if callbacks is not None:
            callbacks.end()
    warn_of(fit.termination, config, request.kind)


def _continues(estimator: BaseMLP, config: TrainingConfig, rows: Rows) -> bool:
    """Train and publish by what an earlier call has set up, if it has.

    It takes so little time that an interrupt is simply raised.
    """
    earlier = rows.start.earlier
    continuation = continuation_of(rows.start, config, rows.data)
    if continuation is None or earlier is None:
        return False
    fit, model = continuation.train(earlier), earlier.model
    if rows.target is not model.target:
        model = replace(model, target=rows.target)
    publish(estimator, model, to_attributes(model, earlier.texts), fit)
    return True


def publish(
    estimator: BaseMLP, model: FittedModel, description: dict[str, Any], fit: FitResult
) -> None:
    """Set all fitted attributes.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator.
    model : FittedModel
        The model, without its parameters.
    description : dict
        The fitted attributes that describe the model.
    fit : FitResult
        The result of training.
    """
    attributes, state = description | fit.attributes, estimator.__dict__
    for name in OF_TRAINING:
        state.pop(name, None)
    state.update(attributes, theta_=fit.theta, n_iter_=fit.termination.n_iter)
    temperature = attributes.get("temperature_", 1.0)
    keep_model(estimator, replace(model, theta=fit.theta, temperature=temperature))
