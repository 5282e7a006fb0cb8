"""Components: from an estimator's parameters to the parts they describe.

A parameter that chooses a component takes a name or an instance. With a name, the
scalar parameters of scikit-learn (``momentum``, ``beta_1``, ``power_t`` ...) say the
rest; an instance says everything itself.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, Self

from sknet._component import Component, Registry
from sknet.activations import ACTIVATIONS, Activation
from sknet.averages import AVERAGES, Averaging
from sknet.config.lists import check_flat
from sknet.initializers import INITIALIZERS, GlorotUniform, Initializer
from sknet.losses import Loss
from sknet.network.architecture import Architecture
from sknet.network.blocks import BLOCKS, Block, Plain
from sknet.network.entrance import NUMERIC_EMBEDDINGS, Entrance
from sknet.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from sknet.schedules import SCHEDULES, InvScaling, Schedule
from sknet.training.checkpoint import Checkpoint
from sknet.training.lbfgs import FULL_BATCH_SOLVER


def optimizer_of(estimator: Any) -> Optimizer:
    """Return the optimizer that an estimator's parameters describe."""
    if estimator.solver == SGD.name:
        return SGD(estimator.momentum, estimator.nesterovs_momentum)
    if estimator.solver == Adam.name:
        return Adam(estimator.beta_1, estimator.beta_2, estimator.epsilon)
    return OPTIMIZERS.make(estimator.solver)


def schedule_of(estimator: Any) -> Schedule:
    """Return the schedule that an estimator's parameters describe."""
    if estimator.learning_rate == InvScaling.name:
        return InvScaling(estimator.power_t)
    return SCHEDULES.make(estimator.learning_rate)


def averaging_of(estimator: Any) -> Averaging | None:
    """Return the averaging that an estimator's parameters describe, if any."""
    if estimator.averaging is None:
        return None
    return AVERAGES.make(estimator.averaging)


def block_of(estimator: Any) -> Block:
    """Return the block that an estimator's parameters describe."""
    return BLOCKS.make(estimator.block)


def initializer_of(estimator: Any) -> Initializer:
    """Return what draws the initial weights; what is overwritten is drawn as usual."""
    if isinstance(estimator.initializer, (list, tuple)):
        return GlorotUniform()
    return INITIALIZERS.make(estimator.initializer)


def activations_of(estimator: Any) -> tuple[Activation, ...]:
    """Return the activations, one for all hidden layers or one for each."""
    given = estimator.activation
    if isinstance(given, (list, tuple)):
        return tuple(ACTIVATIONS.make(spec) for spec in given)
    return (ACTIVATIONS.make(given),)


def loss_of(estimator: Any, registry: Registry[Any]) -> Any:
    """Return the loss that an estimator's parameters describe.

    Parameters
    ----------
    estimator : BaseMLP
        Its ``loss`` may be a pair of functions, too.
    registry : Registry
        The losses of a classifier, or those of a regressor.

    Returns
    -------
    loss : Loss
        The loss, with the output activation that was asked for.
    """
    given = estimator.loss
    if isinstance(given, (list, tuple)):
        if len(given) != 2 or not all(callable(function) for function in given):
            raise _no_pair_of_functions(given, registry)
        given = registry["custom"](*given)
    loss: Loss = registry.make(given)
    output = estimator.output_activation
    if output is None:
        return loss
    if "output_activation" not in {f.name for f in fields(type(loss))}:  # type: ignore[arg-type]
        raise ValueError(
            f"output_activation={output!r} cannot be chosen with loss={loss.name!r}, "
            "which has its own. Use output_activation=None, or loss='squared_error'."
        )
    loss = loss.with_param("output_activation", output)
    loss.check()
    return loss


def _no_pair_of_functions(given: Any, registry: Registry[Any]) -> ValueError:
    """Return the error about a list that is no loss."""
    known = ", ".join(map(repr, sorted(registry)))
    hint = ""
    if all(isinstance(width, Integral) for width in given):
        # scikit-learn's regressor began with the widths until 1.6, and does not since.
        hint = f" If these are widths, say so: hidden_layer_sizes={given!r}."
    return ValueError(
        f"loss={given!r} must be a pair of functions (value, gradient), a name or an "
        f"instance. Known names are {known}.{hint}"
    )


# Names of trainable parameters, as the layers declare them.
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


def rate_factors_of(estimator: Any) -> tuple[tuple[str, float], ...]:
    """Return the factors on the learning rate that an estimator's parameters ask for.

    Parameters
    ----------
    estimator : BaseMLP
        Its factors are a dict by names of parameters.

    Returns
    -------
    factors : tuple of (str, float)
        Sorted by name; factors of one are left out.

    Raises
    ------
    ValueError
        If a name is unknown, or a factor no finite number >= 0.
    """
    factors = estimator._rate_factors()
    for name, factor in factors.items():
        if name not in _PARAMETER_NAMES:
            known = ", ".join(map(repr, _PARAMETER_NAMES))
            raise ValueError(
                f"rate_factors names {name!r}, but parameters are called {known}."
            )
        if not isinstance(factor, Real) or not 0.0 <= float(factor) < math.inf:
            raise ValueError(
                f"rate_factors[{name!r}] must be a finite number >= 0, got {factor!r}."
            )
    pairs = ((name, float(factor)) for name, factor in factors.items())
    return tuple(sorted(pair for pair in pairs if pair[1] != 1.0))


def checkpoint_of(estimator: Any) -> Checkpoint | None:
    """Return where an estimator saves its training, if it does: a path is enough."""
    given = estimator.checkpoint
    if given is None or isinstance(given, Checkpoint):
        return given
    return Checkpoint(given)


def architecture_of(
    estimator: Any, hidden: tuple[int, ...], entrance: Entrance
) -> Architecture:
    """Return the hidden layers that an estimator's parameters describe.

    Parameters
    ----------
    estimator : BaseMLP
        Its parameters say how.
    hidden : tuple of int
        The widths, validated.
    entrance : Entrance
        What stands in front of them.

    Returns
    -------
    architecture : Architecture
        A frozen description.
    """
    activations = estimator._activations()
    if len(activations) != 1 or isinstance(estimator.activation, (list, tuple)):
        _check_one_each("activation", estimator.activation, len(hidden))
    rates = _dropout_rates(estimator.dropout, len(hidden))
    block = block_of(estimator)
    if not hidden and (any(rates) or block != Plain()):
        raise ValueError(
            f"dropout={estimator.dropout!r} and block={estimator.block!r} speak "
            "of hidden layers, but hidden_layer_sizes is empty. Add a hidden layer, "
            "or leave dropout=0.0 and block='plain'."
        )
    return Architecture(
        hidden,
        activations or (ACTIVATIONS.make("identity"),),
        block,
        rates,
        initializer_of(estimator),
        bool(estimator.use_bias),
        int(estimator.n_estimators) if estimator.share_trunk else 1,
        entrance,
    )


def _dropout_rates(dropout: Any, n_hidden: int) -> tuple[float, ...]:
    """Return the rates, one for all hidden layers or one for each."""
    if isinstance(dropout, Real):
        return (float(dropout),)
    rates = check_flat("dropout", dropout)
    _check_one_each("dropout", dropout, n_hidden)
    for rate in rates:
        if not isinstance(rate, Real) or not 0.0 <= float(rate) < 1.0:
            raise ValueError(
                f"dropout must hold numbers in [0, 1), got {rate!r} in {dropout!r}."
            )
    return tuple(float(rate) for rate in rates) or (0.0,)


def _check_one_each(name: str, given: Any, n_hidden: int) -> None:
    """Refuse a list whose length is not the number of hidden layers."""
    if len(given) != n_hidden:
        raise ValueError(
            f"{name} must be one for all hidden layers, or a list of one for each; "
            f"got {len(given)} for {n_hidden} hidden layers: {given!r}."
        )


# Parameters that choose a component, and how an estimator's choice is read.
_READERS: dict[str, Callable[[Any], Component | None]] = {
    "activation": lambda estimator: activations_of(estimator)[0],
    "loss": lambda estimator: loss_of(estimator, estimator._losses),
    "solver": lambda estimator: estimator._chosen_optimizer(),
    "learning_rate": schedule_of,
    "averaging": averaging_of,
    "block": block_of,
    "initializer": initializer_of,
    "numeric_embedding": lambda estimator: NUMERIC_EMBEDDINGS.make(
        estimator.numeric_embedding
    ),
    "checkpoint": checkpoint_of,
}


class NestedParameters:
    """Mixin: parameters of components are reached as ``solver__beta_2``, in a grid too.

    Components are frozen, so that setting a parameter puts a new one in their place; a
    name becomes an instance with the values that the other parameters describe.
    """

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator and of its components.

        Parameters
        ----------
        **params : dict
            Parameters by name; ``solver__beta_2`` is the ``beta_2`` of the solver.

        Returns
        -------
        self : object
            The estimator.
        """
        plain = {key: value for key, value in params.items() if "__" not in key}
        super().set_params(**plain)  # type: ignore[misc]  # scikit-learn's
        for key in sorted(params.keys() - plain.keys()):  # a part before its parameters
            name, _, path = key.partition("__")
            if name not in _READERS:
                super().set_params(**{key: params[key]})  # type: ignore[misc]  # raises
            setattr(self, name, self._component(name).with_param(path, params[key]))
        return self

    def _component(self, name: str) -> Component:
        """Return the component that stands behind a parameter; fit will look at it."""
        given: Any = getattr(self, name)
        if isinstance(given, (str, os.PathLike)) and given != FULL_BATCH_SOLVER:
            given = _READERS[name](self)
        if not isinstance(given, Component):
            raise ValueError(f"{name}={given!r} has no parameters to set.")
        return given
