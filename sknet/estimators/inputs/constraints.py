"""Constraints: what every parameter of the estimators may be, before anything else."""

from __future__ import annotations

import os
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names

from sknet._sklearn import Interval, Options, Part, StrOptions
from sknet.activations import ACTIVATIONS, Activation
from sknet.averages import AVERAGES, Averaging
from sknet.estimators.inputs.components import FULL_BATCH_SOLVER
from sknet.initializers import INITIALIZERS, Initializer
from sknet.network.blocks import BLOCKS, Block
from sknet.optimizers import OPTIMIZERS, Optimizer
from sknet.schedules import SCHEDULES, Schedule
from sknet.training.checkpoint import Checkpoint


# What has a range only, by name; components look at their own fields themselves.
CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": [
        "array-like",
        Interval(Integral, 1, None, closed="left"),
    ],
    "activation": [Part(ACTIVATIONS, Activation), list, tuple],
    "solver": [Part(OPTIMIZERS, Optimizer, FULL_BATCH_SOLVER)],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [
        StrOptions({"auto"}),
        Interval(Integral, 1, None, closed="left"),
    ],
    "learning_rate": [Part(SCHEDULES, Schedule)],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "output_activation": [str, None],
    "block": [Part(BLOCKS, Block)],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "use_bias": ["boolean"],
    "initializer": [Part(INITIALIZERS, Initializer), list, tuple],
    "rate_factors": [dict, None],
    "clip_norm": [Interval(Real, 0, None, closed="neither"), None],
    "averaging": [Part(AVERAGES, Averaging), None],
    "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
    "dtype": [StrOptions({"auto", "float32", "float64"})],
    "max_time": [Interval(Real, 0, None, closed="neither"), None],
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    "bootstrap": ["boolean"],
    "share_trunk": ["boolean"],
    "stop_together": ["boolean"],
    "n_jobs": [Integral, None],
    "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    "checkpoint": [str, os.PathLike, Checkpoint, None],
    "deterministic": ["boolean"],
}
