"""The training configuration: an estimator's hyperparameters, parsed and validated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sknet._component import Component, Registry
from sknet.activations import ACTIVATIONS, Activation
from sknet.averages import Averaging
from sknet.config.components import (
    Params,
    activations_of,
    augment_of,
    averaging_of,
    block_of,
    check_one_each,
    checkpoint_of,
    conv_layers_of,
    dropout_rates,
    initializer_of,
    learning_rate_multipliers_of,
    learning_rule_of,
    loss_to_fit,
    optimizer_of,
    schedule_of,
    solver_of,
)
from sknet.config.lists import check_hidden_layer_sizes
from sknet.config.presets import Preset
from sknet.initializers import Initializer
from sknet.losses import Loss
from sknet.network.architecture import Architecture
from sknet.network.blocks import Block, Plain
from sknet.network.convolution import ConvLayer
from sknet.network.image_layers import ImageLayers
from sknet.network.input_embedding import NUMERIC_EMBEDDINGS, InputEmbedding
from sknet.network.layers import Augment, Layer
from sknet.network.learning_rules import Gradient, LearningRule
from sknet.optimizers import Optimizer
from sknet.schedules import Constant, Schedule
from sknet.training.checkpoint import Checkpoint
from sknet.training.member_config import Budget
from sknet.training.solver import Solver


@dataclass(frozen=True, eq=False)
class TrainingConfig:
    """The hyperparameters of an estimator, parsed into components.

    Hyperparameters of an estimator are not read anywhere else.

    Parameters
    ----------
    given : mapping of str to object
        All parameters as given by the user, by name, for messages; parameters that the
        kind of estimator does not have are those that its preset fixes.
    preset : Preset
        The preset of the kind of estimator.
    hidden_layer_sizes : tuple of int
        Widths of the hidden layers.
    activations : tuple of Activation
        The activation for all hidden layers, or one for each.
    block : Block
        The block of the hidden layers.
    dropout : tuple of float
        The dropout rate for all hidden layers, or one for each.
    initializer : Initializer
        Draws the initial weights.
    learning_rule : LearningRule
        What layers hand back in training.
    initial_arrays : sequence of object, or None
        Initial weights, and optionally biases, that overwrite the drawn ones.
    embedding : Layer or None
        The embedding of numeric features of a table.
    loss : Loss
        The loss to minimise.
    solver : Solver or None
        The solver; None if ``optimizer`` trains by minibatch steps.
    optimizer : Optimizer or None
        Makes the minibatch steps.
    schedule : Schedule
        The learning rate schedule.
    averaging : Averaging or None
        The running average of the weights to publish.
    learning_rate_multipliers : tuple of (str, float)
        Factors that multiply the learning rate, by parameter name.
    checkpoint : Checkpoint or None
        Where and how often the training is saved.
    conv_layers : tuple of ConvLayer, default=()
        The convolutional layers; empty in all estimators but those for images.
    augment : Augment or None, default=None
        What changes images at random during training.
    alpha, batch_size, bootstrap, ... : object
        The parameters of these names, as given by the user. Those from ``calibrate``
        on exist in some estimators only.
    """

    given: Params
    preset: Preset
    hidden_layer_sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    block: Block
    dropout: tuple[float, ...]
    initializer: Initializer
    learning_rule: LearningRule
    initial_arrays: Sequence[Any] | None
    embedding: Layer | None
    loss: Loss
    solver: Solver | None
    optimizer: Optimizer | None
    schedule: Schedule
    averaging: Averaging | None
    learning_rate_multipliers: tuple[tuple[str, float], ...]
    checkpoint: Checkpoint | None
    # as given by the user
    alpha: float
    batch_size: int | str
    bootstrap: bool
    clip_norm: float | None
    deterministic: bool
    dtype: str
    early_stopping: bool
    engine: str
    learning_rate_init: float
    max_fun: int
    max_iter: int
    max_time: float | None
    n_estimators: int
    n_iter_no_change: float
    n_jobs: int | None
    n_threads: int | None
    random_state: Any
    scoring: Any
    shared_backbone: bool
    shuffle: bool
    joint_early_stopping: bool
    tol: float
    use_bias: bool
    validation_fraction: float
    verbose: bool
    warm_start: bool
    calibrate: bool = False
    categorical_features: Any = "from_dtype"
    class_weight: Any = None
    clip_predictions: bool = False
    embedding_size: int = 0
    max_one_hot: int = 0
    image_shape: Any = None
    conv_layers: tuple[ConvLayer, ...] = ()
    augment: Augment | None = None
    _made: dict[InputEmbedding | ImageLayers, Architecture] = field(
        default_factory=dict, init=False
    )

    @classmethod
    def of(cls, given: Params, preset: Preset, losses: Registry[Any]) -> TrainingConfig:
        """Parse the hyperparameters of an estimator.

        Parameters
        ----------
        given : mapping of str to object
            The parameters, each already validated against its own constraints.
        preset : Preset
            The preset of the kind of estimator.
        losses : Registry
            The registered losses of a classifier or of a regressor.

        Returns
        -------
        config : TrainingConfig
            The configuration.

        Raises
        ------
        ValueError
            If the length of a list is not the number of hidden layers, or if parameters
            are incompatible.
        """
        _check_ensemble(given)
        _check_threads(given)
        hidden = check_hidden_layer_sizes(given["hidden_layer_sizes"])
        initializer, embedding = given["initializer"], given.get("numeric_embedding")
        solver = solver_of(given)
        config = cls(
            given=given,
            preset=preset,
            hidden_layer_sizes=hidden,
            activations=activations_of(given),
            block=block_of(given),
            dropout=dropout_rates(given["dropout"], len(hidden)),
            initializer=initializer_of(given),
            learning_rule=learning_rule_of(given),
            initial_arrays=initializer
            if isinstance(initializer, (list, tuple))
            else None,
            embedding=None if embedding is None else NUMERIC_EMBEDDINGS.make(embedding),
            loss=loss_to_fit(given, losses),
            solver=solver,
            optimizer=None if solver else optimizer_of(given, preset.optimizers),
            schedule=schedule_of(given),
            averaging=averaging_of(given),
            learning_rate_multipliers=learning_rate_multipliers_of(
                given, preset.learning_rate_multipliers
            ),
            checkpoint=checkpoint_of(given),
            conv_layers=conv_layers_of(given),
            augment=augment_of(given),
            **{name: given[name] for name in _AS_GIVEN & given.keys()},
        )
        config._check_hidden_layers()
        config._check_learning_rule()
        return config

    def _check_hidden_layers(self) -> None:
        """Raise an error for parameters that do not match the hidden layers."""
        hidden, activation = self.hidden_layer_sizes, self.given["activation"]
        if isinstance(activation, (list, tuple)):
            check_one_each("activation", activation, len(hidden))
        if not hidden and (any(self.dropout) or self.block != Plain()):
            raise ValueError(
                f"dropout={self.given['dropout']!r} and block={self.given['block']!r} "
                "apply to hidden layers, but hidden_layer_sizes is empty. Add a hidden "
                "layer, or use dropout=0.0 and block='plain'."
            )

    def _check_learning_rule(self) -> None:
        """Raise an error for networks that only the gradient trains."""
        if self.learning_rule.is_gradient:
            return
        refused = {"block": self.block != Plain()}
        refused["shared_backbone"] = bool(self.shared_backbone)
        for name in (name for name, is_refused in refused.items() if is_refused):
            fix = {"block": "'plain'", "shared_backbone": "False"}[name]
            raise ValueError(
                f"learning_rule={self.given['learning_rule']!r} is not supported with "
                f"{name}={self.given[name]!r}: it says what a dense layer hands back "
                "to the dense layer below it, and nothing about other layers. Use "
                f"{name}={fix}, or learning_rule='gradient'."
            )

    # ---- the network

    def architecture(
        self, input_embedding: InputEmbedding | ImageLayers
    ) -> Architecture:
        """Return the description of the network.

        Parameters
        ----------
        input_embedding : InputEmbedding or ImageLayers
            The part of the network before the hidden layers.

        Returns
        -------
        architecture : Architecture
            The input embedding and the hidden layers; the same object for equal input
            embeddings.
        """
        if input_embedding not in self._made:
            self._made[input_embedding] = self._architecture(input_embedding)
        return self._made[input_embedding]

    def _architecture(
        self, input_embedding: InputEmbedding | ImageLayers
    ) -> Architecture:
        """Create the description of the network."""
        return Architecture(
            self.hidden_layer_sizes,
            self.activations or (ACTIVATIONS.make("identity"),),
            self.block,
            self.dropout,
            self.initializer,
            bool(self.use_bias),
            int(self.n_estimators) if self.shared_backbone else 1,
            input_embedding,
            self.learning_rule,
        )

    # ---- the ensemble

    @property
    def n_networks(self) -> int:
        """Number of networks to train: one if the members share a backbone."""
        return 1 if self.shared_backbone else int(self.n_estimators)

    # ---- training

    @property
    def makes_steps(self) -> bool:
        """Whether the solver makes minibatch steps."""
        return self.solver is None or self.solver.makes_steps

    @property
    def steps_by(self) -> Optimizer:
        """The optimizer of a solver that makes minibatch steps."""
        if self.optimizer is None:
            raise TypeError(f"solver={self.solver!r} makes no minibatch steps.")
        return self.optimizer

    def has_effect(self, name: str) -> bool:
        """Return whether a parameter is set to anything that has an effect."""
        given = self.given[name]
        if isinstance(given, Component):
            return given not in (Constant(), Gradient())
        off = ("auto", Constant.name, Gradient.name, *Gradient.synonyms)
        return bool(given) and given not in off

    def schedule_in(self, incremental: bool) -> Schedule:
        """Return the learning rate schedule of ``fit`` or ``partial_fit``.

        In ``partial_fit``, whose end is not known, a planned schedule may be replaced
        by a constant one.
        """
        ends = self.preset.ends_plan_in_partial_fit
        if incremental and ends and self.schedule.is_planned:
            return Constant()
        return self.schedule

    def budget(self, incremental: bool) -> Budget:
        """Return the budget of a fit; a call of ``partial_fit`` is one epoch."""
        if incremental:
            return Budget(1)
        max_time = math.inf if self.max_time is None else float(self.max_time)
        return Budget(int(self.max_iter), max_time)

    def rows_at_once(self, n_rows: int) -> int:
        """Return the approximate number of rows in one matrix product."""
        if not self.makes_steps:
            return n_rows
        if self.batch_size == "auto":
            return self.preset.batch_rule.rows(n_rows)
        return min(int(self.batch_size), n_rows)

    def splits(self, n_rows: int) -> bool:
        """Return whether early stopping splits off some of ``n_rows`` rows."""
        n_validation = math.ceil(self.validation_fraction * n_rows)
        enough = n_validation >= self.preset.least_validation_rows
        return bool(self.early_stopping) and enough


# Fields that are parsed, and parameters that are kept as given by the user.
_READ = {"hidden_layer_sizes", "block", "dropout", "initializer", "loss", "averaging"}
_READ |= {"learning_rate_multipliers", "checkpoint", "solver", "learning_rule"}
_READ |= {"conv_layers", "augment"}
_AS_GIVEN = {f.name for f in fields(TrainingConfig) if f.init} - _READ


def _check_ensemble(given: Params) -> None:
    """Raise an error for incompatible parameters of an ensemble."""
    if given["n_estimators"] == 1:
        for name in ("bootstrap", "shared_backbone"):
            if given[name]:
                raise ValueError(
                    f"{name}=True requires an ensemble: set n_estimators > 1."
                )
    if given["bootstrap"] and given["shared_backbone"]:
        raise ValueError(
            "bootstrap=True cannot be combined with shared_backbone=True: networks "
            "that share their hidden layers are trained on the same rows. Set one of "
            "them to False."
        )


def _check_threads(given: Params) -> None:
    """Raise an error if deterministic training is to use several BLAS threads."""
    if given["deterministic"] and (given["n_threads"] or 1) > 1:
        raise ValueError(
            "deterministic=True limits BLAS to one thread, got n_threads="
            f"{given['n_threads']}. Use n_threads=None, or deterministic=False."
        )
