"""What comes out of converted networks, their options, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest
from converted import (
    CLOSE,
    DTYPES,
    NO_ZIPMAP,
    VALUES,
    Y_BY_KIND,
    X,
    assert_same_classes,
    assert_same_values,
    each_dtype,
    fitted,
)
from numpy.testing import assert_allclose, assert_array_equal
from served import serve, skl2onnx
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknet
from sknet import SimpleMLPClassifier, SimpleMLPRegressor, TabularPreprocessor
from sknet.losses import Hinge
from sknet.network import layers
from sknet.onnx.converters import convert
from sknet.onnx.links import inverse


# That networks of few epochs have not converged is no news.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True, scope="module")
def registered():
    """Every test of this file wants it."""
    sknet.onnx.register()


# --------------------------------------------------- what comes out, and its options


@pytest.mark.parametrize("n_estimators", [1, 2])
@pytest.mark.parametrize("loss", ["squared_error", "gaussian", "mean_quantiles"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_standard_deviations(loss, n_outputs, n_estimators):
    estimator = SimpleMLPRegressor(loss, (6,), n_estimators=n_estimators)
    fitted(estimator, VALUES[:, 0] if n_outputs == 1 else VALUES)
    if n_estimators == 1 and loss != "gaussian":
        with pytest.raises(ValueError, match="no standard deviation"):
            serve(estimator, X, {"return_std": True})
        return
    served = serve(estimator, X, {"return_std": True})
    mean, std = estimator.predict(X, return_std=True)
    assert list(served) == ["variable", "std"]
    assert_allclose(served["variable"], mean.reshape(60, -1), rtol=1e-9, atol=1e-12)
    assert_allclose(served["std"], std.reshape(60, -1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "labels",
    [
        *(["b", "a", "c"], ["é", "", "x y"], np.array(["u", "v", "w"], dtype=object)),
        *([-3, 20, 7], np.array([3, 1, 2], dtype=np.uint8), [1.0, 2.0, 5.0]),
    ],
    ids=str,
)
def test_labels(labels):
    y = np.asarray(labels)[Y_BY_KIND["multiclass"]]
    assert_same_classes(fitted(SimpleMLPClassifier((4,)), y), np.float32)


@pytest.mark.parametrize("labels", [[False, True], ["no", "yes"], [7, 7]], ids=str)
def test_two_labels_or_one(labels):
    y = np.asarray(labels)[Y_BY_KIND["binary"]]
    assert_same_classes(fitted(SimpleMLPClassifier((4,)), y), np.float32)


def test_labels_that_onnx_does_not_have():
    y = np.array([0.5, 1.0, 2.0])[[0, 1, 2] * 20].astype(str).astype(object)
    estimator = fitted(SimpleMLPClassifier((4,)), y)
    estimator.classes_ = np.array([0.5, 1.0, 2.0])
    with pytest.raises(ValueError, match=r"integers or strings.*nocl"):
        serve(estimator, X, NO_ZIPMAP)


def test_zipmap():
    y = np.array(["b", "a", "c"])[Y_BY_KIND["multiclass"]]
    estimator, x = fitted(SimpleMLPClassifier((4,)), y), X.astype(np.float32)
    expected = estimator.predict_proba(x)
    maps = serve(estimator, x)["output_probability"]
    assert [list(row) for row in maps] == [["a", "b", "c"]] * 60
    assert_allclose([list(row.values()) for row in maps], expected, rtol=0, atol=1e-5)
    columns = serve(estimator, x, {"zipmap": "columns"})
    assert list(columns) == ["output_label", "sa", "sb", "sc"]
    assert_allclose(columns["sb"], expected[:, 1], rtol=0, atol=1e-5)


def test_labels_as_numbers():
    y = np.array(["b", "a", "c"])[Y_BY_KIND["multiclass"]]
    estimator = fitted(SimpleMLPClassifier((4,)), y)
    served = serve(estimator, X, NO_ZIPMAP | {"nocl": True})
    assert_array_equal(estimator.classes_[served["label"]], estimator.predict(X))


@each_dtype
@pytest.mark.parametrize("n_estimators", [1, 3])
@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "hinge"])
@pytest.mark.parametrize("kind", list(Y_BY_KIND))
def test_raw_scores(kind, loss, n_estimators, dtype):
    estimator = SimpleMLPClassifier((6,), loss=loss, n_estimators=n_estimators)
    fitted(estimator, Y_BY_KIND[kind])
    x = X.astype(dtype)
    served = serve(estimator, x, NO_ZIPMAP | {"raw_scores": True})["probabilities"]
    scores = estimator.decision_function(x)
    scores = np.c_[-scores, scores] if kind == "binary" else scores
    assert_allclose(served, scores, rtol=10 * CLOSE[dtype], atol=10 * CLOSE[dtype])


@pytest.mark.parametrize("shared_backbone", [False, True])
@each_dtype
def test_networks_of_an_ensemble_one_by_one(shared_backbone, dtype):
    several = {"n_estimators": 3, "shared_backbone": shared_backbone}
    classifier = fitted(SimpleMLPClassifier((6,), **several), Y_BY_KIND["multiclass"])
    for member in classifier.estimators_:
        assert_same_classes(member, dtype)
    regressor = fitted(SimpleMLPRegressor("squared_error", (6,), **several), VALUES)
    for member in regressor.estimators_:
        assert_same_values(member, dtype)


@each_dtype
@pytest.mark.parametrize("kind", ["binary", "multiclass"])
@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.parametrize("n_estimators", [1, 2])
def test_calibrated_classifier(kind, loss, n_estimators, dtype):
    network = SimpleMLPClassifier((6,), loss=loss, max_iter=2, random_state=0)
    network.set_params(n_estimators=n_estimators)
    model = CalibratedClassifierCV(network, cv=2).fit(X, Y_BY_KIND[kind])
    x = X.astype(dtype)
    served = serve(model, x, {id(model): NO_ZIPMAP})
    assert_array_equal(served["label"], model.predict(x))
    assert_allclose(served["probabilities"], model.predict_proba(x), rtol=0, atol=1e-5)


def test_options_of_a_part_of_a_pipeline():
    """By its class; given to the whole, skl2onnx loses all but one of them."""
    pipeline = make_pipeline(
        StandardScaler(), SimpleMLPClassifier((6,), max_iter=2, random_state=0)
    )
    pipeline.fit(X, Y_BY_KIND["multiclass"])
    options = {SimpleMLPClassifier: {"zipmap": False, "raw_scores": True}}
    served = serve(pipeline, X, options)["probabilities"]
    assert_allclose(served, pipeline.decision_function(X), rtol=1e-9, atol=1e-12)


def test_search():
    network = SimpleMLPRegressor(hidden_layer_sizes=(6,), max_iter=2, random_state=0)
    search = GridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=2).fit(X, VALUES)
    served = serve(search, X)["variable"]
    assert_allclose(served, search.predict(X), rtol=1e-9)


@pytest.mark.parametrize("opset", [13, 15, 17, 18, 20])
def test_older_opsets(opset):
    estimator = SimpleMLPClassifier((6,), "gelu", n_estimators=2)
    fitted(estimator, Y_BY_KIND["multiclass"])
    for dtype in DTYPES:
        served = serve(estimator, X.astype(dtype), NO_ZIPMAP, target_opset=opset)
        expected = estimator.predict_proba(X.astype(dtype))
        assert_allclose(served["probabilities"], expected, rtol=0, atol=1e-5)


def test_whole_numbers_come_in():
    estimator = fitted(SimpleMLPClassifier((4,)), Y_BY_KIND["binary"])
    x = np.rint(X).astype(np.int64)
    served = serve(estimator, x, NO_ZIPMAP)["probabilities"]
    assert served.dtype == np.float32
    assert_allclose(served, estimator.predict_proba(x), rtol=0, atol=1e-5)


def test_missing_converter_of_a_layer_or_a_loss():
    class Unknown(layers.Scale):
        pass

    class Strange(Hinge):
        pass

    with pytest.raises(
        NotImplementedError, match=r"(?s)layer Unknown.*layer, p, x, shape"
    ):
        convert(None, Unknown())
    with pytest.raises(
        NotImplementedError, match=r"(?s)loss Strange.*loss, raw, n_raw"
    ):
        convert(None, Strange())


def test_scores_by_a_link_that_only_ones_own_loss_has():
    with pytest.raises(NotImplementedError, match="the link 'exp' have no ONNX form"):
        inverse(None, "exp", "p")


def test_converter_wants_a_component():
    with pytest.raises(
        TypeError, match="not a class of an activation, a layer or a loss"
    ):
        sknet.onnx.converter(LogisticRegression)


# -------------------------------------------------------------------- what is refused


def test_wrong_number_of_columns():
    estimator = fitted(SimpleMLPClassifier((4,)), Y_BY_KIND["binary"])
    with pytest.raises(ValueError, match=r"3 columns in total.*fitted with 5"):
        serve(estimator, X[:, :3], NO_ZIPMAP)


def test_text_for_a_network_of_numbers():
    estimator = fitted(SimpleMLPClassifier((4,)), Y_BY_KIND["binary"])
    with pytest.raises(ValueError, match=r"takes numbers, but .*'X'.* text"):
        serve(estimator, X.astype(str), NO_ZIPMAP)


@pytest.mark.parametrize(
    "estimator", [SimpleMLPClassifier(), SimpleMLPRegressor(), TabularPreprocessor()]
)
def test_estimator_that_is_not_fitted(estimator):
    options = NO_ZIPMAP if isinstance(estimator, SimpleMLPClassifier) else None
    with pytest.raises(NotFittedError):
        serve(estimator, X, options)


def test_too_old_an_opset():
    estimator = fitted(SimpleMLPClassifier((4,)), Y_BY_KIND["binary"])
    with pytest.raises(ValueError, match=r"target_opset=12.*opset 13"):
        serve(estimator, X, NO_ZIPMAP, target_opset=12)


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match="pip install skl2onnx onnx"):
        sknet.onnx.register()


def test_registering_twice_changes_nothing():
    operators = skl2onnx._supported_operators.sklearn_operator_name_map
    before = dict(operators)
    sknet.onnx.register()
    assert operators == before
    assert_same_classes(
        fitted(SimpleMLPClassifier((4,)), Y_BY_KIND["binary"]), np.float32
    )


def test_importing_sknet_imports_none_of_it():
    code = (
        "import sys, sknet; sknet.onnx; print({'onnx', 'skl2onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
