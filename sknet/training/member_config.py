"""The training configuration of a member, and the trainer of several members."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sknet._rows import in_rows, one_or_rows, shared
from sknet.averages import Averaging
from sknet.losses import Loss
from sknet.network.architecture import Architecture
from sknet.network.network import Network, perceptron
from sknet.objective import Objective
from sknet.optimizers import Optimizer
from sknet.penalties import L2
from sknet.training.learning_rates import LearningRate, LearningRates
from sknet.training.monitor import StoppingRule
from sknet.training.trainer import Trainer


@dataclass(frozen=True)
class Budget:
    """Limits on the length of a training.

    Parameters
    ----------
    max_iter : int
        Maximum number of epochs, or of iterations of L-BFGS.
    max_time : float
        Time limit in seconds; may be infinite.
    """

    rows: ClassVar[tuple[str, ...]] = ("max_iter",)

    max_iter: int
    max_time: float = math.inf


@dataclass(frozen=True)
class MemberConfig:
    """The training configuration of one member, without its data and its state.

    Parameters
    ----------
    architecture : Architecture
        The hidden layers.
    n_inputs, n_raw : int
        Number of features, and of raw outputs.
    loss : Loss
        The loss to minimise.
    optimizer : Optimizer
        Turns gradients into steps.
    learning_rate : LearningRate
        The learning rate.
    stopping_rule : StoppingRule
        Determines when training has converged.
    budget : Budget
        Limits on the length of training.
    alpha : float
        Strength of the L2 penalty.
    batch_size : int
        Number of rows in a batch.
    least_rows : int
        Minimum number of rows in a batch.
    shuffle : bool
        Whether the rows are shuffled in each epoch.
    clip_norm : float or None
        Maximum norm of the gradient.
    averaging : Averaging or None
        The running average of the parameters, if one is kept.
    learning_rate_multipliers : tuple of (str, float)
        Factors that multiply the learning rate, by parameter name.
    shares_noise : bool
        Whether all rows of a batch share the same noise.
    verbose : bool
        Whether the epochs are reported.
    engine : {"auto", "compiled", "numpy"}, default="auto"
        What makes the steps.
    """

    rows: ClassVar[tuple[str, ...]] = ("learning_rate", "alpha")

    architecture: Architecture
    n_inputs: int
    n_raw: int
    loss: Loss
    optimizer: Optimizer
    learning_rate: LearningRate
    stopping_rule: StoppingRule
    budget: Budget
    alpha: float
    batch_size: int
    least_rows: int = 1
    shuffle: bool = True
    clip_norm: float | None = None
    averaging: Averaging | None = None
    learning_rate_multipliers: tuple[tuple[str, float], ...] = ()
    shares_noise: bool = False
    verbose: bool = False
    engine: str = "auto"

    @property
    def network(self) -> Network:
        """The network, built once for all configurations that share it."""
        return perceptron(self.n_inputs, self.architecture, self.n_raw)

    @property
    def shape(self) -> tuple[Any, ...]:
        """What members must have in common to be rows of one array.

        It consists of all fields except those declared as ``rows``, and of whether
        dropout, slots and weight decay are in use, since this determines what is
        computed.
        """
        drops = tuple(rate > 0.0 for rate in self.architecture.dropout)
        decays = self.optimizer.weight_decay > 0.0
        return shared(self), drops, self.optimizer.n_slots, decays


def trainer_of(configs: Sequence[MemberConfig]) -> Trainer:
    """Return the trainer of several members with configurations of the same shape.

    Parameters
    ----------
    configs : sequence of MemberConfig
        The configuration of each member.

    Returns
    -------
    trainer : Trainer
        The trainer, in which values that differ between members are rows.
    """
    first = configs[0]
    loss = in_rows([config.loss for config in configs])
    alpha = one_or_rows([config.alpha for config in configs])
    return Trainer(
        Objective(_network_of(configs), loss, L2(), alpha),
        in_rows([config.optimizer for config in configs]),
        LearningRates([config.learning_rate for config in configs]),
        first.shuffle,
        first.clip_norm,
        first.averaging,
        first.learning_rate_multipliers,
        first.shares_noise,
    )


def _network_of(configs: Sequence[MemberConfig]) -> Network:
    """Return the network of several members, which may differ in dropout rates only."""
    first = configs[0]
    rates = [config.architecture.dropout for config in configs]
    if all(rate == rates[0] for rate in rates):
        return first.network
    rows = tuple(one_or_rows(of_layer) for of_layer in zip(*rates, strict=True))
    architecture = replace(first.architecture, dropout=rows)  # type: ignore[arg-type]  # rows
    layers = architecture.layers(first.n_inputs, first.n_raw)
    return Network(layers, first.network.input_shape)
