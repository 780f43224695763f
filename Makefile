# The same commands for people and for CI. Only Python >= 3.11, git and make are taken for granted.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: pictures soak help setup demo test check format bench wheel clean

help: ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("fleetd needs Python 3.11 or newer; name one with PYTHON=..." if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r requirements.lock
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	touch $(READY)

setup: $(READY) ## the virtual environment with everything in it

demo: $(READY) ## a Service in one simulated cluster configures the others, told live
	$(BIN)/fleetd demo --once

test: $(READY) ## all tests, in parallel, on SQLite and on a real Postgres
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

check: $(READY) ## format, lint, strict types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

soak: $(READY) ## generated templates, expressions and fleets, with new seeds
	FLEETD_SOAK=500 $(BIN)/python -m pytest -q tests/gotemplate/test_generated.py tests/cel/test_laws.py tests/decide

bench: $(READY) ## the measured goals, as ratios taken in one run
	$(BIN)/python -m bench

wheel: $(READY) ## the wheel, in dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

pictures: $(READY) ## the pictures of the terminal UI anew
	$(BIN)/python -m bench.tui_pictures

lock: ## requirements.lock anew from pyproject.toml (hashes, no addresses)
	$(BIN)/uv pip compile pyproject.toml --extra all --group dev --universal --generate-hashes --no-annotate --no-header --python-version 3.11 -o requirements.lock

clean: ## everything made
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
