"""The gradient check: backpropagation against differences, for a whole estimator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state

from sknet._component import Component
from sknet._numerics import Array
from sknet._rng import noise_from_state, noise_state, noise_stream
from sknet.activations import Activation
from sknet.config.training_config import TrainingConfig
from sknet.engine.tape import NotRecordable
from sknet.estimators._base import BaseMLP
from sknet.estimators.preparation import prepare_problem
from sknet.losses import Loss
from sknet.network.layers import Layer, Sequential
from sknet.objective import Batch, Objective
from sknet.problem.input_cache import InputCache
from sknet.solvers.initial import initial_theta
from sknet.solvers.problem import FitRequest
from sknet.testing.activation import check_activation
from sknet.testing.compiled import compiled_complaint
from sknet.testing.layer import check_layer
from sknet.testing.loss import check_loss
from sknet.testing.parts import Section, is_surrogate, sections_of
from sknet.testing.report import GradientReport
from sknet.testing.slopes import Surface, Survey
from sknet.training.batches import Batches


# Standard deviation of the noise added to initial parameters: biases of zero and scales
# of one would hide mistakes.
_PERTURBATION = 0.1


class Effort(NamedTuple):
    """The number of comparisons.

    Parameters
    ----------
    n_coordinates : int, default=200
        Approximate number of parameters to compare one by one, distributed over the
        arrays in proportion to their sizes, with at least eight for each. With 0, only
        directions are compared.
    n_directions : int, default=3
        Random directions in all parameters at once.
    """

    n_coordinates: int = 200
    n_directions: int = 3


_FULL_EFFORT = Effort()


def check_gradient(
    what: Any,
    X: Any = None,
    y: Any = None,
    *,
    sample_weight: Any = None,
    n_members: int = 1,
    random_state: Any = 0,
    rtol: float = 1e-6,
) -> GradientReport | None:
    """Check the gradient of an estimator, or a component, against differences.

    The function that the estimator minimises on the data, penalty included, is
    evaluated in float64 on all rows at once: at the parameters of a fitted estimator,
    otherwise at perturbed initial parameters. Dropout draws the same noise for every
    evaluation; batch normalisation works as in training. The estimator is not changed.
    If the network can be compiled, and the rows are dense, value and gradient of the
    engine are compared with NumPy's, too.

    Parameters
    ----------
    what : SimpleMLPClassifier, SimpleMLPRegressor, Activation, Layer or Loss
        The object to check. A component is passed to the check of its family, and the
        other arguments are ignored.
    X : array-like of shape (n_samples, n_features), optional
        Features. A few rows are enough; if None, at least twelve rows are generated.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        Target; required if ``X`` is given.
    sample_weight : array-like of shape (n_samples,), optional
        Weights of the rows.
    n_members : int, default=1
        Number of networks to check together, each from a different initial point.
    random_state : int, RandomState or None, default=0
        Determines the point, and the parameters and directions to compare.
    rtol : float, default=1e-6
        Largest relative error allowed; :mod:`sknet.testing.slopes` defines it.

    Returns
    -------
    report : GradientReport or None
        The result; None for a component.

    Raises
    ------
    AssertionError
        If a slope disagrees, or too many lie at kinks; the message is the report.
    ValueError
        If the learning rule of the estimator is not that of the gradient.

    Examples
    --------
    >>> from sknet import SimpleMLPRegressor
    >>> from sknet.testing import check_gradient
    >>> report = check_gradient(SimpleMLPRegressor(hidden_layer_sizes=(4,)))
    >>> report.passed
    True
    >>> [array.name for array in report.arrays]
    ['0.weight', '0.bias', '2.weight', '2.bias', 'random directions']
    """
    for family, check in _CHECKS:
        if isinstance(what, family):
            return check(what)
    if not isinstance(what, BaseMLP):
        raise TypeError(
            "check_gradient takes an estimator of sknet, an activation, a layer or a "
            f"loss, got {what!r}."
        )
    stream = check_random_state(random_state)
    objective, theta, batch, noise = _problem(
        what, (X, y, sample_weight), n_members, stream
    )
    report = objective_report(objective, theta, batch, noise, stream, rtol)
    report = replace(report, what=" ".join(repr(what).split()))
    if not report.passed:
        raise AssertionError(str(report))
    if isinstance(batch.x, np.ndarray):
        with suppress(NotRecordable):  # it is computed by NumPy, which is no mistake
            complaint = compiled_complaint(objective, theta, batch, noise)
            if complaint:
                raise AssertionError(f"{report.what}: {complaint}")
    return report


_CHECKS: tuple[tuple[type[Component], Callable[[Any], None]], ...] = (
    (Activation, check_activation),
    (Layer, check_layer),
    (Loss, check_loss),
)


def objective_report(
    objective: Objective,
    theta: Array,
    batch: Batch,
    noise: Sequence[np.random.Generator],
    stream: np.random.RandomState,
    rtol: float = 1e-6,
    effort: Effort = _FULL_EFFORT,
) -> GradientReport:
    """Compare the gradient of an objective with differences.

    Parameters
    ----------
    objective : Objective
        Network, loss and penalty.
    theta : ndarray of shape (K, P)
        The parameters in float64; they are not changed.
    batch : Batch
        The rows.
    noise : sequence of Generator
        One noise stream for each member, if the network draws noise; they are not
        advanced.
    stream : RandomState
        Determines the parameters and directions to compare.
    rtol : float, default=1e-6
        Largest relative error allowed.
    effort : Effort, optional
        The number of comparisons.

    Returns
    -------
    report : GradientReport
        The result; a failure raises no exception.

    Examples
    --------
    >>> import numpy as np
    >>> from sknet.losses import SquaredError
    >>> from sknet.network.architecture import Architecture
    >>> from sknet.network.network import perceptron
    >>> from sknet.objective import Batch, Objective
    >>> from sknet.penalties import L2
    >>> from sknet.testing import objective_report
    >>> network = perceptron(2, Architecture((3,)), 1)
    >>> objective = Objective(network, SquaredError(), L2(), 0.1)
    >>> stream = np.random.RandomState(0)
    >>> theta = network.initial([stream], np.dtype(float))
    >>> batch = Batch(np.ones((1, 4, 2)), np.ones((1, 4, 1)), 1 / 4, 4.0, 4)
    >>> objective_report(objective, theta, batch, [], stream).passed
    True
    """
    layout, states = objective.network.layout, [noise_state(n) for n in noise]
    point = objective.point(theta.copy())

    def value(parameters: Array) -> Array:
        """Return the objective at given parameters, with the same noise."""
        point.theta[:, : layout.n_trainable] = parameters
        point.training.streams = [noise_from_state(state) for state in states]
        with np.errstate(all="ignore"):
            data, penalty = objective.value_and_gradient(point, batch)
        return data + penalty

    point.grad.fill(np.nan)
    origin = theta[:, : layout.n_trainable].copy()
    value(origin)
    survey = Survey(Surface(value, origin, point.grad.copy()), rtol, stream)
    root = objective.network.root
    sections, surrogate = sections_of(layout, root), is_surrogate(root)
    checked = _output_sections(root, sections) if surrogate else sections
    n_all = sum(section.columns.size for section in checked)
    rows = []
    for section in sections:
        n_wanted = 0
        if section in checked:
            n_wanted = _n_coordinates(section.columns.size, n_all, effort)
        rows.append(survey.coordinates(section, n_wanted))
    if checked:
        rows.append(survey.directions(checked, effort.n_directions))
    what = f"{objective.loss!r} of {root!r}"
    return GradientReport(what, rtol, tuple(rows), survey.worst, surrogate)


def _n_coordinates(size: int, n_all: int, effort: Effort) -> int:
    """Return the number of parameters of an array to compare one by one."""
    if not effort.n_coordinates or n_all <= effort.n_coordinates:
        return min(size, effort.n_coordinates)
    return max(8, effort.n_coordinates * size // n_all)


def _output_sections(root: Layer, sections: Sequence[Section]) -> list[Section]:
    """Return the arrays of the last layer, which no activation follows."""
    if not isinstance(root, Sequential):
        return []
    prefix = f"{len(root.layers) - 1}."
    return [section for section in sections if section.name.startswith(prefix)]


def _problem(
    estimator: BaseMLP,
    data: tuple[Any, Any, Any],
    n_members: int,
    stream: np.random.RandomState,
) -> tuple[Objective, Array, Batch, list[np.random.Generator]]:
    """Return an estimator's objective, parameters, batch and noise streams."""
    X, y, sample_weight = data
    if (X is None) != (y is None):
        raise ValueError("X and y must be given together, or neither of them.")
    if X is None:
        X, y = _made_up(estimator, stream)
    fitted = "theta_" in vars(estimator)
    copy = clone(estimator).set_params(scoring=None)
    classes = getattr(estimator, "classes_", None) if fitted else None
    config = copy._config()
    _refuse_other_rules(config)
    request = FitRequest(X, y, sample_weight, classes=classes)
    problem = prepare_problem(copy, config, request, InputCache(shares=False))
    n_rows, float64 = problem.data.n_rows, np.dtype(np.float64)
    batch = next(Batches(problem.data, n_rows, float64).epoch(None))
    seeds = stream.randint(2**31 - 1, size=n_members).tolist()
    streams = [check_random_state(seed) for seed in seeds]
    noise = [noise_stream(s) for s in streams] if problem.network.draws_noise else []
    problem = replace(problem, dtype=float64)
    theta = initial_theta(problem, streams)
    n_trainable = problem.network.layout.n_trainable
    if fitted:
        if estimator.theta_.shape[1] != theta.shape[1]:
            raise ValueError(
                f"The fitted network has {estimator.theta_.shape[1]} parameters, but "
                f"on these data it would have {theta.shape[1]}: pass data like those "
                "used in fit, or a clone of the estimator."
            )
        theta[:] = estimator.theta_
    else:
        shape = (n_members, n_trainable)
        theta[:, :n_trainable] += _PERTURBATION * stream.standard_normal(shape)
    return problem.objective(config.alpha), theta, batch, noise


def _refuse_other_rules(config: TrainingConfig) -> None:
    """Raise an error for a learning rule whose steps are no gradient."""
    if not config.learning_rule.is_gradient:
        given = config.given["learning_rule"]
        raise ValueError(
            f"learning_rule={given!r} cannot be checked against differences: its steps "
            "are not the gradient of the loss, on purpose. Set "
            "learning_rule='gradient' to check the rest of the estimator."
        )


def _made_up(estimator: BaseMLP, stream: np.random.RandomState) -> tuple[Any, Any]:
    """Return rows for fitting the estimator: three classes, or values > 0."""
    n_features = getattr(estimator, "n_features_in_", 3)
    classes = getattr(estimator, "classes_", np.arange(3))
    n_outputs = getattr(estimator, "n_outputs_", 1)
    n_rows = max(12, 2 * len(classes))
    X = stream.standard_normal((n_rows, n_features))
    if not is_classifier(estimator):
        y = stream.uniform(0.1, 2.0, size=(n_rows, n_outputs))
        return X, y.ravel() if n_outputs == 1 else y
    if getattr(estimator, "_target_kind", "") == "multilabel-indicator":
        return X, stream.randint(2, size=(n_rows, n_outputs))
    return X, np.resize(classes, n_rows)
