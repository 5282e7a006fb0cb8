r"""The optimizer: turns a gradient into a step.

An optimizer rewrites a gradient into the step that is subtracted from the parameters.
It holds only hyperparameters; its state is kept in *slots*, arrays as large as the
gradient. Clipping, weight decay and the learning rate schedule are handled elsewhere,
but the current learning rate is an argument: momentum as scikit-learn defines it
accumulates *steps*, each with the learning rate it was made at, and Adam combines its
bias correction and the rate in one factor, which saves a pass over the parameters.
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
        Decoupled decay: before each step, the caller multiplies the decayed weights by
        ``1 - rate * weight_decay``.
    """

    weight_decay: float

    @property
    @abstractmethod
    def n_slots(self) -> int:
        """Number of slots, arrays like the gradient, that the optimizer needs."""

    @abstractmethod
    def step(
        self,
        grad: Array,
        slots: Sequence[Array],
        t: Scalar,
        rate: Scalar,
        scratch: Array,
    ) -> None:
        """Turn ``grad`` into the step to subtract, in place.

        ``t`` counts steps from 1. ``grad``, ``scratch`` (overwritten) and every slot
        have shape (K, block). If members differ, ``t``, ``rate`` and the fields that
        the class lists in ``rows`` have shape (K, 1), in float64; ``rounded`` converts
        values computed from them to the dtype of ``grad``. A step can be recorded: the
        numbers are then only calculated with, by operators and the functions of
        ``sknet._rows``; see ``recordable`` of :class:`Component`.
        """


OPTIMIZERS: Registry[Optimizer] = Registry("solver", Optimizer)
