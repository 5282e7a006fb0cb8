"""The base class of the estimators: ``fit``, prediction and fitted attributes.

Attributes with a trailing underscore are fitted state and hold plain data. They are
all set together at the end of a fit; a fit that fails leaves nothing behind.
"""

from __future__ import annotations

import os
from abc import ABC
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sknet._component import Registry
from sknet._numerics import Array
from sknet._sklearn import (
    CallbackSupportMixin,
    fit_context,
    has_valid_parameters,
    parameter_names,
)
from sknet._version import restored, stamped
from sknet.config.components import makes_steps
from sknet.config.nested import component_of, is_sequence, items_of, with_item
from sknet.config.presets import SIMPLE, Preset
from sknet.config.training_config import TrainingConfig
from sknet.config.unchanged import kept_config
from sknet.estimators.export.conversion import from_sklearn, to_sklearn
from sknet.estimators.fitting import fit_estimator
from sknet.estimators.outputs.members import members_of
from sknet.estimators.outputs.parameters import (
    assign,
    biases_by_layer,
    check_plain,
    weights_by_layer,
)
from sknet.estimators.programs import Programs, programs_of
from sknet.model.state import model_of
from sknet.problem.readers import DataReader
from sknet.solvers.problem import FitRequest
from sknet.solvers.threads import blas_threads


def is_stochastic(estimator: BaseMLP) -> bool:
    """Return whether the solver trains in minibatches, as ``partial_fit`` requires."""
    if not makes_steps({"solver": estimator.solver}):
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{estimator.solver} is not stochastic."
        )
    return True


class BaseMLP(CallbackSupportMixin, BaseEstimator, ABC):
    """Base class of the classifiers and the regressors."""

    # Overridden by the subclasses: how data are read, and how they are trained.
    _reader: ClassVar[DataReader]
    _preset: ClassVar[Preset] = SIMPLE
    _losses: ClassVar[Registry[Any]]
    _parameter_constraints: ClassVar[dict[str, list[Any]]]

    # ---- fitting

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Fit the network to data.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Features: finite numbers.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target: class labels or a multilabel indicator matrix for a classifier,
            real values for a regressor.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the rows; None weights all rows equally.
        X_val : {array-like, sparse matrix, dataframe}, default=None
            Features of a validation set. Its curves are recorded; with
            ``early_stopping=True`` it is monitored instead of a split of the training
            rows.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Target of the validation set.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the validation rows.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or training diverges in its first
            epoch. The estimator is then left unchanged.
        """
        validation = (X_val, y_val, sample_weight_val)
        fit_estimator(self, FitRequest(X, y, sample_weight, validation))
        return self

    def _one_thread(self) -> AbstractContextManager[Any]:
        """Limit BLAS to one thread if results must not depend on thread counts."""
        return blas_threads(1, 1, 1) if self.deterministic else nullcontext()

    # ---- prediction

    @property
    def _model(self) -> Any:
        """The fitted model."""
        if "theta_" not in vars(self):  # saves the 6 microseconds of the check
            check_is_fitted(self)
        return model_of(self)

    def _inputs(self, X: Any) -> tuple[Any, Any, np.dtype[Any]]:
        """Return the model, the columns of its network, and the dtype of X."""
        model = self._model
        columns, dtype = model.inputs.read(self, X)
        return model.suited(columns), columns, dtype

    def _raw(self, model: Any, columns: Any, dtype: np.dtype[Any]) -> Array:
        """Return the raw outputs (K, N, R) of the model."""
        with self._one_thread():
            raw: Array = model.raw(columns, dtype)
        return raw

    # ---- the fitted model in other forms

    @property
    def n_layers_(self) -> int:
        """Number of layers of a plain network, including inputs and outputs."""
        check_plain(self, "n_layers_")
        return len(self._model.architecture.hidden_layer_sizes) + 2

    @property
    def coefs_(self) -> list[Array]:
        """Weight matrices of a plain network: assignable views of ``theta_``."""
        check_plain(self, "coefs_")
        return weights_by_layer(self._model)

    @coefs_.setter
    def coefs_(self, values: list[Array]) -> None:
        assign(self.coefs_, values)

    @property
    def intercepts_(self) -> list[Array]:
        """Bias vectors of a plain network: assignable views of ``theta_``."""
        check_plain(self, "intercepts_")
        return biases_by_layer(self._model)

    @intercepts_.setter
    def intercepts_(self, values: list[Array]) -> None:
        assign(self.intercepts_, values)

    @property
    def estimators_(self) -> list[Self]:
        """Networks of an ensemble as fitted estimators, in a new list of views."""
        return members_of(self)

    def program(self, X: Any) -> Programs:
        """Return the programs that compiled code runs for this network.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows like those of ``fit``; their number determines the batches.

        Returns
        -------
        programs : Programs
            Its method ``explain`` returns them as text, or why there are none.
        """
        return programs_of(self, X)

    def to_sklearn(self) -> Any:
        """Return the fitted network as scikit-learn's own estimator.

        The result makes the same predictions, can be loaded without sknet, and works
        with every converter for scikit-learn's class. Only a single plain network can
        be converted: with the activation "identity", "logistic", "tanh" or "relu" in
        all hidden layers, ``block="plain"``, and the output activation of
        scikit-learn's class (softmax or logistic function for a classifier; none or
        the exponential for a regressor). Whatever is constant at prediction is folded
        into the weights: batch normalization, the factors of ``"ntk"``. Missing biases
        become zeros.

        Returns
        -------
        mlp : MLPClassifier or MLPRegressor
            Fitted, with its own copies of the arrays. Its ``partial_fit``, and ``fit``
            with ``warm_start=True``, continue from the weights with a new optimizer, a
            new order of the rows and a new validation split.

        Raises
        ------
        ValueError
            If scikit-learn has no equivalent; the message lists all reasons and what
            to do.

        Warns
        -----
        UserWarning
            If parameters are dropped that only matter for further training: dropout,
            losses, schedules, optimizers etc. that scikit-learn does not have.

        Examples
        --------
        >>> from sknet import SimpleMLPClassifier
        >>> network = SimpleMLPClassifier((3,), solver="lbfgs", random_state=0)
        >>> network.fit([[0.0], [1.0]], ["no", "yes"]).to_sklearn()
        MLPClassifier(hidden_layer_sizes=(3,), random_state=0, solver='lbfgs')
        """
        return to_sklearn(self)

    @classmethod
    def from_sklearn(cls, mlp: Any) -> Self:
        """Return a fitted estimator equivalent to one of scikit-learn.

        Parameters
        ----------
        mlp : MLPClassifier or MLPRegressor
            A fitted estimator of scikit-learn's class of the same kind.

        Returns
        -------
        estimator : object
            Fitted, with its own copies of the arrays: the same parameters, weights,
            predictions and curves. Only a ``learning_rate`` that scikit-learn ignores
            (with any solver but "sgd") becomes "constant". ``partial_fit``, and
            ``fit`` with ``warm_start=True``, continue from the weights with a new
            optimizer, a new order of the rows and a new validation split.

        Raises
        ------
        TypeError
            If ``mlp`` is of another class.
        ValueError
            If the output activation of ``mlp`` was changed by hand, it was fitted on a
            single class, or this class encodes tables or takes images.

        Examples
        --------
        >>> from sklearn.neural_network import MLPRegressor
        >>> from sknet import SimpleMLPRegressor
        >>> mlp = MLPRegressor(solver="lbfgs", random_state=0)
        >>> SimpleMLPRegressor.from_sklearn(mlp.fit([[0.0], [1.0]], [0.0, 1.0]))
        SimpleMLPRegressor(random_state=0, solver='lbfgs')
        """
        estimator: Self = from_sklearn(cls, mlp)
        return estimator

    def compact(self) -> Self:
        """Drop the state that is only needed for further training.

        A network trained with Adam carries two arrays as large as its parameters, more
        after early stopping or with an average, and the state of its random stream.
        Without them a pickle is about as large as ``theta_``. Predictions, scores and
        curves are unchanged.

        Returns
        -------
        self : object
            The estimator, changed in place. ``partial_fit``, and ``fit`` with
            ``warm_start=True``, will refuse to resume training; a plain ``fit`` starts
            from scratch, as always.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted yet.

        Examples
        --------
        >>> import pickle
        >>> from sknet import SimpleMLPRegressor
        >>> network = SimpleMLPRegressor(hidden_layer_sizes=(500, 50))
        >>> network = network.partial_fit([[0.0], [1.0]], [0.0, 1.0])
        >>> before = len(pickle.dumps(network))
        >>> len(pickle.dumps(network.compact())) < before / 2
        True
        """
        check_is_fitted(self)
        self.__dict__.pop("_training", None)
        return self

    # ---- scikit-learn's contract

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of this estimator and of its components.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of components, by names such as
            ``solver__beta_2``.

        Returns
        -------
        params : dict of str to object
            Values by name.
        """
        params: dict[str, Any] = super().get_params(deep)
        return params | items_of(params) if deep else params

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator and of its components.

        Parameters
        ----------
        **params : dict
            Parameters by name; ``solver__beta_2`` sets ``beta_2`` of the solver, and
            ``conv_layers__0__filters`` sets ``filters`` of the first convolutional
            layer, if there is one.

        Returns
        -------
        self : object
            The estimator.
        """
        plain = {key: value for key, value in params.items() if "__" not in key}
        super().set_params(**plain)
        # Sorted, so that a component is set before its parameters.
        for key in sorted(params.keys() - plain.keys()):
            name, _, path = key.partition("__")
            if is_sequence(name) and hasattr(self, name):
                setattr(
                    self, name, with_item(name, getattr(self, name), path, params[key])
                )
                continue
            component = component_of(name, self._given(), self._preset, self._losses)
            if component is None:
                super().set_params(**{key: params[key]})  # raises scikit-learn's error
            else:
                # Components are frozen: a changed copy replaces the component.
                setattr(self, name, component.with_param(path, params[key]))
        return self

    def _given(self) -> dict[str, Any]:
        """Return all parameters by name; those of other classes have fixed values."""
        names = {*self._parameter_constraints, *self._get_param_names()}
        return dict(self._preset.fixed) | {name: getattr(self, name) for name in names}

    def _config(self) -> TrainingConfig:
        """Return the training configuration that the parameters define."""
        return TrainingConfig.of(self._given(), self._preset, self._losses)

    @classmethod
    def _get_param_names(cls) -> list[str]:
        """Return the names of the parameters."""
        return parameter_names(cls, super()._get_param_names)

    def _validate_params(self) -> None:
        """Raise an error for invalid parameters."""
        if kept_config(self) is None and not has_valid_parameters(self):
            super()._validate_params()

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes and the version; a path becomes a str."""
        state = stamped(super().__getstate__())
        if isinstance(state.get("checkpoint"), os.PathLike):
            state["checkpoint"] = os.fsdecode(state["checkpoint"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the attributes; warn if they were saved by another version."""
        super().__setstate__(restored(type(self), state))

    def __sklearn_tags__(self) -> Any:
        """Return the tags; sparse input is supported except by a shared backbone."""
        tags = super().__sklearn_tags__()
        is_shared = self._given()["shared_backbone"]
        tags.input_tags.sparse = self._reader.inputs.accepts_sparse and not is_shared
        if self._reader.inputs.encodes_tables:
            tags.input_tags.allow_nan = True
            tags.input_tags.categorical = True
            tags.input_tags.string = True
        return tags
