"""``python -m sknet``: parsing, advice, and one run of the command."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sknet import __main__ as command
from sknet.engine.library import Library


CPUINFO = """\
processor\t: 0
model name\t: Some Core 9
flags\t\t: fpu avx2 avx512f

processor\t: 1
model name\t: Some Core 9
flags\t\t: fpu avx2 avx512f
"""
AVX2 = frozenset({"avx2"})
AVX512 = frozenset({"avx2", "avx512f"})


def openblas(kernel):
    """Return what threadpoolctl says of an OpenBLAS with this kernel."""
    return {
        "user_api": "blas",
        "internal_api": "openblas",
        "version": "0.3.30",
        "num_threads": 2,
        "filepath": "/env/numpy.libs/libopenblas.so",
        "architecture": kernel,
    }


MKL = {"user_api": "blas", "internal_api": "mkl", "version": "2024", "num_threads": 2}


def distribution(name):
    """Return what importlib says of an installed distribution."""
    return SimpleNamespace(name=name, version="0.0.1")


@pytest.mark.parametrize("name", ["SKNet", "sknet"])
def test_another_project_of_our_import_name_is_told_of(monkeypatch, name):
    """Its name and version, and how to get rid of it."""
    installed = [distribution("numpy"), distribution(name)]
    monkeypatch.setattr(command, "distributions", lambda: installed)
    assert f"{name} 0.0.1" in command.namesake()
    assert "pip uninstall sknet" in command.namesake()


def test_our_own_distribution_is_no_other_project(monkeypatch):
    """Its name is another one; one without any, of a broken installation, passes."""
    installed = [distribution("sknet-mlp"), distribution(None)]
    monkeypatch.setattr(command, "distributions", lambda: installed)
    assert command.namesake() is None


def test_cpuinfo_is_parsed():
    assert command.parse_cpuinfo(CPUINFO) == ("Some Core 9", {"fpu", "avx2", "avx512f"})


def test_cpuinfo_of_arm_names_its_flags_features():
    model, flags = command.parse_cpuinfo("processor\t: 0\nFeatures\t: fp asimd\n")
    assert model == ""
    assert flags == {"fp", "asimd"}


def test_missing_cpuinfo_says_nothing():
    assert command.parse_cpuinfo("") == ("", frozenset())


@pytest.mark.parametrize(
    ("infos", "flags", "kernels"),
    [
        ([openblas("Haswell")], AVX512, ["Haswell"]),
        ([openblas("Zen"), openblas("Zen")], AVX512, ["Zen"]),
        ([openblas("SkylakeX"), openblas("Haswell")], AVX512, ["Haswell"]),
        ([openblas("Haswell")], AVX2, []),
        ([openblas("SkylakeX")], AVX512, []),
        ([openblas("Cooperlake")], AVX512, []),
        ([openblas(None)], AVX512, []),
        ([MKL], AVX512, []),
        ([], AVX512, []),
        ([openblas("Haswell")], frozenset(), []),
    ],
)
def test_older_kernels(infos, flags, kernels):
    assert command.older_kernels(infos, flags) == kernels


def test_advice_names_the_setting_when_it_pays():
    advice = command.kernel_advice(["Zen"], 1.9)
    assert "    OPENBLAS_CORETYPE=SkylakeX\n" in advice
    assert "1.90 times that speed" in advice
    assert "is set" not in advice


def test_advice_names_a_setting_that_is_there_already():
    assert "OPENBLAS_CORETYPE=Zen is set" in command.kernel_advice(["Zen"], 1.9, "Zen")


def test_advice_leaves_things_alone_when_it_does_not_pay():
    advice = command.kernel_advice(["Zen"], 1.15)
    assert "Before starting" not in advice
    assert "no change is needed" in advice


@pytest.mark.parametrize(
    ("infos", "said"),
    [
        ([openblas("Zen")], ""),
        ([MKL, openblas("Zen")], ""),
        ([MKL], "come from mkl"),
        ([], "No BLAS that threadpoolctl can control"),
    ],
)
def test_missing_openblas_is_said(infos, said):
    advice = command.missing_openblas(infos)
    assert said in advice
    assert bool(advice) == bool(said)


def test_blas_line_names_version_kernel_threads_and_owner():
    line = command.describe_blas(openblas("Zen"))
    assert line == "openblas 0.3.30, kernel Zen, 2 thread(s), from numpy.libs"
    assert "kernel unknown" in command.describe_blas(MKL)


def test_engine_line_names_the_instruction_set_or_the_reason():
    """The library need not say what instructions it uses."""
    library = Library(Path("/env/_machine.so"), None, "avx2")
    line = "compiled, instruction set: {}, from _machine.so"
    assert command.describe_engine(library, "") == line.format("avx2")
    library = Library(Path("/env/_machine.so"), None)
    assert command.describe_engine(library, "") == line.format("not known")
    assert command.describe_engine(None, "Not built.") == "NumPy. Not built."


def test_gain_is_the_median_ratio():
    now = {"a": 10.0, "b": 10.0, "c": 10.0}
    assert command.measured_gain(now, {"a": 20.0, "b": 30.0, "c": 90.0}) == 3.0


def test_rates_are_positive():
    rates = command.product_rates(seconds=0.004)
    assert len(rates) == 4
    assert min(rates.values()) > 0


def test_command_runs():
    run = [sys.executable, "-m", "sknet"]
    full = subprocess.run(run, capture_output=True, text=True, check=True, timeout=300)
    for word in ("scikit-learn", "numpy", "cpu:", "engine: ", "GFLOP/s"):
        assert word in full.stdout
    done = subprocess.run(
        [*run, "--rates"], capture_output=True, text=True, check=True, timeout=300
    )
    assert len(json.loads(done.stdout)) == 4
