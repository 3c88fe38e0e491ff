# Quandary: `make demo` and `make test` do all set-up themselves, in a virtual environment of their own.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Test files run at once. Each job starts servers of its own, and tests wait for servers more than they compute.
JOBS ?= 2

.PHONY: help setup demo test lint types imports starter clean

help:            ## show this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt .ci/llama-wheel .ci/synapse-venv .ci/synapse.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=24"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "$$(.ci/llama-wheel $(BIN)/python)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[matrix,telegram,lark,server,retrain,test]"
	.ci/synapse-venv $(BIN)/python >/dev/null
	touch $(READY)

setup: $(READY) ## install everything into .venv

demo: $(READY)  ## the whole loop on a real group chat, in under five minutes
	$(BIN)/quandary demo

test: lint types imports ## everything that CI runs
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

lint: $(READY)  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy --strict
	$(BIN)/mypy

imports: $(READY) ## who may import whom
	$(BIN)/lint-imports

starter: $(READY) ## train the starter family anew: make starter DATA=folder
	$(BIN)/quandary starter --data $(DATA) --out models/starter

clean:           ## remove the environment and all caches (never var/)
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
