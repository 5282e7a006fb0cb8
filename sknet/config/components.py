"""From an estimator's parameters to the components they describe.

A parameter that chooses a component takes a name or an instance. With a name, the
options of the component are taken from scikit-learn's scalar parameters (``momentum``,
``beta_1``, ``power_t`` ...) if the estimator has them, and from its preset otherwise.
An instance carries its own options.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from numbers import Integral, Real
from typing import Any, TypeVar

from sknet._component import Component, Registry
from sknet.activations import ACTIVATIONS, Activation, Blend, Maxout
from sknet.averages import AVERAGES, Averaging
from sknet.config.lists import check_flat
from sknet.initializers import INITIALIZERS, GlorotUniform, Initializer
from sknet.losses import Loss, MeanQuantiles, SquaredError
from sknet.network.blocks import BLOCKS, Block
from sknet.network.convolution import CONV_LAYERS, ConvLayer
from sknet.network.image_layers import AUGMENTATIONS
from sknet.network.layers import Augment
from sknet.network.learning_rules import LEARNING_RULES, LearningRule
from sknet.network.network import Network
from sknet.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from sknet.schedules import SCHEDULES, InvScaling, Schedule
from sknet.training.checkpoint import Checkpoint
from sknet.training.solver import SOLVERS, Solver


# Parameters of an estimator, as given by the user, by name.
Params = Mapping[str, Any]

C = TypeVar("C", bound=Component)

# Fields of components that scikit-learn has as parameters of its estimators. They apply
# to components chosen by name.
_SCALARS: dict[type[Component], dict[str, str]] = {
    SGD: {"momentum": "momentum", "nesterov": "nesterovs_momentum"},
    Adam: {"beta_1": "beta_1", "beta_2": "beta_2", "epsilon": "epsilon"},
    InvScaling: {"power_t": "power_t"},
}


def _with_scalars(params: Params, component: C) -> C:
    """Return a component with options set from scalar parameters."""
    names = _SCALARS.get(type(component), {}).items()
    options = {field: params[name] for field, name in names if name in params}
    return replace(component, **options)  # type: ignore[type-var]  # a dataclass


def solver_of(params: Params) -> Solver | None:
    """Return the solver of an estimator, or None if an optimizer makes its steps."""
    given = params["solver"]
    is_name = isinstance(given, str) and given in SOLVERS
    return SOLVERS.make(given) if is_name or isinstance(given, Solver) else None


def makes_steps(params: Params) -> bool:
    """Return whether the solver of an estimator makes minibatch steps."""
    solver = solver_of(params)
    return solver is None or solver.makes_steps


def optimizer_of(params: Params, named: Mapping[str, Optimizer]) -> Optimizer:
    """Return the optimizer that parameters describe.

    Parameters
    ----------
    params : mapping of str to object
        ``solver`` is a name or an instance.
    named : mapping of str to Optimizer
        The optimizers of a preset, by name; other names are looked up in the registry.

    Returns
    -------
    optimizer : Optimizer
        The optimizer; the options of a registered one are set from scikit-learn's
        scalar parameters.
    """
    given = params["solver"]
    if not isinstance(given, str):
        return OPTIMIZERS.make(given)
    return named.get(given) or _with_scalars(params, OPTIMIZERS.make(given))


def schedule_of(params: Params) -> Schedule:
    """Return the schedule that parameters describe."""
    given = params["learning_rate"]
    schedule = SCHEDULES.make(given)
    return _with_scalars(params, schedule) if isinstance(given, str) else schedule


def averaging_of(params: Params) -> Averaging | None:
    """Return the averaging that parameters describe, if any."""
    if params["averaging"] is None:
        return None
    return AVERAGES.make(params["averaging"])


def block_of(params: Params) -> Block:
    """Return the block that parameters describe."""
    return BLOCKS.make(params["block"])


def learning_rule_of(params: Params) -> LearningRule:
    """Return the learning rule that parameters describe."""
    return LEARNING_RULES.make(params["learning_rule"])


def initializer_of(params: Params) -> Initializer:
    """Return the initializer that draws the weights, also where arrays are given.

    Given arrays overwrite the drawn weights, and leave the random stream unaffected.
    """
    if isinstance(params["initializer"], (list, tuple)):
        return GlorotUniform()
    return INITIALIZERS.make(params["initializer"])


def activations_of(params: Params) -> tuple[Activation, ...]:
    """Return the activations: one for all hidden layers, or one for each."""
    given = params["activation"]
    if isinstance(given, (list, tuple)):
        found = tuple(ACTIVATIONS.make(spec) for spec in given)
    else:
        found = (ACTIVATIONS.make(given),)
    if not params.get("blend_activation"):
        return found
    # Each unit has its own mixing share.
    return tuple(a if isinstance(a, (Blend, Maxout)) else Blend(a) for a in found)


def loss_of(params: Params, registry: Registry[Any]) -> Any:
    """Return the loss that parameters describe.

    Parameters
    ----------
    params : mapping of str to object
        ``loss`` is a name, an instance or a pair of functions.
    registry : Registry
        The registered losses of a classifier or of a regressor.

    Returns
    -------
    loss : Loss
        The loss, with the given ``output_activation``.
    """
    given = params["loss"]
    if isinstance(given, (list, tuple)):
        if len(given) != 2 or not all(callable(function) for function in given):
            raise _no_pair_of_functions(given, registry)
        given = registry["custom"](*given)
    loss: Loss = registry.make(given)
    output = params["output_activation"]
    if output is None:
        return loss
    if "output_activation" not in {f.name for f in fields(type(loss))}:  # type: ignore[arg-type]
        raise ValueError(
            f"output_activation={output!r} is not supported with loss={loss.name!r}, "
            "which has its own output activation. Use output_activation=None, or "
            "loss='squared_error'."
        )
    loss = loss.with_param("output_activation", output)
    loss.check()
    return loss


def loss_to_fit(params: Params, registry: Registry[Any]) -> Any:
    """Return the loss to train with; if ``quantiles`` are given, it includes them.

    Parameters
    ----------
    params : mapping of str to object
        As for :func:`loss_of`; may contain ``quantiles``.
    registry : Registry
        The registered losses of a classifier or of a regressor.

    Returns
    -------
    loss : Loss
        The loss.

    Raises
    ------
    ValueError
        If the loss does not support ``quantiles``, or they are not valid levels.
    """
    loss, quantiles = loss_of(params, registry), params.get("quantiles")
    if quantiles is None:
        return loss
    if loss != SquaredError():
        raise ValueError(
            f"quantiles={quantiles!r} requires loss='squared_error', because quantiles "
            f"are learned in addition to the mean; got loss={params['loss']!r}. To "
            "learn quantiles alone, use quantiles=None and loss=Quantile(levels)."
        )
    beside = MeanQuantiles(check_flat("quantiles", quantiles))
    try:
        beside.check()
    except ValueError as error:
        raise ValueError(
            f"quantiles={quantiles!r} must be numbers in (0, 1), in increasing order, "
            "e.g. quantiles=(0.05, 0.5, 0.95)."
        ) from error
    return beside


def _no_pair_of_functions(given: Any, registry: Registry[Any]) -> ValueError:
    """Return the error for a list that is not a pair of functions."""
    known = ", ".join(map(repr, sorted(registry)))
    hint = ""
    if all(isinstance(width, Integral) for width in given):
        # hidden_layer_sizes was the first parameter of scikit-learn's regressor up to
        # version 1.6.
        hint = f" To set layer widths, pass hidden_layer_sizes={given!r} by name."
    return ValueError(
        f"loss={given!r} must be a pair of functions (value, gradient), a name or an "
        f"instance. Known names are {known}.{hint}"
    )


# Names of trainable parameters, as layers of sknet declare them.
_PARAMETER_NAMES = (
    "weight",
    "bias",
    "mix",
    "scale",
    "shift",
    "table",
    "frequency",
    "phase",
    "mixing",
    "offset",
)


def learning_rate_multipliers_of(
    params: Params, auto: dict[str, float]
) -> tuple[tuple[str, float], ...]:
    """Return the learning rate multipliers of an estimator.

    Parameters
    ----------
    params : mapping of str to object
        ``learning_rate_multipliers`` is a dict by parameter name, None or "auto".
    auto : dict of str to float
        The multipliers that "auto" stands for.

    Returns
    -------
    factors : tuple of (str, float)
        Sorted by name; factors equal to one are left out.

    Raises
    ------
    ValueError
        If a factor is not a finite number >= 0.
    """
    given = params["learning_rate_multipliers"]
    factors = auto if isinstance(given, str) else given or {}
    for name, factor in factors.items():
        if not isinstance(factor, Real) or not 0.0 <= float(factor) < math.inf:
            raise ValueError(
                f"learning_rate_multipliers[{name!r}] must be a finite number >= 0, "
                f"got {factor!r}."
            )
    pairs = ((name, float(factor)) for name, factor in factors.items())
    return tuple(sorted(pair for pair in pairs if pair[1] != 1.0))


def check_multipliers(given: Any, network: Network) -> None:
    """Raise an error for names that are neither sknet's nor in the network.

    Parameters
    ----------
    given : dict, str or None
        ``learning_rate_multipliers`` as given by the user.
    network : Network
        The network, which may contain user-defined layers.

    Raises
    ------
    ValueError
        If a name is unknown.
    """
    own = [p.name for p in network.layout.parameters]
    names = dict.fromkeys([*_PARAMETER_NAMES, *own])
    for name in given if isinstance(given, dict) else ():
        if name not in names:
            known = ", ".join(map(repr, names))
            raise ValueError(
                f"Unknown parameter name {name!r} in learning_rate_multipliers. Known "
                f"names are {known}."
            )


def checkpoint_of(params: Params) -> Checkpoint | None:
    """Return the checkpoint of an estimator, made from a path if necessary, or None."""
    given = params["checkpoint"]
    if given is None or isinstance(given, Checkpoint):
        return given
    return Checkpoint(given)


def conv_layers_of(params: Params) -> tuple[ConvLayer, ...]:
    """Return the convolutional layers; none for estimators without them."""
    given = params.get("conv_layers", ())
    for i, conv in enumerate(given):
        if not isinstance(conv, ConvLayer):
            raise ValueError(
                f"conv_layers[{i}] must be an instance of Conv, ResidualConv or "
                f"AggregatedConv, e.g. Conv(32, pool=2); got {conv!r}."
            )
    return tuple(CONV_LAYERS.make(conv) for conv in given)


def augment_of(params: Params) -> Augment | None:
    """Return what changes training images at random; None if nothing does."""
    given = params.get("augment")
    return None if given is None else AUGMENTATIONS.make(given)


def dropout_rates(dropout: Any, n_hidden: int) -> tuple[float, ...]:
    """Return the dropout rates: one for all hidden layers, or one for each."""
    if isinstance(dropout, Real):
        return (float(dropout),)
    rates = check_flat("dropout", dropout)
    check_one_each("dropout", dropout, n_hidden)
    for rate in rates:
        if not isinstance(rate, Real) or not 0.0 <= float(rate) < 1.0:
            raise ValueError(
                f"dropout must hold numbers in [0, 1), got {rate!r} in {dropout!r}."
            )
    return tuple(float(rate) for rate in rates) or (0.0,)


def check_one_each(name: str, given: Any, n_hidden: int) -> None:
    """Raise an error if the length of a list is not the number of hidden layers."""
    if len(given) != n_hidden:
        raise ValueError(
            f"{name} must be a single value for all hidden layers, or a list with one "
            f"value for each; got {len(given)} values for {n_hidden} hidden layers: "
            f"{given!r}."
        )
