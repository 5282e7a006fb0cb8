"""To scikit-learn's own class of the same kind, and back."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sknet._sklearn import set_mlp_memory
from sknet.config.components import (
    optimizer_of,
    schedule_of,
    solver_of,
)
from sknet.config.training_config import TrainingConfig
from sknet.estimators.keeping.handover import memory_for_sister, memory_of_sister
from sknet.estimators.keeping.plain import (
    VALUE_LOSS_OF_LINK,
    activation_name,
    affine_maps,
    defaults_of,
    obstacles,
)
from sknet.losses import VALUE_LOSSES, ClassLoss, LogLoss, Loss
from sknet.model.state import to_attributes, untrained
from sknet.network.architecture import Architecture
from sknet.network.blocks import Plain
from sknet.network.entrance import Entrance
from sknet.optimizers import SGD, Adam
from sknet.problem.inputs import Columns
from sknet.schedules import Adaptive, Constant, InvScaling
from sknet.solvers import LBFGS


# Fitted attributes of one name and one meaning.
_SHARED = (
    "n_features_in_",
    "feature_names_in_",
    "n_outputs_",
    "out_activation_",
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
)
# Parameters that change how training goes on, and that scikit-learn does not have.
_UNKNOWN = (
    "class_weight",
    "dropout",
    "rate_factors",
    "clip_norm",
    "averaging",
    "scoring",
    "max_time",
    "checkpoint",
    "deterministic",
)


class Conversion:
    """Mixin: estimators that have a sister in scikit-learn."""

    _sister: ClassVar[type]

    # ---- what the classifier and the regressor say for themselves

    def _label_sister(self, mlp: Any) -> None:
        """Give the sister what it knows of the target's values."""
        raise NotImplementedError

    def _target_of_sister(self, mlp: Any) -> Any:
        """Return how the fitted target of the sister becomes columns."""
        raise NotImplementedError

    # ---- there and back

    def to_sklearn(self) -> Any:
        """Return the fitted network as scikit-learn's own estimator.

        It predicts the same, needs no sknet where it is loaded, and converts wherever
        scikit-learn's class does. Only a plain network has an equal one: a single one,
        with the activation "identity", "logistic", "tanh" or "relu" in all hidden
        layers, ``block="plain"``, and a loss whose output activation is that of
        scikit-learn's class: of a classifier the softmax or the logistic function, of
        a regressor none, or the exponential. What is fixed at prediction is folded
        into the weights: a normalization over batches, the factors of ``"ntk"``. Where
        there are no biases they are zero.

        Returns
        -------
        mlp : MLPClassifier or MLPRegressor
            Fitted, with arrays of its own. Its ``partial_fit`` goes on as here, with
            Adam's moments or the velocities; but the order of the rows is drawn anew,
            and ``fit`` with ``warm_start=True`` begins with a new optimizer and
            a new validation split, as scikit-learn does.

        Raises
        ------
        ValueError
            If there is no equal one; the message lists all reasons, and what to do.

        Warns
        -----
        UserWarning
            If parameters are left out that matter in further training only: dropout,
            losses, schedules, optimizers and so on that scikit-learn does not have.

        Examples
        --------
        >>> from sknet import SimpleMLPClassifier
        >>> network = SimpleMLPClassifier((3,), solver="lbfgs", random_state=0)
        >>> network.fit([[0.0], [1.0]], ["no", "yes"]).to_sklearn()
        MLPClassifier(hidden_layer_sizes=(3,), random_state=0, solver='lbfgs')
        """
        check_is_fitted(self)
        reasons = list(obstacles(self))
        if reasons:
            raise ValueError(
                f"This {type(self).__name__} has no equal {self._sister.__name__}: "
                f"{'; '.join(reasons)}. As it is it can be written as ONNX, with "
                "sknet.onnx.register() and skl2onnx."
            )
        parameters, left_out = _parameters_for_sister(self)
        if left_out:
            warnings.warn(
                f"{self._sister.__name__} does not know {', '.join(left_out)}. It "
                "predicts the same, but training would go on without.",
                stacklevel=2,
            )
        mlp = clone(self._sister(**parameters))  # with a random state of its own
        vars(mlp).update(_shared(self))
        if mlp.early_stopping and vars(mlp).get("validation_scores_", ()) is None:
            # There was nothing to split off; scikit-learn will add to the list.
            mlp.validation_scores_, mlp.best_validation_score_ = [], -np.inf
        mlp.coefs_, mlp.intercepts_ = affine_maps(self)
        mlp.n_layers_ = len(mlp.coefs_) + 1
        self._label_sister(mlp)
        set_mlp_memory(mlp, memory_for_sister(self, mlp))
        return mlp

    @classmethod
    def from_sklearn(cls, mlp: Any) -> Self:
        """Return a fitted estimator that equals one of scikit-learn.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            Fitted: the class with this one's name, "Simple" apart.

        Returns
        -------
        estimator : object
            Fitted, with arrays of its own: the same parameters, weights, predictions
            and curves; only a ``learning_rate`` that scikit-learn ignores, which it
            does with any solver but "sgd", becomes "constant". ``partial_fit``, and
            ``fit`` with ``warm_start=True``, go on with the optimizer's moments or
            velocities and the random stream; the validation split is drawn anew.

        Raises
        ------
        TypeError
            If it is something else.
        ValueError
            If its output activation was changed by hand, it has seen a single class,
            or this class encodes tables.

        Examples
        --------
        >>> from sklearn.neural_network import MLPRegressor
        >>> from sknet import SimpleMLPRegressor
        >>> mlp = MLPRegressor(solver="lbfgs", random_state=0)
        >>> SimpleMLPRegressor.from_sklearn(mlp.fit([[0.0], [1.0]], [0.0, 1.0]))
        SimpleMLPRegressor(random_state=0, solver='lbfgs')
        """
        if cls._input_reader.encodes_tables:
            raise ValueError(
                f"{cls.__name__} encodes tables before its networks, which "
                f"{cls._sister.__name__} does not. Use "
                f"{cls.__name__.replace('Tabular', 'Simple')}.from_sklearn."
            )
        if not isinstance(mlp, cls._sister):
            raise TypeError(
                f"{cls.__name__}.from_sklearn takes a fitted {cls._sister.__name__}, "
                f"got {type(mlp).__name__}."
            )
        check_is_fitted(mlp)
        parameters = clone(mlp).get_params(deep=False)
        if mlp.solver != SGD.name:  # scikit-learn ignores it, and here it would act
            parameters["learning_rate"] = Constant.name
        estimator = cls(**parameters)
        hidden = tuple(len(bias) for bias in mlp.intercepts_[:-1])
        config = replace(TrainingConfig.of(estimator), hidden_layer_sizes=hidden)
        architecture = config.architecture(Entrance())
        target = estimator._target_of_sister(mlp)
        if target.loss.link_name != mlp.out_activation_:
            raise ValueError(
                f"out_activation_={mlp.out_activation_!r} is not what "
                f"{type(mlp).__name__} gives a network like this one, but "
                f"{target.loss.link_name!r}: it was changed by hand."
            )
        model = untrained(Columns(mlp.n_features_in_), architecture, target)
        vars(estimator).update(_shared(mlp) | to_attributes(model))
        n_parameters = model.network.layout.n_parameters
        estimator.theta_ = np.empty((1, n_parameters), dtype=mlp.coefs_[0].dtype)
        estimator.coefs_, estimator.intercepts_ = mlp.coefs_, mlp.intercepts_
        vars(estimator).update(memory_of_sister(estimator, mlp))
        return estimator


def _shared(fitted: Any) -> dict[str, Any]:
    """Return copies of the fitted attributes that both classes have, as plain data."""
    state = {name: vars(fitted)[name] for name in _SHARED if name in vars(fitted)}
    return {name: _plain(value) for name, value in state.items()}


def _plain(value: Any) -> Any:
    """Return a copy of an attribute, with Python's numbers."""
    if isinstance(value, list):
        return [float(number) for number in value]
    if isinstance(value, np.ndarray):
        return value.copy()
    return value.item() if isinstance(value, np.generic) else value


# ------------------------------------------------------------------------ there


def _parameters_for_sister(estimator: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the sister's parameters, and those for which it has no place."""
    network = estimator._model.architecture
    names, ours = defaults_of(estimator._sister), defaults_of(type(estimator))
    found = {name: getattr(estimator, name) for name in names}
    found["hidden_layer_sizes"] = network.hidden_layer_sizes
    found["activation"] = activation_name(network)
    given = {name: getattr(estimator, name, None) for name in _UNKNOWN}
    left_out = {name: value for name, value in given.items() if value != ours.get(name)}
    left_out |= _parts_left_out(network)
    loss, own_loss = estimator._model.loss, _loss_of_sister(estimator)
    if loss != own_loss:
        left_out["loss"] = loss
    if "loss" in names:
        found["loss"] = own_loss.name
    for name, read in {"solver": _solver, "learning_rate": _learning_rate}.items():
        values = read(estimator)
        if values is None:
            left_out[name] = getattr(estimator, name)
            values = {name: names[name]}
        found |= values
    return found, [f"{name}={value!r}" for name, value in left_out.items()]


def _parts_left_out(network: Architecture) -> dict[str, Any]:
    """Return the parts of a network that its sister has in other weights, or not."""
    found: dict[str, Any] = {}
    if not network.use_bias:
        found["use_bias"] = False
    if network.block != Plain():
        found["block"] = network.block
    if network.initializer.rescales:
        found["initializer"] = network.initializer
    return found


def _loss_of_sister(estimator: Any) -> Loss:
    """Return the loss that scikit-learn's class trains a network of this kind by."""
    loss = estimator._model.loss
    if isinstance(loss, ClassLoss):
        return LogLoss(exclusive=loss.exclusive)
    return VALUE_LOSSES.make(VALUE_LOSS_OF_LINK[loss.link_name])


def _solver(estimator: Any) -> dict[str, Any] | None:
    """Return the parameters that say the solver, or None if there are none.

    A class that inherits from one of ours may step otherwise, and has none.
    """
    solver = solver_of(estimator)
    if solver is not None:
        return {"solver": solver.name} if type(solver) is LBFGS else None
    optimizer = optimizer_of(estimator)
    if type(optimizer) is Adam and not optimizer.weight_decay:
        moments = {name: getattr(optimizer, name) for name in _MOMENTS}
        return {"solver": "adam", **moments}
    if type(optimizer) is SGD and not optimizer.weight_decay:
        momentum, nesterov = optimizer.momentum, optimizer.nesterov
        found = {"momentum": momentum, "nesterovs_momentum": nesterov}
        return {"solver": "sgd", **found}
    return None


_MOMENTS = ("beta_1", "beta_2", "epsilon")


def _learning_rate(estimator: Any) -> dict[str, Any] | None:
    """Return the parameters that say the schedule, or None if there are none."""
    schedule = schedule_of(estimator)
    if schedule == Constant():
        return {"learning_rate": schedule.name}
    if (_solver(estimator) or {}).get("solver") != SGD.name:
        return None  # scikit-learn would ignore it
    if type(schedule) is InvScaling:
        return {"learning_rate": "invscaling", "power_t": schedule.power_t}
    if schedule == Adaptive():
        return {"learning_rate": schedule.name}
    return None
