# One way to run things; `make` alone says what there is.

PYTHON ?= python3
VENV   ?= .venv
N      ?= 10000000
ARGS   ?=
SECONDS :=

PROMTOOL ?= promtool

DISTRIBUTIONS := runtime/core runtime/manager runtime/worker pyfora operator
BIN           := $(VENV)/bin
INSTALL        = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Tests of what users run on a Python of their choice: the client, and what it shares with the rest.
PORTABLE      := $(addprefix tests/, client compiler core protocol values)

.DEFAULT_GOAL := help
.PHONY: help demo test check lint test-pythons fuzz mutations e2e bench images sbom install-manifest check-alerts clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## Count primes on an embedded cluster (N=1000000: fewer)
	@$(BIN)/python examples/primes.py $(N)

test: $(VENV)/installed-test ## Run every test (ARGS=...: what pytest gets)
	@$(BIN)/python -m pytest $(ARGS)

check: lint test ## Check format, lint, types and layers, then run every test (ARGS as above)

lint: $(VENV)/installed-dev ## Check format, lint, types and layers
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test-pythons: ## Test client and core on the newer Pythons that this machine has
	@scripts/other-pythons | while read -r version python; do \
	    $(MAKE) --no-print-directory test PYTHON="$$python" VENV=".venv-$$version" \
	        ARGS="$(PORTABLE)" </dev/null || exit 1; \
	done

fuzz: $(VENV)/installed-test ## Look for differences from CPython with fresh programs for a minute (SECONDS=600: longer)
	@PYTHONPATH=tests/support $(BIN)/python -m fuzzing $(SECONDS:%=--seconds %) $(ARGS)

mutations: $(VENV)/installed-test ## Break checks of the compiler, and see the fuzzers notice each
	@PYTHONPATH=tests/support $(BIN)/python -m fuzzing.mutations

e2e: $(VENV)/installed-test ## Test on the Kubernetes cluster of kubectl (ARGS as above)
	@$(BIN)/python scripts/e2e $(ARGS)

bench: ## Measure, beside Dask, a process pool, numba and C (ARGS=--quick: less exact)
	@$(MAKE) --no-print-directory VENV=.venv-bench .venv-bench/installed-bench
	@.venv-bench/bin/python -m benchmarks $(ARGS)

images: ## Build the images of manager, worker and operator (BASE=, OUT=, BUILD_FLAGS=)
	@scripts/build-images

sbom: ## List what is in the images, as dist/*.cdx.json
	@PYTHON=$(PYTHON) scripts/sbom

install-manifest: ## Render the chart as plain manifests, dist/install.yaml (HELM=, NAMESPACE=)
	@scripts/render-install

check-alerts: ## Try the chart's alerts on made-up series (PROMTOOL=)
	@$(PROMTOOL) test rules tests/charts/alerts.promtool.yaml

clean: ## Remove what the other targets made
	rm -rf $(VENV) .venv-* build dist benchmarks/results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find $(DISTRIBUTIONS) tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

# Each stamp stands for a state of the virtual environment, and is made again when what it was
# made from changes.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Ufora needs Python 3.11 or later, and $(PYTHON) is" \
	         "$$($(PYTHON) --version 2>&1). Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/installed: constraints.txt $(DISTRIBUTIONS:=/pyproject.toml) | $(BIN)/python
	@echo "installing Ufora in $(VENV)"
	@$(INSTALL) hatchling editables
	@$(INSTALL) --no-build-isolation $(DISTRIBUTIONS:%=-e ./%) -e './runtime/worker[native]'
	@touch $@

$(VENV)/installed-test: requirements-test.txt $(VENV)/installed
	@echo "installing the tests' tools in $(VENV)"
	@$(INSTALL) -r $<
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed-test
	@echo "installing the checkers in $(VENV)"
	@$(INSTALL) -r $<
	@touch $@

$(VENV)/installed-bench: requirements-bench.txt $(VENV)/installed
	@echo "installing the engines to compare with in $(VENV)"
	@$(INSTALL) -r $<
	@touch $@
