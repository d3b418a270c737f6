# The commands of coldwatch. Each brings what it lacks by itself: `make demo` and `make test` need no other first.
PYTHON ?= python3
BIN := .venv/bin
TIERS := unit property contract integration e2e faults
WORKERS ?= 3
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint unit bench faults reset lock

# The folders of the wanted tiers among $(1) that are there, each tier as one call of pytest: $(call tier,names,command).
folders = $(wildcard $(patsubst %,tests/%,$(filter $(TIERS),$(1))))
tier = $(if $(call folders,$(1)),$(2) $(call folders,$(1)))
PARALLEL := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

help:  ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

setup:  ## install what is missing (Debian packages, .venv, Kafka, PostgreSQL); quick when nothing is
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "需要 Python 3.11 或更高：make PYTHON=python3.11 / Python 3.11 or later is needed: make PYTHON=python3.11" >&2; \
		exit 1; }
	@$(PYTHON) -m stack.setup

demo: setup  ## the simulated city on the real stack; DEMO_SECONDS=60 ends it after that time
	@$(BIN)/coldwatch demo

test: lint  ## everything: style, types, laws of the house, all tiers of tests, cheapest first; ends at the first red one
	$(call tier,unit property,$(BIN)/pytest $(PARALLEL))
	$(call tier,contract integration,$(BIN)/python -m tests.servers $(BIN)/pytest $(PARALLEL))
	$(call tier,e2e faults,$(BIN)/pytest $(PARALLEL))

lint: setup  ## style, types, import laws
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup  ## the tests that need no server
	$(call tier,unit property,$(BIN)/pytest $(PARALLEL))

bench: setup  ## throughput, latency and CPU per reading, on a stack of its own
	$(BIN)/python -m bench.pipeline

faults: setup  ## the long fault drills: kill -9 of every process under load, with an independent checker
	FAULTS=long $(BIN)/pytest tests/faults tests/integration/test_judge.py

lock: setup  ## pin the whole environment again after a change of pyproject.toml
	$(BIN)/python -m stack.setup.lock

reset: setup  ## delete the demo's data, logs and passwords
	@$(BIN)/coldwatch reset
