"""Learning rules: what a layer hands back, against the recurrences written out."""

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ruled import (
    LABELS,
    OTHER_RULES,
    RNG,
    TARGETS,
    X,
    at_start,
    engines,
    feedback,
)
from scipy.special import expit, softmax
from sklearn.base import clone

from sknet import SimpleMLPClassifier, SimpleMLPRegressor, TabularMLPRegressor
from sknet.activations import ACTIVATIONS, Blend, Maxout
from sknet.engine.machine import machine
from sknet.initializers import Uniform
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES, Brier, LossBuffers, SquaredError
from sknet.network.architecture import Architecture
from sknet.network.blocks import Plain
from sknet.network.learning_rules import (
    LEARNING_RULES,
    ErrorByWeights,
    FeedbackAlignment,
    Gradient,
    LearningRule,
)
from sknet.network.network import perceptron
from sknet.testing import check_gradient, temporarily_registered


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DESCENT = {
    "activation": "logistic",
    "solver": "sgd",
    "momentum": 0.0,
    "nesterovs_momentum": False,
    "alpha": 0.0,
    "shuffle": False,
    "tol": 0.0,
    "n_iter_no_change": np.inf,
    "random_state": 0,
}
READER = DESCENT | {
    "output_activation": "logistic",
    "use_bias": False,
    "batch_size": 1,
    "learning_rate_init": 0.3,
    "max_iter": 4,
}


# ---------------------------------------------------------------------- recurrences


@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize("rule", LEARNING_RULES)
def test_one_hidden_layer_equals_the_recurrence(rule, engine):
    """Inputs, hidden, outputs without biases, one row a step: weights to 1e-10."""
    network = SimpleMLPRegressor(
        hidden_layer_sizes=(7,), learning_rule=rule, engine=engine, **READER
    )
    start = at_start(network, X, TARGETS)
    (W_ih, W_ho), B = map(np.array, start.coefs_), feedback(start)
    network.fit(X, TARGETS)

    for x, t in [*zip(X, TARGETS, strict=True)] * 4:
        h = expit(x @ W_ih)
        o = expit(h @ W_ho)
        e = t - o
        signal = e * o * (1 - o)
        match rule:
            case "gradient":
                e_h = W_ho @ signal
            case "error_by_weights":
                e_h = W_ho @ e
            case "feedback_alignment":
                e_h = signal @ B[0]
        W_ho += 0.3 * np.outer(h, signal)
        W_ih += 0.3 * np.outer(x, e_h * h * (1 - h))

    assert_allclose(network.coefs_[0], W_ih, rtol=0, atol=1e-10)
    assert_allclose(network.coefs_[1], W_ho, rtol=0, atol=1e-10)
    assert network.engine_.startswith(engine)


def test_engine_compiles_the_rules_by_itself():
    """Where the gradient's steps are compiled, so are those of the other rules."""
    for rule in LEARNING_RULES:
        network = SimpleMLPRegressor(
            hidden_layer_sizes=(7,), learning_rule=rule, **READER
        ).fit(X, TARGETS)
        assert network.engine_.startswith("numpy" if machine() is None else "compiled")


@pytest.mark.parametrize("engine", engines())
@pytest.mark.parametrize("rule", OTHER_RULES)
@pytest.mark.parametrize("loss", ["softmax", "log_loss"])
def test_deep_network_in_batches_equals_the_recurrence(rule, engine, loss):
    """Three hidden layers of tanh, biases, weights of rows, batches of 30, softmax."""
    params = DESCENT | {"activation": "tanh", "learning_rate_init": 0.2}
    params |= {"batch_size": 30, "max_iter": 3, "engine": engine}
    made = Brier(output_activation="softmax") if loss == "softmax" else loss
    network = SimpleMLPClassifier((6, 5, 4), loss=made, learning_rule=rule, **params)
    weight = RNG.uniform(0.5, 2.0, size=90)
    start = at_start(network, X, LABELS, weight)
    W, b = [*map(np.array, start.coefs_)], [*map(np.array, start.intercepts_)]
    B = feedback(start)
    network.fit(X, LABELS, weight)

    for rows in [slice(0, 30), slice(30, 60), slice(60, 90)] * 3:
        share = weight[rows, None] / weight[rows].sum()
        a = [X[rows]]
        for layer in range(3):
            a.append(np.tanh(a[-1] @ W[layer] + b[layer]))
        p = softmax(a[-1] @ W[3] + b[3], axis=1)
        e = share * (p - np.eye(3)[LABELS[rows]])
        # the log-loss is a function of raw outputs: they have no slope
        d = e if loss == "log_loss" else p * (e - (e * p).sum(axis=1, keepdims=True))
        steps = []
        for layer in (3, 2, 1, 0):
            steps.append((layer, a[layer].T @ d, d.sum(axis=0)))
            if layer:
                by_weights = rule == "error_by_weights"
                e = e @ W[layer].T if by_weights else d @ B[layer - 1]
                d = e * (1 - a[layer] ** 2)
        for layer, dW, db in steps:
            W[layer] -= 0.2 * dW
            b[layer] -= 0.2 * db

    for ours, formula in zip(network.coefs_, W, strict=True):
        assert_allclose(ours, formula, rtol=0, atol=1e-10)
    for ours, formula in zip(network.intercepts_, b, strict=True):
        assert_allclose(ours, formula, rtol=0, atol=1e-10)


def test_error_by_weights_is_the_gradient_where_slopes_are_one():
    """Linear units and a loss on raw outputs: bit by bit nothing is left out."""
    params = {"activation": "identity", "max_iter": 3, "random_state": 0}
    ours, theirs = (
        SimpleMLPRegressor(hidden_layer_sizes=(4, 3), learning_rule=r, **params)
        .fit(X, TARGETS)
        .theta_
        for r in ("error_by_weights", "gradient")
    )
    assert_allclose(ours, theirs, rtol=1e-12)


def test_ntk_form_keeps_its_factor():
    """Errors go through the matrix that multiplies the rows, factor included."""
    params = DESCENT | {"batch_size": 1, "max_iter": 1, "activation": "identity"}
    ours, theirs = (
        SimpleMLPRegressor(
            hidden_layer_sizes=(4,), initializer="ntk", learning_rule=r, **params
        )
        .fit(X, TARGETS)
        .theta_
        for r in ("error_by_weights", "gradient")
    )
    assert_allclose(ours, theirs, rtol=1e-12)


def test_gradient_is_the_default_and_has_a_synonym():
    fits = [
        SimpleMLPClassifier((4,), random_state=0, max_iter=2, **params)
        .fit(X, LABELS)
        .theta_
        for params in (
            {},
            {"learning_rule": Gradient()},
            {"learning_rule": "backpropagation"},
        )
    ]
    assert_array_equal(fits[1], fits[0])
    assert_array_equal(fits[2], fits[0])


@pytest.mark.parametrize("rule", OTHER_RULES)
@pytest.mark.parametrize(
    "activation", [a() for n, a in ACTIVATIONS.items() if n != "maxout"], ids=repr
)
def test_every_activation_learns_by_every_rule(rule, activation):
    if isinstance(activation, Blend) and isinstance(activation.function, Maxout):
        return
    network = SimpleMLPClassifier(
        (5, 4), activation, learning_rule=rule, max_iter=3, random_state=0, dropout=0.2
    ).fit(X, LABELS)
    assert np.isfinite(network.theta_).all()


# ------------------------------------------------------------------------- losses


@pytest.mark.parametrize(
    "loss",
    [
        *(SquaredError(output_activation=n) for n in ("logistic", "softmax", "exp")),
        *(cls() for n, cls in VALUE_LOSSES.items() if n != "custom"),
        *(cls() for n, cls in CLASS_LOSSES.items() if n != "custom"),
        Brier(output_activation="logistic", targets=(0.1, 0.9)),
    ],
    ids=repr,
)
def test_error_times_slope_is_the_gradient_by_raw_outputs(loss):
    """The derivative of the link, by differences, pulls the error back to d_raw."""
    y = (
        TARGETS[None, :6]
        if isinstance(loss, tuple(VALUE_LOSSES.values()))
        else (np.eye(3)[LABELS[:6]][None])
    )
    raw = RNG.normal(size=(1, 6, loss.n_raw(3)))
    buffers, d_raw = LossBuffers(*raw.shape, raw.dtype), np.empty_like(raw)
    weight = RNG.uniform(0.1, 1.0, size=(1, 6, 1))
    loss.value_and_gradient(raw, y, weight, d_raw, buffers)
    before = d_raw.copy()
    error = loss.error(raw, y, weight, d_raw, buffers)
    assert_array_equal(d_raw, before)
    if error is d_raw:
        return
    step = 1e-6
    pulled = np.empty_like(raw)
    for j in range(raw.shape[-1]):
        shift = step * np.eye(raw.shape[-1])[j]
        slope = (loss.link(raw + shift) - loss.link(raw - shift)) / (2 * step)
        pulled[..., j] = (slope * error).sum(axis=-1)
    assert_allclose(pulled, d_raw, rtol=1e-6, atol=1e-9)


# -------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("rule", [*OTHER_RULES, FeedbackAlignment("orthogonal")])
def test_gradient_check_refuses_with_the_reason(rule):
    with pytest.raises(ValueError, match=r"learning_rule=.*not the gradient"):
        check_gradient(SimpleMLPClassifier((4,), learning_rule=rule))


@pytest.mark.parametrize("rule", [*OTHER_RULES, ErrorByWeights()])
def test_lbfgs_refuses_with_the_reason(rule):
    network = SimpleMLPClassifier((4,), solver="lbfgs", learning_rule=rule)
    with pytest.raises(ValueError, match=r"learning_rule=.*lbfgs.*these steps are not"):
        network.fit(X, LABELS)


@pytest.mark.parametrize("rule", ["gradient", Gradient(), "backpropagation"])
def test_lbfgs_takes_the_gradient(rule):
    SimpleMLPClassifier((4,), solver="lbfgs", learning_rule=rule, max_iter=2).fit(
        X, LABELS
    )


REFUSED = [
    ({"block": "residual"}, r"block='residual'.*block='plain'"),
    ({"block": Plain("batch")}, r"block=Plain.*block='plain'"),
    (
        {"shared_backbone": True, "n_estimators": 2},
        r"shared_backbone=True.*shared_backbone=False",
    ),
]


@pytest.mark.parametrize("rule", OTHER_RULES)
@pytest.mark.parametrize(("params", "words"), REFUSED)
def test_other_layers_are_refused(rule, params, words):
    network = SimpleMLPClassifier((4,), learning_rule=rule, **params)
    with pytest.raises(ValueError, match=f"learning_rule='{rule}'.*{words}"):
        network.fit(X, LABELS)


def test_units_that_join_have_no_error_of_their_own():
    network = SimpleMLPClassifier((4,), Maxout(), learning_rule="error_by_weights")
    with pytest.raises(ValueError, match=r"Maxout.*joins units"):
        network.fit(X, LABELS)
    network.set_params(learning_rule="feedback_alignment", max_iter=2).fit(X, LABELS)


@pytest.mark.parametrize("initializer", ["ntk", "data_driven"])
def test_feedback_has_no_factor(initializer):
    with pytest.raises(ValueError, match=r"FeedbackAlignment.*initializer must draw"):
        LEARNING_RULES.make(FeedbackAlignment(initializer))
    network = SimpleMLPClassifier(
        (4,), initializer=initializer, learning_rule="feedback_alignment"
    )
    with pytest.raises(ValueError, match="factor on the weights"):
        network.fit(X, LABELS)


def test_tables_have_the_gradient_only():
    assert "learning_rule" not in TabularMLPRegressor().get_params()


# ---------------------------------------------------------------------- the registry


def test_architecture_as_text_is_unchanged_by_the_default():
    """Files from before the rules existed are read, and those without one are equal."""
    plain = Architecture((4,))
    assert "learning_rule" not in plain.to_config()
    for rule in (Gradient(), ErrorByWeights(), FeedbackAlignment(Uniform(0.1))):
        architecture = Architecture((4,), learning_rule=rule)
        assert Architecture.from_config(architecture.to_config()) == architecture
    assert [type(part).__name__ for part in perceptron(3, plain, 2).layers] == [
        "Dense",
        "Activate",
        "Dense",
    ]


@dataclass(frozen=True, repr=False)
class Doubled(LearningRule):
    """A rule of the user's, whose layers start with larger weights."""

    def layers(self, dense, activation):
        """Return the layers with a gain of two."""
        made = replace(dense, gain=2.0 * dense.gain)
        return (made,) if activation is None else (made, activation)


def test_own_rule_is_an_option():
    with temporarily_registered(LEARNING_RULES, "doubled", Doubled):
        network = SimpleMLPClassifier((4,), learning_rule="doubled", random_state=0)
        plain = clone(network).set_params(learning_rule="gradient")
        ours, theirs = (at_start(n, X, LABELS).coefs_[0] for n in (network, plain))
        assert_allclose(ours, np.sqrt(2.0) * theirs)  # as Glorot draws them
        again = pickle.loads(pickle.dumps(network.fit(X, LABELS)))
        assert_array_equal(
            again.partial_fit(X, LABELS).theta_, network.partial_fit(X, LABELS).theta_
        )
