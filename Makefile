# The two commands to begin with: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The hash of every file is in the lock files: whatever mirror serves it, other bytes are refused. Wheels only: no package's code runs on installing.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --only-binary :all:
LOCKED := $(PIP) --require-hashes
# Tests at once; two suits a small machine and the embedded database.
JOBS ?= 2
# No release younger than a week enters a lock file: most poisoned releases are found sooner.
COOLDOWN ?= $(shell date -u -d '7 days ago' +%F 2>/dev/null || date -u -v-7d +%F)
COMPILE = uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	--no-annotate --custom-compile-command "make lock" --exclude-newer $(COOLDOWN)

.DEFAULT_GOAL := help
.PHONY: help install dev demo serve test lint format bench lock catalogs clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*##/\1	/p' $(MAKEFILE_LIST) | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Testimony needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	$(LOCKED) -r requirements.lock -r requirements-build.lock
	$(PIP) --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(VENV)/.runtime
	$(LOCKED) -r requirements-dev.lock
	@touch $@

install: $(VENV)/.runtime  ## the environment, from hash-locked requirements
dev: $(VENV)/.dev  ## the same with what tests and linters need

demo: install  ## the whole service on invented testimony; keeps serving
	$(BIN)/testimony demo

serve: install  ## the server with the settings of the environment
	$(BIN)/testimony serve

test: dev  ## all tests
	$(BIN)/python -m pytest -n $(JOBS) $(TESTS)

lint: dev  ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: dev  ## let the formatter have its way
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: dev  ## intake and opening against the floor of the same machine
	$(BIN)/python -m tests.bench

lock:  ## the three lock files anew (needs uv)
	$(COMPILE) pyproject.toml -o requirements.lock $(UPGRADE)
	$(COMPILE) --group build -c requirements.lock -o requirements-build.lock $(UPGRADE)
	$(COMPILE) pyproject.toml --group dev -c requirements.lock -c requirements-build.lock -o requirements-dev.lock $(UPGRADE)

catalogs: dev  ## the pages' texts for translators: new ones in, old ones out
	$(BIN)/python scripts/catalogs.py

clean:  ## everything made here except data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov build dist tests/browser/enketo/node_modules
