# `make demo` and `make test` install into .venv and run; nothing else is needed but Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= demo

.PHONY: demo test check format clean

# Installed once, and again when what is to be installed changes.
.venv/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("galaxyclass needs Python 3.11 or newer; PYTHON=… names one") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[all]' --group dev
	touch $@

demo: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/demo.sh $(DEMO)

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# One thread each: the tests run side by side on all cores, docstrings' examples among them.
test: check
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --doctest-modules src tests \
	    --cov --cov-report=term:skip-covered

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv demo .pytest_cache .mypy_cache .ruff_cache .coverage
