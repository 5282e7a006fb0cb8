"""Components as parameters: names and instances, nested in grids, and what they do."""

import pickle
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sknet import SimpleMLPClassifier, SimpleMLPRegressor
from sknet.activations import ACTIVATIONS, Maxout, ReLU, Tanh
from sknet.averages import AVERAGES, EMA, SWA
from sknet.initializers import INITIALIZERS
from sknet.losses import CLASS_LOSSES, VALUE_LOSSES
from sknet.network.blocks import BLOCKS, Highway, Plain, Residual
from sknet.optimizers import OPTIMIZERS, SGD, Adam, AdamW
from sknet.schedules import SCHEDULES, Cosine, InvScaling, Warmup
from sknet.training.update import clip_by_norm


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(90, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
TARGET = np.sin(X[:, 0]) + X[:, 1]
FOREVER = {"n_iter_no_change": np.inf, "tol": 0.0}
STANDING_STILL = {"learning_rate_init": 1e-300, "max_iter": 1}


def classifier(**params):
    """Return an unfitted classifier that makes four epochs of three batches."""
    base = {"hidden_layer_sizes": (6, 4), "batch_size": 32, "max_iter": 4}
    return SimpleMLPClassifier(**(base | {"random_state": 0} | FOREVER | params))


def regressor(**params):
    """Return an unfitted regressor whose epochs are single steps."""
    base = {"hidden_layer_sizes": (5,), "batch_size": 90, "max_iter": 8}
    return SimpleMLPRegressor(**(base | {"random_state": 0} | FOREVER | params))


# ---- names and instances

SAME = {
    "adam": (
        {"solver": Adam(beta_1=0.8, beta_2=0.95, epsilon=1e-6)},
        {"solver": "adam", "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-6},
    ),
    "sgd": (
        {"solver": SGD(momentum=0.5, nesterov=False)},
        {"solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False},
    ),
    "invscaling": (
        {"learning_rate": InvScaling(power_t=0.3)},
        {"learning_rate": "invscaling", "power_t": 0.3},
    ),
    "activation": ({"activation": Tanh()}, {"activation": "tanh"}),
    "activations": ({"activation": [Tanh(), "relu"]}, {"activation": ("tanh", ReLU())}),
    "one activation": ({"activation": ["tanh", "tanh"]}, {"activation": "tanh"}),
    "block": ({"block": Residual()}, {"block": "residual"}),
    "average": ({"averaging": EMA()}, {"averaging": "ema"}),
}


@pytest.mark.parametrize(("instance", "name"), SAME.values(), ids=SAME)
def test_instance_equals_the_name(instance, name):
    """The same fit, bit for bit."""
    first, second = (classifier(**params).fit(X, Y) for params in (instance, name))
    assert_array_equal(first.theta_, second.theta_)
    assert first.loss_curve_ == second.loss_curve_


SYNONYMS = [
    ("activation", "swish", "silu"),
    ("activation", "sigmoid", "logistic"),
    ("loss", "cross_entropy", "log_loss"),
    ("learning_rate", "cosine_annealing", "cosine"),
    ("initializer", "kaiming_normal", "he_normal"),
    ("block", "resnet", "residual"),
]


@pytest.mark.parametrize(("parameter", "synonym", "name"), SYNONYMS)
def test_synonym_is_the_component(parameter, synonym, name):
    """The same bits and the same description of the fitted network."""
    ours, other = (classifier(**{parameter: n}).fit(X, Y) for n in (name, synonym))
    assert_array_equal(other.theta_, ours.theta_)
    again = pickle.loads(pickle.dumps(other))
    assert_array_equal(again.predict_proba(X), ours.predict_proba(X))
    assert getattr(clone(other), parameter) == synonym


def test_synonyms_are_names_of_one_component_each():
    """None is a name of another one, of its family; a registry lists names alone."""
    families = (ACTIVATIONS, AVERAGES, BLOCKS, INITIALIZERS, OPTIMIZERS, SCHEDULES)
    for registry in (*families, CLASS_LOSSES, VALUE_LOSSES):
        synonyms = [s for cls in registry.values() for s in cls.synonyms]
        assert len(set(synonyms)) == len(synonyms)
        assert not set(synonyms) & set(registry)
        assert registry.names == {*registry, *synonyms}


def test_synonym_cannot_be_taken_twice():
    """Neither as a name nor as a synonym."""
    for names in (("swish",), ("other", "swish")):
        with pytest.raises(ValueError, match="'swish' is registered already"):
            ACTIVATIONS.register(*names)(Tanh)
    assert "other" not in ACTIVATIONS


def test_synonym_has_nested_parameters():
    """As its name has."""
    network = classifier(block="resnet").set_params(block__bottleneck=3)
    assert network.block == Residual(bottleneck=3)


def test_instance_says_everything_itself():
    """scikit-learn's parameters go with a name only."""
    one, two = (classifier(solver=Adam(), beta_2=b).fit(X, Y) for b in (0.5, 0.9))
    assert_array_equal(one.theta_, two.theta_)


@pytest.mark.parametrize("component", [Adam(beta_2=0.5), Warmup("cosine"), Highway()])
def test_component_survives_a_pickle(component):
    """It comes back equal."""
    assert pickle.loads(pickle.dumps(component)) == component


# ---- nested parameters


def test_nested_parameter_of_a_name_keeps_the_other_parameters():
    """A name becomes an instance, with what the scalar parameters say."""
    model = classifier(solver="adam", beta_1=0.8).set_params(solver__beta_2=0.95)
    assert model.solver == Adam(beta_1=0.8, beta_2=0.95)


def test_nested_parameter_of_an_instance_makes_a_new_one():
    """Components are frozen: the old one stays what it was."""
    old = SGD(momentum=0.5)
    model = classifier(solver=old).set_params(solver__nesterov=False)
    assert model.solver == SGD(momentum=0.5, nesterov=False)
    assert old == SGD(momentum=0.5)


NESTED = {
    "block__normalization": ("plain", "batch", Plain("batch")),
    "activation__pieces": (Maxout(2), 3, Maxout(3)),
    "learning_rate__power_t": ("invscaling", 0.3, InvScaling(0.3)),
    "averaging__decay": ("ema", 0.5, EMA(0.5)),
    "learning_rate__then__floor": (
        Warmup("cosine"),
        0.1,
        Warmup(Cosine(floor=0.1)),
    ),
}


@pytest.mark.parametrize("key", NESTED)
def test_nested_parameters_of_every_family(key):
    """The estimator, its component, and a component inside of it."""
    before, value, after = NESTED[key]
    name = key.partition("__")[0]
    model = classifier(**{name: before}).set_params(**{key: value})
    assert getattr(model, name) == after
    assert model.get_params()[key] == value


TOGETHER = {
    "learning_rate__then__floor": 0.1,
    "learning_rate__then": "cosine",
    "solver__momentum": 0.5,
    "solver": "sgd",
    "learning_rate": Warmup(),
}


@pytest.mark.parametrize("turn", [1, -1])
def test_component_and_its_parameters_are_set_together(turn):
    """The component first, then what is in it, whatever comes first in the call."""
    params = dict(list(TOGETHER.items())[::turn])
    model = classifier().set_params(**params)
    assert model.solver == SGD(0.5)
    assert model.learning_rate == Warmup(Cosine(floor=0.1))


def test_get_params_lists_the_parameters_of_components():
    """Deep as with scikit-learn's own nested estimators; shallow without."""
    model = classifier(solver=Adam(beta_2=0.5), learning_rate=Warmup(Cosine()))
    deep, shallow = model.get_params(), model.get_params(deep=False)
    assert deep["solver__beta_2"] == 0.5
    assert deep["learning_rate__then"] == Cosine()
    assert deep["learning_rate__then__floor"] == 0.0
    assert not [key for key in shallow if "__" in key]


def test_clone_has_equal_parameters():
    """Components among them, before and after a fit."""
    model = classifier(solver=Adam(beta_2=0.5), block=Plain("layer"))
    assert clone(model).get_params() == model.get_params()
    assert clone(model.fit(X, Y)).get_params() == model.get_params()


GRIDS = [
    {"solver__beta_2": [0.9, 0.99]},
    {"solver": ["sgd"], "solver__momentum": [0.0, 0.9]},
    {"block__normalization": [None, "batch", "layer"]},
    {"block": ["residual", Plain("layer")]},
    {"activation": ["tanh", ["relu", "tanh"], [Tanh(), Tanh()]]},
    {"learning_rate": [Cosine(), Warmup("cosine", 0.3), "constant"]},
    {"dropout": [0.0, [0.2, 0.0]], "averaging": [None, "ema", SWA(0.5)]},
]


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: ", ".join(grid))
def test_grid_search_takes_components(grid):
    """Names, instances, lists, and the parameters of components."""
    search = GridSearchCV(classifier(max_iter=2), grid, cv=2, error_score="raise")
    search.fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_fit_leaves_parameters_alone():
    """A component is what it was."""
    model = classifier(solver="adam", block=Plain("batch"), dropout=[0.1, 0.2])
    before = model.get_params()
    assert model.fit(X, Y).get_params() == before


# ---- what is refused, and in which words


def test_wrong_nested_name_says_which_there_are():
    """The class, the wrong name, the right ones."""
    with pytest.raises(ValueError, match=r"Adam has no parameter 'beta_3'.*'beta_1'"):
        classifier().set_params(solver__beta_3=1)
    with pytest.raises(ValueError, match=r"Cosine has no parameter 'flor'.*'floor'"):
        classifier(learning_rate=Warmup("cosine")).set_params(
            learning_rate__then__flor=0.1
        )
    with pytest.raises(ValueError, match="ReLU has no parameter 'slope'; it has none"):
        classifier().set_params(activation__slope=0.1)
    with pytest.raises(ValueError, match="LBFGS has no parameter 'beta_2'; it has "):
        classifier(solver="lbfgs").set_params(solver__beta_2=0.5)


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({"averaging": None}, "averaging__decay"),
        ({"activation": ["relu", "tanh"]}, "activation__slope"),
    ],
)
def test_what_has_no_parameters_says_so(params, key):
    """None is no component, nor is a list."""
    ((name, _),) = params.items()
    with pytest.raises(ValueError, match=rf"{name}=.* has no parameters to set"):
        classifier(**params).set_params(**{key: 0.5})


def test_parameter_without_parts_is_refused_as_in_scikit_learn():
    """``alpha__beta`` makes no sense anywhere."""
    with pytest.raises((ValueError, AttributeError)):
        classifier().set_params(alpha__beta=1)
    with pytest.raises(ValueError, match="Invalid parameter 'optimizer'"):
        classifier().set_params(optimizer__beta_2=1)


FAMILIES = {
    "solver": OPTIMIZERS,
    "activation": ACTIVATIONS,
    "learning_rate": SCHEDULES,
    "averaging": AVERAGES,
    "block": BLOCKS,
    "initializer": INITIALIZERS,
}


@pytest.mark.parametrize("name", FAMILIES)
def test_wrong_name_lists_all_names(name):
    """Taken from the registry as it is."""
    with pytest.raises(ValueError, match=name) as error:
        classifier(**{name: "wrong"}).fit(X, Y)
    assert all(repr(known) in str(error.value) for known in FAMILIES[name])
    assert "'wrong'" in str(error.value)


def test_wrong_name_in_a_list_lists_all_names():
    """A list of activations is looked through."""
    with pytest.raises(ValueError, match="Unknown activation 'rellu'") as error:
        classifier(activation=["relu", "rellu"]).fit(X, Y)
    assert all(repr(known) in str(error.value) for known in ACTIVATIONS)


OUT_OF_RANGE = {
    "solver": (Adam(beta_1=1.5), r"Adam\(.*beta_1 must be a number in \[0, 1\), got 1"),
    "learning_rate": (
        Cosine(floor=-1.0),
        r"Cosine\(.*floor must be .*\[0, 1\], got -1",
    ),
    "then": (Warmup(Cosine(cycles=0)), r"Cosine\(.*cycles must be .*\[1, inf\), got 0"),
    "wrong then": (Warmup("cosinus"), r"Unknown learning rate schedule 'cosinus'"),
    "averaging": (EMA(decay=1.0), r"EMA\(.*decay must be .*\[0, 1\), got 1"),
    "activation": (Maxout(pieces=1), r"Maxout\(.*pieces must be a whole number"),
    "block": (Plain("bach"), r"Plain\(.*normalization must be one of None, 'batch'"),
    "shortcut": (Residual(shortcut="no"), r"shortcut must be one of 'projection'"),
    "not a number": (SGD(momentum="much"), r"SGD\(.*momentum must be .*got 'much'"),
    "nan": (Adam(epsilon=np.nan), r"Adam\(.*epsilon must be .*\(0, inf\), got nan"),
    "flag": (SGD(nesterov=1), r"SGD\(.*nesterov must be True or False, got 1"),
    "half": (Residual(bottleneck=1.5), r"bottleneck must be .*, or None, got 1\.5"),
}
PLACES = {
    "then": "learning_rate",
    "wrong then": "learning_rate",
    "shortcut": "block",
    "half": "block",
    "not a number": "solver",
    "nan": "solver",
    "flag": "solver",
}


@pytest.mark.parametrize("case", OUT_OF_RANGE)
def test_field_out_of_range_is_refused_at_fit(case):
    """Class, field, domain and value; not before, as scikit-learn wants it."""
    component, words = OUT_OF_RANGE[case]
    model = classifier().set_params(**{PLACES.get(case, case): component})
    with pytest.raises(ValueError, match=words):
        model.fit(X, Y)
    assert not hasattr(model, "theta_")


def test_value_set_by_a_nested_name_is_refused_at_fit():
    """``set_params`` takes it."""
    model = classifier().set_params(solver__beta_2=2.0)
    with pytest.raises(ValueError, match=r"beta_2 must be a number in \[0, 1\), got 2"):
        model.fit(X, Y)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"activation": ["relu"]}, "activation must be a single .* got 1 values for 2"),
        (
            {"activation": ["relu"] * 3},
            "activation must be a single .* got 3 values for 2",
        ),
        ({"activation": []}, "activation must be a single .* got 0 values for 2"),
        ({"dropout": [0.1]}, "dropout must be a single .* got 1 values for 2"),
        (
            {"dropout": np.full(3, 0.1)},
            "dropout must be a single .* got 3 values for 2",
        ),
        ({"dropout": 1.0}, r"'dropout' parameter .* range \[0\.?0?, 1"),
        ({"dropout": -0.1}, r"'dropout' parameter .* range \[0\.?0?, 1"),
        (
            {"dropout": [0.1, 1.0]},
            r"dropout must hold numbers in \[0, 1\), got 1.0 in \[0.1, 1.0\]",
        ),
        ({"dropout": [0.1, np.nan]}, r"dropout must hold numbers in \[0, 1\), got nan"),
        ({"clip_norm": 0.0}, "'clip_norm' parameter"),
        ({"activation": Maxout(), "hidden_layer_sizes": (4, 5)}, "multiples of 2"),
        ({"activation": Maxout(), "block": "highway"}, "does not go with it"),
    ],
)
def test_wrong_list_or_rate_is_refused(params, words):
    """The message says what there must be, and what there was."""
    with pytest.raises(ValueError, match=words):
        classifier(**params).fit(X, Y)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"learning_rate": "cosine"}, "learning_rate='cosine'"),
        ({"learning_rate": Warmup()}, "learning_rate=Warmup()"),
        ({"clip_norm": 1.0}, "clip_norm=1.0"),
        ({"averaging": "ema"}, "averaging='ema'"),
        ({"dropout": 0.1}, "dropout=0.1"),
        ({"dropout": [0.0, 0.1]}, "dropout=[0.0, 0.1]"),
        ({"block": Plain("batch")}, "block=Plain(normalization='batch')"),
        ({"block": "residual"}, "normalization='batch'"),
    ],
)
def test_lbfgs_refuses_what_speaks_of_steps(params, named):
    """The parameter, and what to use instead; plain settings pass."""
    with pytest.raises(ValueError, match=re.escape(named)) as error:
        classifier(solver="lbfgs", **params).fit(X, Y)
    assert "Use solver='adam'" in str(error.value)
    classifier(solver="lbfgs", dropout=[0.0, 0.0], block=Plain("layer")).fit(X, Y)


# ---- initial weights that are given


def test_given_weights_are_where_training_starts():
    """Biases that are not given are zero."""
    weights = [rng.normal(size=shape) for shape in ((4, 6), (6, 4), (4, 1))]
    model = classifier(initializer=weights, **STANDING_STILL).fit(X, Y)
    for coefs, weight in zip(model.coefs_, weights, strict=True):
        assert_array_equal(coefs, weight)
    assert max(np.abs(b).max() for b in model.intercepts_) <= 1e-299


def test_given_pairs_are_where_training_starts():
    """Weights and biases, here those of another network."""
    other = classifier().fit(X, Y)
    pairs = list(zip(other.coefs_, other.intercepts_, strict=True))
    model = classifier(initializer=pairs, **STANDING_STILL).fit(X, Y)
    assert_array_equal(model.theta_, other.theta_)


def test_given_weights_leave_the_order_of_the_rows_alone():
    """The stream is drawn from all the same: given its own start, a fit is the same."""
    start = classifier(**STANDING_STILL).fit(X, Y)
    pairs = tuple(zip(start.coefs_, start.intercepts_, strict=True))
    again = classifier(initializer=pairs).fit(X, Y)
    assert_array_equal(again.theta_, classifier().fit(X, Y).theta_)


def shaped(*shapes):
    """Return arrays of zeros."""
    return [np.zeros(shape) for shape in shapes]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (shaped((4, 6)), r"holds 1 arrays, but the network has 3 .*\(4, 6\), \(6, 4\)"),
        (
            shaped((4, 6), (4, 6), (4, 1)),
            r"initializer\[1\] must have .* \(6, 4\), got",
        ),
        (
            [*shaped((4, 6), (6, 4)), (np.zeros((4, 1)), np.zeros(2))],
            r"\[2\]\[1\] must",
        ),
        ([*shaped((4, 6), (6, 4)), np.full((4, 1), np.nan)], r"\[2\] must hold finite"),
    ],
)
def test_given_weights_of_another_shape_are_refused(given, words):
    """Which array, the shape it must have, and the one it has."""
    with pytest.raises(ValueError, match=words):
        classifier(initializer=given).fit(X, Y)


# ---- clipping and decay


def start_of(make, **params):
    """Return the parameters a training starts from."""
    return make(**(params | STANDING_STILL)).fit(X, Y).theta_


def test_clipping_bounds_the_first_step():
    """Its norm is the rate times ``clip_norm``; its direction stays."""
    params = {"solver": SGD(momentum=0.0), "hidden_layer_sizes": (5,)}
    params |= {"batch_size": 90, "max_iter": 1, "learning_rate_init": 0.5}
    start = start_of(classifier, **params)
    free = classifier(**params).fit(X, Y).theta_ - start
    clipped = classifier(clip_norm=1e-2, **params).fit(X, Y).theta_ - start
    assert_allclose(np.linalg.norm(clipped), 0.5 * 1e-2, rtol=1e-12)
    cosine = (free * clipped).sum() / np.linalg.norm(free) / np.linalg.norm(clipped)
    assert_allclose(cosine, 1.0, rtol=1e-12)


def test_short_gradients_are_not_clipped():
    """A large bound changes nothing, bit for bit."""
    clipped = classifier(clip_norm=1e6).fit(X, Y)
    assert_array_equal(clipped.theta_, classifier().fit(X, Y).theta_)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_clipping_takes_gradients_whose_squares_overflow():
    """That is what it is there for; the other members are clipped as before."""
    grad = np.full((2, 4), 1e25, dtype=np.float32)
    grad[1] = 3.0
    alone = grad[1:].copy()
    clip_by_norm(grad, 1.0)
    clip_by_norm(alone, 1.0)
    assert_allclose(grad, 0.5, rtol=1e-6)
    assert_array_equal(grad[1:], alone)
    assert grad.dtype == np.float32


def decay_of(n_rows):
    """Return the start, and what weight decay changed in one step on some rows."""
    params = {"alpha": 0.0, "batch_size": n_rows, "max_iter": 1}
    params |= {"learning_rate_init": 0.1, "shuffle": False}
    decayed = classifier(solver=AdamW(weight_decay=0.3), **params)
    plain = classifier(solver=Adam(), **params)
    decayed.fit(X[:n_rows], Y[:n_rows])
    plain.fit(X[:n_rows], Y[:n_rows])
    return decayed, plain


@pytest.mark.parametrize("n_rows", [10, 90])
def test_weight_decay_shrinks_weights_by_its_formula(n_rows):
    """W (1 - rate decay) before Adam's step; biases are free; any batch size."""
    decayed, plain = decay_of(n_rows)
    start = classifier(alpha=0.0, **STANDING_STILL).fit(X, Y)
    for W, without, first in zip(
        decayed.coefs_, plain.coefs_, start.coefs_, strict=True
    ):
        assert_allclose(W, without - 0.1 * 0.3 * first, rtol=1e-12, atol=1e-15)
    for b, without in zip(decayed.intercepts_, plain.intercepts_, strict=True):
        assert_array_equal(b, without)


# ---- averages of the parameters


def snapshots(n_epochs, **params):
    """Return the parameters after each epoch of a training."""
    model = regressor(**params)
    return [model.partial_fit(X, TARGET).theta_.copy() for _ in range(n_epochs)]


def test_averages_do_not_disturb_training():
    """The loss curve is that of the parameters, with and without."""
    curves = [
        regressor(averaging=averaging).fit(X, TARGET).loss_curve_
        for averaging in (None, "ema", "swa")
    ]
    assert curves[0] == curves[1] == curves[2]


@pytest.mark.parametrize("decay", [0.0, 0.7, 0.99])
def test_ema_publishes_the_running_average(decay):
    """Plain means at first, then the newest step has the share 1 - decay."""
    average = 0.0
    for t, theta in enumerate(snapshots(8), 1):
        share = max(1.0 - decay, 1.0 / t)
        average = (1.0 - share) * average + share * theta
    model = regressor(averaging=EMA(decay=decay)).fit(X, TARGET)
    assert_allclose(model.theta_, average, rtol=1e-12)


@pytest.mark.parametrize("start", [0.0, 0.6])
def test_swa_publishes_the_mean_of_the_last_epochs(start):
    """Of eight epochs, those that end in the last 40 per cent are five to eight."""
    params = {"batch_size": 32}
    last = snapshots(8, **params)[4 if start else 0 :]
    model = regressor(averaging=SWA(start=start), **params).fit(X, TARGET)
    assert_allclose(model.theta_, np.mean(last, axis=0), rtol=1e-12)


def test_swa_that_has_not_started_publishes_the_newest():
    """A training that ends early still gives something sensible."""
    model = regressor(averaging=SWA(start=0.6))
    for theta in snapshots(3):
        assert_allclose(model.partial_fit(X, TARGET).theta_, theta, rtol=1e-14)


# ---- planned learning rates


def constant_value(raw, y):
    """Return a loss whose slope is one everywhere."""
    return raw[:, 0] - y[:, 0]


def constant_slope(raw, y):
    """Return its gradient."""
    del y
    return np.ones_like(raw)


def odometer(schedule, **params):
    """Return a regressor whose bias goes down by the learning rate in each step."""
    base = {"loss": (constant_value, constant_slope), "hidden_layer_sizes": ()}
    base |= {"solver": SGD(momentum=0.0), "learning_rate": schedule}
    base |= {"batch_size": 32, "learning_rate_init": 0.5}
    return regressor(**(base | params))


def cosine(progress, floor=0.0):
    """Return the factor of half a cosine."""
    return floor + (1.0 - floor) * (1.0 + np.cos(np.pi * progress)) / 2.0


def ways(factor, n_epochs=8, n_batches=3):
    """Return the sum of the rates of each epoch."""
    progress = np.arange(n_epochs * n_batches) / (n_epochs * n_batches)
    rates = 0.5 * np.array([factor(p) for p in progress])
    return rates.reshape(n_epochs, n_batches).sum(axis=1)


def warmed(progress):
    """Return the factor of a cosine behind a linear rise over a quarter."""
    if progress < 0.25:
        return progress / 0.25
    return cosine((progress - 0.25) / 0.75)


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_planned_rate_changes_with_each_step(floor):
    """Half a cosine over the planned steps, down to its floor."""
    model = odometer(Cosine(floor=floor))
    before = start_of(odometer, schedule=Cosine())[0, -1]
    for epoch, way in enumerate(ways(lambda p: cosine(p, floor)), 1):
        model.partial_fit(X, TARGET)
        assert_allclose(before - model.theta_[0, -1], way, rtol=1e-10)
        assert_allclose(
            model.learning_rate_, 0.5 * cosine(epoch / 8, floor), atol=1e-15
        )
        before = model.theta_[0, -1]
    assert_allclose(model.learning_rate_, 0.5 * floor, atol=1e-15)


def test_warm_up_rises_before_the_plan_begins():
    """After the first step, whose rate is next to nothing, by the formula."""
    way = ways(warmed).sum()
    start = start_of(odometer, schedule=Cosine())[0, -1]
    model = odometer(Warmup("cosine", fraction=0.25)).fit(X, TARGET)
    # The share of the very first step is the schedule's own choice: at most a step.
    assert_allclose(start - model.theta_[0, -1], way, atol=0.5 / 6)
    assert model.learning_rate_ == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("n_first", [1, 3, 7])
def test_warm_start_finishes_an_unfinished_plan(n_first):
    """However the first part ended, the plan of ``max_iter`` epochs goes on."""
    whole = odometer(Cosine()).fit(X, TARGET)
    parts = odometer(Cosine(), warm_start=True)
    for _ in range(n_first):
        parts.partial_fit(X, TARGET)
    parts.fit(X, TARGET)
    assert parts.n_iter_ == 8 - n_first
    assert_array_equal(parts.theta_, whole.theta_)


def test_plan_that_ran_out_of_time_is_finished():
    """A fit stopped by ``max_time`` is gone on with."""
    whole = odometer(Cosine()).fit(X, TARGET)
    parts = odometer(Cosine(), warm_start=True, max_time=1e-9)
    with pytest.warns(ConvergenceWarning, match="max_time"):
        parts.fit(X, TARGET)
    assert parts.n_iter_ == 1
    parts.set_params(max_time=None).fit(X, TARGET)
    assert_array_equal(parts.theta_, whole.theta_)


@pytest.mark.parametrize("incremental", [False, True])
def test_finished_plan_is_followed_by_a_new_one(incremental):
    """The next fit, or the next call of ``partial_fit``, starts at the full rate."""
    model = odometer(Cosine(), warm_start=True).fit(X, TARGET)
    for cycle in (1, 2):
        before = model.theta_[0, -1]
        for _ in range(8 if incremental else 1):
            (model.partial_fit if incremental else model.fit)(X, TARGET)
        way = ways(cosine).sum()
        assert_allclose(before - model.theta_[0, -1], way, rtol=1e-10)
        assert model.n_epochs_ == 8 * (cycle + 1)


def test_schedule_without_a_plan_goes_on_beyond_max_iter():
    """A warm start makes ``max_iter`` more epochs."""
    model = odometer("constant", warm_start=True).fit(X, TARGET).fit(X, TARGET)
    assert model.n_iter_ == 8
    assert model.n_epochs_ == 16


# ---- batch normalisation and small batches


@pytest.mark.parametrize("n_rows", [1, 60])
def test_batch_norm_refuses_batches_of_one_row(n_rows):
    """One row has no variance; the message says what to do."""
    model = classifier(block=Plain("batch"), batch_size=1, shuffle=False)
    with pytest.raises(ValueError, match=r"at least two samples.*raise batch_size"):
        model.partial_fit(X[:n_rows], Y[:n_rows], classes=[0, 1])
    assert not hasattr(model, "theta_")


@pytest.mark.parametrize(
    ("n_rows", "n_batches"), [(64, 2), (65, 2), (66, 3), (33, 1), (32, 1)]
)
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.filterwarnings("ignore:batch_size=32 is raised")
def test_last_row_alone_joins_the_batch_before(n_rows, n_batches, shuffle):
    """A batch normalisation counts its batches, in its last statistic."""
    model = classifier(
        block=Plain("batch"), hidden_layer_sizes=(3,), max_iter=1, shuffle=shuffle
    )
    assert model.fit(X[:n_rows], Y[:n_rows]).theta_[0, -1] == n_batches


# ---- a loss of the user's own


def half_square(raw, y):
    """Return half the squared error of each row."""
    return 0.5 * ((raw - y) ** 2).sum(axis=1)


def residual(raw, y):
    """Return its gradient."""
    return raw - y


def test_pair_of_functions_equals_the_loss_they_compute():
    """Half the squared error, written by hand."""
    own = regressor(loss=(half_square, residual)).fit(X, TARGET)
    built_in = regressor(loss="squared_error").fit(X, TARGET)
    assert_allclose(own.theta_, built_in.theta_, rtol=1e-12)
    assert_allclose(own.loss_curve_, built_in.loss_curve_, rtol=1e-12)
    assert_allclose(own.predict(X), built_in.predict(X), rtol=1e-12)


@pytest.mark.parametrize("loss", [(half_square,), ("a", "b"), [half_square, None]])
def test_pair_that_is_none_is_refused(loss):
    """The message says what a pair is, and lists the names there are."""
    with pytest.raises(ValueError, match=r"pair of functions .*'squared_error'"):
        regressor(loss=loss).fit(X, TARGET)


def test_numbers_of_numpy_become_numbers_of_python():
    """A grid of ``np.linspace`` must not widen float32 arrays by its scalars."""
    optimizer = Adam(beta_1=np.float64(0.8), beta_2=np.float32(0.5))
    assert type(optimizer.beta_1) is float
    assert type(optimizer.beta_2) is float
    assert Maxout(pieces=np.int64(3)) == Maxout(pieces=3)


@pytest.mark.parametrize("params", [{"dropout": 0.5}, {"block": "residual"}], ids=str)
def test_what_speaks_of_hidden_layers_needs_one(params):
    """Nothing is ignored in silence: a linear model has no place for it."""
    with pytest.raises(ValueError, match="hidden_layer_sizes is empty"):
        SimpleMLPClassifier((), **params).fit(X, Y)


def test_list_in_a_list_is_no_name():
    """The message lists the names."""
    with pytest.raises(ValueError, match=r"Unknown activation \['relu'\]; known are"):
        SimpleMLPClassifier((4,), activation=[["relu"]]).fit(X, Y)
