# Everything a person needs to work on firth. Only Python 3.11 or newer and make have to be there; the rest goes into .venv.

PYTHON ?= python3
BIN    := .venv/bin
MADE   := .venv/made-for-demo
READY  := .venv/ready
SIDE_BY_SIDE := --numprocesses=auto --maxprocesses=4 --dist=loadfile

.DEFAULT_GOAL := help
.PHONY: help setup format check test oracles hostile bench docs demo clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | expand -t 10

setup: $(READY) ## .venv with firth (editable) and all that its tests need

# Two stamps: the demo needs firth's own dependencies only, the tests a good deal more.
$(MADE): pyproject.toml constraints.txt tools/venv.sh
	@test -x $(BIN)/python || PYTHON="$(PYTHON)" sh tools/venv.sh
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(READY): $(MADE)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]' --group dev
	@touch $@

format: $(READY) ## lay the code out
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

check: $(READY) ## under a minute: layout, lint, types, quick tests
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet --output-format concise .
	$(BIN)/mypy
	$(BIN)/pytest -q -m "not slow" --ignore=tests/oracles --ignore=tests/hostile

test: $(READY) ## everything: layout, lint, types and every test
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet --output-format concise .
	$(BIN)/mypy
	$(BIN)/pytest $(SIDE_BY_SIDE)

oracles: $(READY) ## only the comparisons with other programs
	$(BIN)/pytest tests/oracles

hostile: $(READY) ## only damaged files, full disks, kills
	$(BIN)/pytest tests/hostile

bench: $(READY) ## firth against gensim, in one run: make bench TEXT=file, a sentence a line
	@test -n "$(TEXT)" || { echo 'Name a text with a sentence a line: make bench TEXT=file' >&2; exit 2; }
	$(BIN)/python benchmarks/word2vec.py "$(TEXT)"

docs: $(READY) ## run every example in the documentation
	$(BIN)/pytest -q src tests/test_documentation.py

demo: $(MADE) ## learn word vectors from this Python's own documentation
	@$(BIN)/firth demo

clean: ## what was made here, and .venv
	rm -rf .venv .numba_cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist demo-model
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
