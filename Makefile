# `make demo` and `make test` install into .venv and run; nothing else is needed but Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= demo
LOCK := requirements/dev.lock
# What `make oldest` and `make newest` run; for instance TESTS="tests/trees tests/recipes".
TESTS ?= tests

# Tests start hundreds of processes: each would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test slow coverage thorough hostile docs check audit format hooks changelog lock oldest newest dist release performance clean

# Installed once, and again when what is to be installed changes: the versions of the lock file.
# uv unpacks each wheel once, into a cache that is gone afterwards: 7 GB of disk at most, where pip
# takes 10. pip follows where uv finds no index: only pip reads pip.conf.
.venv/installed: pyproject.toml $(LOCK)
	$(PYTHON) -c 'import sys; sys.exit("galaxyclass needs Python 3.11 or newer; PYTHON=… names one") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --require-hashes --constraint $(LOCK) uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --cache-dir .venv/cache \
	    --require-hashes --requirement $(LOCK) \
	    || $(BIN)/pip install --quiet --require-hashes --requirement $(LOCK)
	rm -rf .venv/cache
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

demo: .venv/installed
	PATH="$(CURDIR)/$(BIN):$$PATH" bash scripts/demo.sh $(DEMO)

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

# Known weaknesses of the libraries in the lock file; asks the registry, so it is not in `check`.
audit: .venv/installed
	$(BIN)/uv tool run pip-audit --requirement $(LOCK) --no-deps --disable-pip

# One thread each: the tests run side by side on all cores, docstrings' examples among them. Each
# core begins with a stretch of its own and steals at the end, so that what tests of a room share
# (trained runs, exported networks) is mostly made once.
test: check
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -m "not slow and not thorough" \
	    --durations=20 --doctest-modules src tests

# What takes longest: the pages and the wheel as their readers use them, studies that are killed.
slow: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -m "slow and not thorough" \
	    --durations=20 tests

# The same, and which lines no test reaches; a quarter slower.
coverage: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal --doctest-modules src tests \
	    --cov --cov-report=term:skip-covered

# What `make test` holds of one network, of those that are alike.
thorough: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -m thorough --durations=20 tests

# Kills, mutated files, strange values, limits: what was tried and survived, as one table.
hostile: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.hostile

# The site in docs/_build/html; warnings are errors. Its gallery and figures are run. Offline.
docs: .venv/installed
	OMP_NUM_THREADS=1 $(BIN)/sphinx-build --quiet --fail-on-warning --keep-going \
	    --doctree-dir docs/_build/doctrees docs docs/_build/html

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# From then on every commit is checked first (.pre-commit-config.yaml).
hooks: .venv/installed
	$(BIN)/pre-commit install

# What the next release's entry of CHANGELOG.md would say.
changelog: .venv/installed
	$(BIN)/towncrier build --draft --version unreleased

# The newest versions that pyproject.toml allows, for every platform, with the hashes of their files.
lock: .venv/installed
	$(BIN)/uv pip compile --quiet --upgrade pyproject.toml --extra all --group dev --group docs --universal \
	    --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	    --custom-compile-command 'make lock' --output-file $(LOCK)

# The tests with the oldest versions that pyproject.toml allows, and with the newest, each in an
# environment of its own.
oldest: RESOLUTION := lowest-direct
newest: RESOLUTION := highest
oldest newest: .venv/installed
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .environments/$@
	$(BIN)/uv pip install --quiet --python .environments/$@/bin/python --upgrade \
	    --resolution $(RESOLUTION) --editable '.[all]' --group dev
	OMP_NUM_THREADS=1 .environments/$@/bin/python -m pytest -n auto --dist worksteal $(TESTS)

# Wheel and sdist into dist/, held to the list of what is in them.
dist: .venv/installed
	rm -rf dist
	$(BIN)/uv build --quiet --out-dir dist
	rm -f dist/.gitignore
	$(BIN)/python scripts/check_dist.py dist --strict
	$(BIN)/uvx --quiet cffconvert@2.0.0 --validate --infile CITATION.cff

# For instance `make release VERSION=0.2.0 DRY_RUN=1`, and without DRY_RUN when that went well.
release: .venv/installed
	rm -rf dist
	$(BIN)/python scripts/release.py $(VERSION) $(if $(DRY_RUN),--dry-run) --output dist

# Which work got slower since BASE: `make performance BASE=main`.
performance: .venv/installed
	$(BIN)/python benchmarks/guard.py $(BASE) $(GUARD)

clean:
	rm -rf .venv .environments/oldest .environments/newest demo dist .pytest_cache .mypy_cache \
	    .ruff_cache .coverage docs/_build docs/api docs/commands docs/gallery docs/project
