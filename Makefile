# Everything here works in a fresh clone on a machine that has Python >= 3.11 and make.
# Choose another Python with `make test PYTHON=python3.13`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# The oldest supported versions have wheels for Python 3.11 only.
OLDEST_PYTHON ?= $(shell $(PYTHON) -c 'import sys; print("$(PYTHON)" if sys.version_info[:2] == (3, 11) else "python3.11")')
OLDEST := scikit-learn==1.6.1 numpy==1.24.4 scipy==1.10.1 pandas==1.5.3 joblib==1.3.0
INSTALL := python -m pip install --quiet --disable-pip-version-check --editable
PYTEST := -m pytest -n 2 --timeout 600

.PHONY: help demo test lint write doctest suite suite-numpy test-works-with \
    test-works-with-more test-exporters test-slow test-oldest test-versions test-sanitized docs bench wheel \
    audit clean
.NOTPARALLEL:

help:
	@echo 'make demo              compare with scikit-learn: print a table, plot the loss curves'
	@echo 'make test              lint, types, doctests and the test suite'
	@echo 'make lint              ruff, mypy, codespell'
	@echo 'make write             generate constructors and docstrings from the parameter table'
	@echo 'make test-works-with   make test with all libraries that sknet is tested with'
	@echo 'make test-works-with-more   tests that require an older pandas, Ray or Spark (Java)'
	@echo 'make test-exporters    tests of exporters that require other versions (Java, torch)'
	@echo 'make test-slow         the slow tests'
	@echo 'make test-oldest       the test suite with the oldest supported versions'
	@echo 'make test-versions     the test suite with each supported minor version of scikit-learn'
	@echo 'make test-3.13         the test suite with Python 3.13, if it is installed'
	@echo 'make test-sanitized    the tests of the engine, compiled with sanitizers (gcc)'
	@echo 'make wheel             build the release files twice, compare and test them'
	@echo 'make audit             make wheel, then look for known vulnerabilities in dependencies'
	@echo 'make docs              build the documentation, with warnings as errors'
	@echo 'make bench             run all benchmarks (15 minutes)'
	@echo 'make clean             remove environments, caches and built pages'

# ---------------------------------------------------------------------- environments
# One stamp per extra: nothing is reinstalled until pyproject.toml changes.

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.has-%: pyproject.toml | $(BIN)/python
	$(BIN)/$(INSTALL) '.[$*]'
	@touch $@

.venv-oldest/.done: pyproject.toml
	rm -rf $(@D)
	$(OLDEST_PYTHON) -m venv $(@D)
	$(@D)/bin/$(INSTALL) '.[test]' $(OLDEST)
	@touch $@

.venv-more/.done: pyproject.toml
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/$(INSTALL) '.[test,works-with-more]'
	@touch $@

# Separate, because its tools have many dependencies.
.venv-release/.done: pyproject.toml
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/$(INSTALL) '.[release]'
	@touch $@

# Separate, because these libraries conflict with the newest versions of the others.
.venv-exporters/.done: pyproject.toml
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/$(INSTALL) '.[test,exporters]'
	@touch $@

.PRECIOUS: .venv-3.%/.done .venv-%/.done
.venv-3.%/.done: pyproject.toml
	rm -rf $(@D)
	python3.$* -m venv $(@D)
	$(@D)/bin/$(INSTALL) '.[test,plot,frames]'
	@touch $@

.venv-%/.done: pyproject.toml
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/$(INSTALL) '.[test,frames]' scikit-learn==$*
	@touch $@

# ------------------------------------------------------------------------------ engine
# Compiled in the source tree, for all environments; without a compiler there is only a
# warning, and the file is not made. SKNET_BUILD=compiled makes that an error.

ENGINE := sknet/engine/_machine.$(if $(filter Darwin,$(shell uname)),dylib,so)
ENGINE_SOURCES := hatch_build.py $(wildcard sknet/engine/*.c sknet/engine/*.h)
SANITIZED := build/sanitized/$(notdir $(ENGINE))

$(ENGINE): $(ENGINE_SOURCES)
	$(PYTHON) hatch_build.py

$(SANITIZED): $(ENGINE_SOURCES)
	CC=gcc $(PYTHON) hatch_build.py --sanitized $@

# ------------------------------------------------------------------------------ tests
# One BLAS thread per process: two processes share two cores and give the same bits.

PYTESTS := suite suite-numpy doctest test-works-with-more test-exporters test-slow \
    test-oldest test-sanitized test-1.% test-3.%
$(PYTESTS): export OMP_NUM_THREADS = 1
$(PYTESTS): export OPENBLAS_NUM_THREADS = 1
$(PYTESTS): export MKL_NUM_THREADS = 1
$(PYTESTS): export VECLIB_MAXIMUM_THREADS = 1
# Without it, check_estimator skips a check.
$(PYTESTS): export SCIPY_ARRAY_API = 1

test: lint doctest suite suite-numpy

lint: $(VENV)/.has-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/python .ci/write_estimators.py --check

# Generate constructors and docstrings of the estimators from the parameter table.
write: $(VENV)/.has-test
	$(BIN)/python .ci/write_estimators.py

doctest: $(ENGINE) $(VENV)/.has-test
	$(BIN)/python -m pytest --doctest-modules sknet

suite: $(ENGINE) $(VENV)/.has-test $(VENV)/.has-plot $(VENV)/.has-frames
	$(BIN)/python $(PYTEST)

# The part that compares with scikit-learn and with the reference, without the engine.
suite-numpy: export SKNET_ENGINE = numpy
suite-numpy: $(VENV)/.has-test $(VENV)/.has-plot $(VENV)/.has-frames
	$(BIN)/python $(PYTEST) tests/test_against_sklearn.py tests/test_reference.py \
	    tests/test_objective.py tests/test_solvers.py tests/test_checkpoint.py \
	    tests/test_predictor.py tests/engine/test_library.py

# With all libraries installed, a missing library is an error and not a skip.
test-works-with test-works-with-more test-slow test-exporters: \
    export SKNET_ALL_INSTALLED = 1

test-works-with: $(VENV)/.has-works-with test

# One process: Ray and Spark start processes themselves.
test-works-with-more: $(ENGINE) .venv-more/.done
	.venv-more/bin/python -m pytest --timeout 600 -m more tests/works_with

test-slow: $(ENGINE) $(VENV)/.has-test $(VENV)/.has-works-with
	$(BIN)/python $(PYTEST) -m slow

test-exporters: $(ENGINE) .venv-exporters/.done
	.venv-exporters/bin/python -m pytest --timeout 600 -m 'exporters or not exporters' \
	    tests/works_with/test_exporters.py tests/test_convolution.py tests/test_pooling.py

test-oldest: $(ENGINE) .venv-oldest/.done
	.venv-oldest/bin/python $(PYTEST)

test-1.%: $(ENGINE) .venv-1.%/.done
	.venv-1.$*/bin/python $(PYTEST)

test-3.%: $(ENGINE) .venv-3.%/.done
	.venv-3.$*/bin/python $(PYTEST)

test-versions: test-oldest test-1.7.2 test-1.8.0

# AddressSanitizer must be the first library of the process, and sees only memory that
# malloc gives. Python does not free everything when it ends, which would be reported.
WITH_SANITIZERS = LD_PRELOAD="$$(gcc -print-file-name=libasan.so)" \
    ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
    SKNET_ENGINE_LIBRARY=$(abspath $(SANITIZED))

# All tests of the engine, with those of whole fits, then more random programs.
test-sanitized: $(SANITIZED) $(VENV)/.has-test
	$(WITH_SANITIZERS) $(BIN)/python -m pytest --timeout 600 tests/engine
	$(WITH_SANITIZERS) $(BIN)/python tests/engine/fuzz.py --seed 1 --instructions 20000

# ---------------------------------------------------------------------------- release

wheel: .venv-release/.done
	.venv-release/bin/python .ci/wheel.py

# AUDIT=--allow-unreachable: report that no service could be reached, without failing
audit: wheel
	.venv-release/bin/python .ci/audit.py $(AUDIT)

# ------------------------------------------------------------------ demo, docs, bench

demo: $(ENGINE) $(VENV)/.has-plot
	$(BIN)/python examples/demo.py

docs: $(VENV)/.has-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

bench: $(ENGINE) $(VENV)/.has-bench
	$(BIN)/python benchmarks/fit_speed.py --threads 1
	for script in inlined threads predict_latency predict_memory fit_memory search_memory; do \
	    $(BIN)/python benchmarks/$$script.py || exit 1; done

clean:
	rm -rf .venv .venv-* .mypy_cache .pytest_cache .ruff_cache build dist docs/_build \
	    docs/auto_examples docs/generated docs/sg_execution_times.rst demo_loss_curves.png
	rm -f $(ENGINE)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
