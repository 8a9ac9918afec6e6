# Every everyday command of the project; each sets up its own .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CODE := adapters bridge deskbridge rules sandbox webhooks tests benchmarks docs

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench chaos requirements clean

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/run.stamp ## three sandbox desks and the bridge on this machine, about 120 tickets, under a minute
	@$(BIN)/deskbridge demo $(ARGS)

test: lint ## lint, types, import contracts and the whole test suite
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

lint: $(VENV)/test.stamp ## ruff, mypy --strict and the import contracts, changing nothing
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check --quiet $(CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/test.stamp ## put imports and layout in order
	@$(BIN)/ruff check --fix-only --quiet $(CODE)
	@$(BIN)/ruff format --quiet $(CODE)

bench: $(VENV)/test.stamp ## every benchmark, each printing a ratio to a named baseline of the same run
	@$(BIN)/python -m benchmarks $(ARGS)

chaos: $(VENV)/test.stamp ## random people, faults and kill -9; SIZE= SEED= ENGINE=sqlite|postgresql KILLS= WORKERS= HOSTS= (docs/chaos.md)
	@$(BIN)/python -m benchmarks.chaos --size $(or $(SIZE),1000) --seed $(or $(SEED),1) --engine $(or $(ENGINE),sqlite) --kills $(or $(KILLS),10) $(if $(WORKERS),--workers $(WORKERS)) $(if $(HOSTS),--hosts $(HOSTS)) $(ARGS)

requirements: ## pin the requirement files anew (needs uv)
	uv pip compile $(PIN) pyproject.toml requirements/build.in -o requirements/run.txt
	uv pip compile $(PIN) --extra ml --overrides requirements/without.in pyproject.toml requirements/build.in requirements/test.in requirements/ml.in -o requirements/test.txt
PIN := --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet

clean: ## remove .venv and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Deskbridge needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module is missing; on Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/%.stamp: requirements/%.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing requirements/$*.txt into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/$*.txt || { echo "Could not install requirements/$*.txt. Is PyPI (or your mirror) reachable? pip's own words are above; run the same command again when it is." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@
