"""The validation set: rows on which networks are scored during training."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from sknet._numerics import Array
from sknet._rows import in_rows
from sknet.losses import Loss
from sknet.model.fitted import FittedModel
from sknet.model.pooling import pooled
from sknet.model.state import keep_model
from sknet.training.batches import Batches, Dataset
from sknet.training.buffers import Buffers
from sknet.training.inference import CHUNK_ROWS, mean_loss, raw_outputs_of_rows
from sknet.training.member import Member


# With fewer validation rows, the score is too noisy to decide when to stop.
MIN_VALIDATION_ROWS = 10

# Number of random networks with which a scorer is tested if all rows are of one class.
_N_TRIED = 7


class NoSplitError(ValueError):
    """Raised if no validation set can be split off, with the reason as its message."""


@dataclass(frozen=True)
class ValidationSet:
    """A validation set.

    Parameters
    ----------
    data : Dataset
        The data that contain the rows: features, encoded target and weights.
    y : ndarray of shape (N,) or (N, C)
        The target, as passed by the user.
    rows : ndarray of int, or None, default=None
        Row numbers of the validation rows; None for all rows.
    score : callable or None, default=None
        Maps parameters (1, P) and finite raw outputs (N, C) of the validation rows to
        a number; None for the negative loss.
    pools : bool, default=False
        Whether the members of a stack are all scored by their mean prediction.
    stands_in : bool, default=False
        Whether the loss replaces a scorer that cannot score these rows.
    """

    data: Dataset
    y: Array
    rows: Array | None = None
    score: Callable[[Array, Array], float] | None = field(default=None, compare=False)
    pools: bool = False
    stands_in: bool = False

    @property
    def n_rows(self) -> int:
        """Number of validation rows."""
        return self.data.n_rows if self.rows is None else len(self.rows)

    def chosen(self, values: Array) -> Array:
        """Return the values of the validation rows."""
        return values if self.rows is None else values[self.rows]

    def score_of(self, theta: Array, raw: Array, loss: float) -> float:
        """Return the score of raw outputs (N, C) with a known loss."""
        if not np.isfinite(raw).all():
            return math.nan
        return -loss if self.score is None else float(self.score(theta, raw))


def split_rows(
    n_rows: int, fraction: float, labels: Array | None, stream: np.random.RandomState
) -> tuple[Array, Array]:
    """Split row numbers at random, with the same draws as scikit-learn.

    Parameters
    ----------
    n_rows : int
        Number of rows, N.
    fraction : float in [0, 1)
        Proportion of validation rows.
    labels : ndarray of shape (N,), or None
        Labels for a stratified split.
    stream : RandomState
        The random stream, which is advanced.

    Returns
    -------
    training, validation : ndarray of int
        Row numbers, shuffled.

    Raises
    ------
    NoSplitError
        If either part would be too small, or a label occurs in a single row.
    """
    n_validation = _n_validation(n_rows, fraction)
    if labels is not None:
        names, counts = np.unique(labels, return_counts=True)
        if counts.min() < 2:
            rare = names[counts < 2].tolist()
            raise NoSplitError(f"the classes {rare} have a single row each")
        if min(n_validation, n_rows - n_validation) < len(names):
            raise NoSplitError(
                f"{n_rows} rows cannot be split such that both parts have all classes"
            )
    training, validation = train_test_split(
        np.arange(n_rows), test_size=fraction, random_state=stream, stratify=labels
    )
    return training, validation


def split_in_proportion(
    n_rows: int, fraction: float, labels: Array, stream: np.random.RandomState
) -> tuple[Array, Array]:
    """Split row numbers such that both parts are stratified as far as possible.

    Rare classes are allowed: a class of a few rows may be missing from the validation
    rows, but at least one of its rows is always trained on.

    Parameters
    ----------
    n_rows, fraction, stream
        As for :func:`split_rows`.
    labels : ndarray of shape (N,)
        Labels of any number of classes.

    Returns
    -------
    training, validation : ndarray of int
        Row numbers, shuffled.

    Raises
    ------
    NoSplitError
        If either part would be too small.
    """
    n_validation = _n_validation(n_rows, fraction)
    codes = np.unique(labels, return_inverse=True)[1].ravel()
    counts = np.bincount(codes)
    order = stream.permutation(n_rows)
    by_class = order[np.argsort(codes[order], kind="stable")]
    shares = counts * (n_validation / n_rows)
    held = np.minimum(np.floor(shares).astype(int), counts - 1)
    ranks = np.lexsort((stream.permutation(len(counts)), held - shares))
    while (left := n_validation - held.sum()) > 0:
        room = ranks[held[ranks] < counts[ranks] - 1]
        if not len(room):
            raise NoSplitError(
                f"validation_fraction={fraction:g} of {n_rows} rows leaves no training "
                f"row for some of the {len(counts)} classes"
            )
        held[room[:left]] += 1
    position = np.arange(n_rows) - np.repeat(np.cumsum(counts) - counts, counts)
    is_held = position < np.repeat(held, counts)
    parts = by_class[~is_held], by_class[is_held]
    training, validation = (stream.permutation(part) for part in parts)
    return training, validation


def _n_validation(n_rows: int, fraction: float) -> int:
    """Return the number of validation rows; raise an error if a part is too small."""
    n_validation = math.ceil(fraction * n_rows)
    if n_validation < MIN_VALIDATION_ROWS:
        raise NoSplitError(
            f"validation_fraction={fraction:g} of {n_rows} rows is {n_validation}, "
            f"fewer than {MIN_VALIDATION_ROWS}"
        )
    if n_rows - n_validation < 1:
        raise NoSplitError(
            f"validation_fraction={fraction:g} of {n_rows} rows leaves no training row"
        )
    return n_validation


class Validator:
    """Scores the members of a stack on their validation sets.

    Parameters
    ----------
    members : sequence of Member
        The members; their validation sets have the same number of rows.
    dtype : dtype
        Type of the computation.
    buffers : Buffers
        Buffers for the rows while they are scored.
    """

    def __init__(
        self, members: Sequence[Member], dtype: np.dtype[Any], buffers: Buffers
    ) -> None:
        validation_sets: list[ValidationSet] = [
            member.validation_set for member in members
        ]
        self._validation_sets = validation_sets
        self._network = members[0].config.network
        self._engine = members[0].config.engine
        self._loss = in_rows([member.config.loss for member in members])
        alike = all(h is validation_sets[0] for h in validation_sets)
        chosen = validation_sets[:1] if alike else validation_sets
        self._parts = list(self._cut(chosen, dtype, buffers))
        self._y = np.stack([h.chosen(h.data.y) for h in chosen])
        self._weight = None
        if validation_sets[0].data.weight is not None:
            weights = [(h, h.data.weight) for h in chosen]
            self._weight = np.stack([h.chosen(w) for h, w in weights if w is not None])

    def _cut(
        self, chosen: Sequence[ValidationSet], dtype: np.dtype[Any], buffers: Buffers
    ) -> Iterator[tuple[slice, Batches, Array | None]]:
        """Yield the members to score at the same time, their batches and row numbers.

        The number of rows per member in a chunk is the same as for a single member, so
        that the matrix products are identical; therefore the number of members is
        limited instead.
        """
        n_members, n_rows = len(self._validation_sets), chosen[0].n_rows
        chunk = self._network.rows_at_once(CHUNK_ROWS // self._network.n_heads)
        step = max(1, chunk // max(1, min(n_rows, chunk)))
        for start in range(0, n_members, step):
            part = slice(start, min(start + step, n_members))
            of_part = chosen if len(chosen) == 1 else chosen[part]
            data, order = [validation_set.data for validation_set in of_part], None
            if chosen[0].rows is not None:
                rows = [validation_set.rows for validation_set in of_part]
                order = np.stack([r for r in rows if r is not None])
            yield part, Batches(data, chunk, dtype, buffers=buffers), order

    def __call__(self, theta: Array) -> tuple[Array, Array]:
        """Return the validation losses, without penalty, and the scores, both (K,)."""
        n_members, first = len(theta), self._validation_sets[0]
        raw = np.concatenate(
            [
                raw_outputs_of_rows(
                    self._network,
                    theta[part],
                    batches,
                    order,
                    first.n_rows,
                    self._engine,
                )
                for part, batches, order in self._parts
            ]
        )
        if first.pools:
            raw = pooled(self._loss, raw)[None]
            loss = float(mean_loss(self._loss, raw, self._y, self._weight)[0])
            score = first.score_of(theta, raw[0], loss)
            return np.full(n_members, loss), np.full(n_members, score)
        raw = self._without_heads(raw, n_members)
        losses = mean_loss(self._loss, raw, self._y, self._weight).astype(float)
        pairs = enumerate(zip(self._validation_sets, losses.tolist(), strict=True))
        scores = [h.score_of(theta[k : k + 1], raw[k], loss) for k, (h, loss) in pairs]
        return losses, np.array(scores)

    def _without_heads(self, raw: Array, n_members: int) -> Array:
        """Pool the heads of each member, if it has several."""
        if len(raw) == n_members:
            return raw
        heads = raw.reshape(n_members, -1, *raw.shape[1:])
        return np.stack([pooled(self._loss, of_member) for of_member in heads])


@dataclass(frozen=True)
class OwnScore:
    """The score of the estimator itself: accuracy, or coefficient of determination.

    Parameters
    ----------
    target : ClassTarget or ValueTarget
        The encoding of targets as columns.
    loss : Loss
        The loss; its link maps raw outputs to predictions.
    y : ndarray of shape (N,) or (N, C)
        The target of the validation rows, as passed by the user.
    weight : ndarray of shape (N,), or None
        Weights of the validation rows.
    """

    target: Any
    loss: Loss
    y: Array
    weight: Array | None

    def __call__(self, theta: Array, raw: Array) -> float:
        """Return the score of raw outputs (N, C)."""
        del theta
        return float(self.target.score(self.loss.link(raw), self.y, self.weight))


class ScorerScore:
    """The score of a scikit-learn scorer.

    Parameters
    ----------
    view : BaseMLP
        A copy of the estimator with all fitted attributes except for the parameters.
    model : FittedModel
        The model that its attributes describe.
    scoring : str or callable
        Name of a scorer, or a callable ``scorer(estimator, X, y)``. Weights are passed
        on if it has a parameter ``sample_weight``.
    validation_set : ValidationSet
        The rows to score.
    """

    def __init__(
        self, view: Any, model: FittedModel, scoring: Any, validation_set: ValidationSet
    ) -> None:
        self._view, self._model = view, model
        self._scorer = get_scorer(scoring)
        self._validation_set = validation_set
        data, self._y = validation_set.data, validation_set.chosen(validation_set.y)
        self._weight = {}
        takes_weight = "sample_weight" in inspect.signature(self._scorer).parameters
        if data.weight is not None and takes_weight:
            self._weight = {"sample_weight": validation_set.chosen(data.weight)}

    def __call__(self, theta: Array, raw: Array) -> float:
        """Return the score of parameters; NaN if they have diverged."""
        if not np.isfinite(raw).all():
            return math.nan
        return self._number(self._score(theta))

    def _score(self, theta: Array) -> Any:
        """Return the result of the scorer."""
        view = object.__new__(type(self._view))  # several threads may score at once
        vars(view).update(vars(self._view), theta_=theta)
        keep_model(view, replace(self._model, theta=theta))
        # Gathered each time, so that networks do not hold copies of their rows.
        x = self._validation_set.data.features(self._validation_set.rows)
        return self._scorer(view, x, self._y, **self._weight)

    def _number(self, score: Any) -> float:
        """Return a score as a float; raise an error if it is not a number."""
        number = np.asarray(score)
        if number.ndim or not isinstance(number.item(), Real):
            raise ValueError(
                f"scoring must return a number, got {score!r} of type "
                f"{type(score).__name__} from {self._scorer!r}."
            )
        return float(score)

    def trouble(self, theta: Array, alone: bool) -> str:
        """Return why rows that lack a class cannot be scored; "" if they can be.

        Parameters
        ----------
        theta : ndarray of shape (K, P)
            Any parameters.
        alone : bool
            Whether the rows are of a single class. Many scorers then return the same
            value for all predictions, with or without a warning.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                scores = [self._score(other) for other in _tried(theta, alone)]
            except (ValueError, LookupError, ArithmeticError) as error:
                return f"{type(error).__name__}: {error}"
        numbers = [self._number(score) for score in scores]
        if np.isnan(numbers).any():
            return "it is NaN"
        found = [w.message for w in caught if issubclass(w.category, UserWarning)]
        if alone and found:
            return str(found[0])
        is_blind = alone and len(set(numbers)) == 1
        return f"it is {numbers[0]:g} for all predictions" if is_blind else ""


def _tried(theta: Array, several: bool) -> list[Array]:
    """Return parameters to test a scorer with: these, and optionally random ones.

    New networks may predict the same for all rows, unlike those of random parameters.
    """
    stream = check_random_state(0)
    noise = [stream.standard_normal(theta.shape) for _ in range(_N_TRIED * several)]
    return [theta, *(theta + draw.astype(theta.dtype) for draw in noise)]
