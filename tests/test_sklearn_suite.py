"""scikit-learn's tests of its multi-layer perceptrons, run against our classes."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import sknet


HERE = Path(__file__).parent

# Where we mean to differ: test of scikit-learn's, reason, and the test of ours (in
# test_deviations.py) that says what we do instead.
DEVIATIONS = {
    "test_fit": (
        "forges some fifteen attributes, private ones among them, of an object that was"
        " never fitted",
        "test_one_step_of_descent_equals_the_worked_example",
    ),
    "test_gradient": (
        "calls the private method _loss_grad_lbfgs",
        "test_step_follows_the_gradient_of_the_loss",
    ),
    "test_early_stopping_stratified": (
        "expects an error where we warn and train without a validation split",
        "test_class_of_one_row_is_named_and_training_goes_on",
    ),
    "test_minimum_input_sample_size": (
        "expects an error where we warn and train without a validation split",
        "test_too_few_rows_for_a_split_are_all_trained_on",
    ),
    "test_mlp_partial_fit_after_fit[MLPClassifier]": (
        "expects an error where we go on, without a validation split",
        "test_partial_fit_goes_on_after_early_stopping",
    ),
    "test_mlp_partial_fit_after_fit[MLPRegressor]": (
        "expects an error where we go on, without a validation split",
        "test_partial_fit_goes_on_after_early_stopping",
    ),
    "test_preserve_feature_names[MLPClassifier]": (
        "has 10 rows, from which we split off no validation set, and warn of it",
        "test_column_names_are_kept_with_early_stopping",
    ),
    "test_preserve_feature_names[MLPRegressor]": (
        "has 10 rows, from which we split off no validation set, and warn of it",
        "test_column_names_are_kept_with_early_stopping",
    ),
}


def run_suite(report):
    """Run scikit-learn's tests in a process of their own; outcome by name of test."""
    paths = [str(HERE), str(Path(sknet.__file__).parents[1])]
    if "PYTHONPATH" in os.environ:
        paths.append(os.environ["PYTHONPATH"])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--pyargs", "sklearn.neural_network.tests.test_mlp"]
    command += ["-p", "sklearn_suite_plugin", f"--junitxml={report}"]

    finished = subprocess.run(
        command,
        cwd=report.parent,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert report.exists(), finished.stdout + finished.stderr
    cases = ElementTree.parse(report).iter("testcase")
    outcomes = {
        case.get("name"): {child.tag for child in case} & {"failure", "error"}
        for case in cases
    }
    return outcomes, finished.stdout


def test_sklearns_tests_pass_apart_from_the_deviations(tmp_path):
    """Our classes pass scikit-learn's tests, and fail exactly the listed ones."""
    outcomes, output = run_suite(tmp_path / "report.xml")

    failed = {name for name, outcome in outcomes.items() if outcome}
    assert failed == set(DEVIATIONS) & set(outcomes), output
    assert len(outcomes) >= 50


@pytest.mark.parametrize("deviation", DEVIATIONS)
def test_deviation_has_its_counterpart(deviation):
    """For each deviation a test of ours says what happens instead."""
    _, counterpart = DEVIATIONS[deviation]

    assert f"def {counterpart}(" in (HERE / "test_deviations.py").read_text()
