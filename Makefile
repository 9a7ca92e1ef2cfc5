# hepaflow: `make help` lists what can be made.

PYTHON ?= python3
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
# The locked environment is complete; constraints that a site sets for other projects must not contradict it.
PIP := PIP_CONSTRAINT=/dev/null $(BIN)/python -m pip --disable-pip-version-check
# pip shows its progress in a terminal; in a log, a list of some hundred packages helps nobody.
QUIET := $(if $(MAKE_TERMOUT),,-qq)
# Status 141 means that the reader has gone, as with `| head`; this is not an error.
UNREAD := || [ $$? -eq 141 ]
# Whole small runs and plans: the tests of a file share one, so a file stays together. Files come in the order that a
# command names them; pytest-xdist would take those of few tests last, which take the longest here. A third process works
# while others wait.
SIDE_BY_SIDE := $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo test tools test-of-code test-of-runs test-of-queue lint unit workflow test-browser test-slurm test-gpu test-faults mutants why prune schema images docs dist lock clean bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "hepaflow needs Python 3.11 or later; found: $$($(PYTHON) --version). Give another: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.locked: envs/requirements.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the locked environment into $(VENV): 6.5 GB, some minutes the first time ..."
	@$(PIP) install $(QUIET) --require-hashes --requirement envs/requirements.txt
	@$(PIP) install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.locked-dev: envs/requirements-dev.txt $(VENV)/.locked
	@$(PIP) install $(QUIET) --require-hashes --requirement envs/requirements-dev.txt
	@touch $@

setup: $(VENV)/.locked ## create .venv from the locked requirements

demo: $(VENV)/.locked ## run the whole workflow on phantom exams, on the CPU, in minutes
	@$(BIN)/python workflow/demo.py --cores $(CORES)

test: ## run all checks except the slow ones (test-faults, test-slurm) and test-gpu
	@# Debian's packages come while the environment is made and the code is checked.
	@$(MAKE) --no-print-directory --jobs 2 tools lint docs
	@# Jobs of a queue mostly wait, so they run beside all other tests.
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target test-of-code test-of-queue

tools:
	@tests/browser/install_chromium.sh || echo "LEFT OUT: the tests in a real browser."
	@# One after the other, because only one can install packages at a time; its own target reports what is missing.
	@tests/dicom/install_dicom3tools.sh >/dev/null || true
	@tests/slurm/install >/dev/null || true

test-of-code:
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory test-of-runs

test-of-runs: $(VENV)/.locked-dev
	$(SIDE_BY_SIDE) -m 'not slow' tests/workflow tests/faults $(if $(shell command -v chromium),tests/browser)

test-of-queue:
	@if tests/slurm/install; then set -x; $(BIN)/pytest -m 'not slow' tests/slurm; else echo "LEFT OUT: the tests on a SLURM cluster."; fi

lint: $(VENV)/.locked-dev ## check style, types and formats
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile workflow/rules
	$(BIN)/snakemake --lint --configfile config/demo.yaml

unit: $(VENV)/.locked-dev ## test the package
	@tests/dicom/install_dicom3tools.sh
	$(BIN)/pytest -n 2 --doctest-modules workflow/scripts/hepaflow tests/unit

workflow: $(VENV)/.locked-dev ## test the rules, with small runs
	$(SIDE_BY_SIDE) tests/workflow

test-browser: $(VENV)/.locked-dev ## test the report and the viewer in Chromium
	tests/browser/install_chromium.sh
	$(BIN)/pytest tests/browser

test-slurm: $(VENV)/.locked-dev ## test on a SLURM cluster that is set up on this machine (root, Debian)
	$(BIN)/pytest tests/slurm

test-gpu: $(VENV)/.locked-dev ## test and measure training and prediction on a GPU, in under eight minutes; writes docs/gpu.md
	$(BIN)/pytest tests/gpu

test-faults: $(VENV)/.locked-dev ## test hostile input and faults, and run the other slow tests; writes docs/faults.md
	$(BIN)/pytest tests/faults --write-page
	$(BIN)/pytest tests/workflow -m slow

mutants: $(VENV)/.locked-dev ## test the tests with wrong code, for hours; writes docs/mutants.md: make mutants [MODULES="volumes/box ..."]
	PYTHONPATH=workflow/scripts:tests $(BIN)/python -m mutants $(MODULES)

bench: $(VENV)/.locked-dev ## compare the speed with other software; writes docs/benchmarks.md: make bench [BENCH="--only steps"]
	@$(PIP) install -qq --requirement benchmarks/requirements.txt
	@[ -d $(VENV)/nnunet ] || $(PIP) install -qq --no-deps --target $(VENV)/nnunet --requirement benchmarks/requirements-nnunet.txt
	PYTHONPATH=workflow/scripts $(BIN)/python -m benchmarks.run $(BENCH)

why: $(VENV)/.locked ## say what would run again and why: make why CONFIG="config/demo.yaml mine.yaml" [KEYS="seed=1"]
	@$(BIN)/python workflow/why.py $(if $(CONFIG),--configfile $(CONFIG)) $(if $(KEYS),--config $(KEYS)) $(UNREAD)

prune: $(VENV)/.locked ## list, or with REMOVE=yes remove, files that earlier runs have left: make prune CONFIG="config/demo.yaml mine.yaml"
	@$(BIN)/python workflow/prune.py $(if $(CONFIG),--configfile $(CONFIG)) $(if $(KEYS),--config $(KEYS)) $(if $(filter yes,$(REMOVE)),--remove) $(UNREAD)

schema: $(VENV)/.locked ## write config/schema.json from the settings
	$(BIN)/hepaflow schema > config/schema.json

images: $(VENV)/.locked-dev ## make the pictures in README.md and docs/ from a finished demo: make demo images
	tests/browser/install_chromium.sh
	PYTHONPATH=workflow/scripts $(BIN)/python docs/pictures.py

docs: $(VENV)/.locked-dev ## build the documentation site in site/, with the report of the demo if there is one
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=docs:workflow/scripts $(BIN)/mkdocs build --strict --quiet
	@echo "The site: site/index.html"

dist: $(VENV)/.locked ## build the source distribution and the wheel of this commit in dist/
	@rm -rf dist build
	@$(BIN)/python -c "from setuptools import build_meta; build_meta.build_sdist('dist')" >/dev/null
	@$(PIP) wheel -qq --no-deps --no-build-isolation --wheel-dir dist dist/hepaflow-*.tar.gz
	@rm -rf build workflow/scripts/hepaflow.egg-info
	@ls dist/*

lock: ## pin the requirements again (needs uv)
	cd envs && uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--quiet requirements.in --output-file requirements.txt
	cd envs && uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--quiet requirements-dev.in --output-file requirements-dev.txt
	$(PYTHON) envs/environment.py > envs/environment.yaml

clean: ## delete the environment, the site, and the demo's data and results
	rm -rf $(VENV) site dist results/demo data/phantoms
