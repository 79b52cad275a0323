# `make` lists what there is. Only Python 3.11 or newer and make are needed; the rest goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
BIN := $(VENV)/bin
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: help quickstart test lint format constraints clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

quickstart: $(VENV)/.installed  ## install, train the dates recipe, show its score, a heatmap and what to try next
	$(BIN)/keras-attn train dates --output runs/dates

test: $(VENV)/.installed-test  ## run the tests (ARGS="tests/cli -k pipe" narrows them down)
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.installed-test  ## check style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/.installed-test  ## rewrite the code in the project's format
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

constraints: $(VENV)/.installed-test  ## pin what is installed now in constraints.txt
	{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable; } > constraints.new
	mv constraints.new constraints.txt

clean:  ## remove the environment and the tools' caches; runs and models stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache *.egg-info build dist

# Each stamp is younger than what it was installed from, so nothing is installed twice.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("PYTHON: 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + "; try make PYTHON=python3.11")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test,lint]"
	@touch $@
