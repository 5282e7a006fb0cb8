r"""Optimizers: from a gradient to a step.

An optimizer rewrites a gradient into the step that is subtracted from the parameters.
It holds hyperparameters; its memory lives in *slots*, arrays as large as the
gradient. Clipping, decay and the course of the learning rate are not its business,
but the rate of the moment is handed in: momentum as scikit-learn defines it
accumulates *steps*, each with the rate it was made at, and Adam folds its bias
correction and the rate into one factor, which saves a pass over the parameters.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from sknet._component import Component, Registry
from sknet._numerics import Array, Scalar


class Optimizer(Component):
    """Base of the optimizers; all are elementwise, so they may run block by block.

    Attributes
    ----------
    weight_decay : float
        Decoupled decay: before each step the decayed weights are multiplied with
        ``1 - rate * weight_decay``, by whoever applies the step.
    """

    weight_decay: float

    @property
    @abstractmethod
    def n_slots(self) -> int:
        """How many arrays like the gradient the optimizer remembers."""

    @abstractmethod
    def step(
        self,
        grad: Array,
        slots: Sequence[Array],
        t: Scalar,
        rate: Scalar,
        scratch: Array,
    ) -> None:
        """Rewrite ``grad`` into the step to subtract, in place.

        ``t`` counts steps from 1. ``grad``, ``scratch`` (overwritten) and every slot
        have the shape (K, block). Where members differ, ``t``, ``rate`` and the fields
        that the class names in ``rows`` have the shape (K, 1), in float64; ``rounded``
        brings what is computed from them to the type of ``grad``.
        """


OPTIMIZERS: Registry[Optimizer] = Registry("solver", Optimizer)
