# Everything a person or CI does here. Needs python3 >= 3.11 with venv, and a package index; uses uv when there is one.
VENV := .venv
PYTHON := $(VENV)/bin/python
PYTEST_ARGS ?=
UP_ARGS ?=
# Processes that test side by side; the tests of one file stay together. WORKERS=0: all in this one, for a debugger.
WORKERS ?= 2

# uv installs the same locked files faster; hashes are checked by both.
ifneq ($(shell command -v uv 2>/dev/null),)
INSTALL = uv pip install --quiet --python $(PYTHON)
else
INSTALL = $(PYTHON) -m pip install --quiet --disable-pip-version-check
endif

# Beside one another no process counts with several threads: while one waits for another they take the processor from both.
check test test-chaos: export OPENBLAS_NUM_THREADS := 1
check test test-chaos: export OMP_NUM_THREADS := 1

.PHONY: up test test-chaos check clean format wheel

up: $(VENV)/.base
	$(VENV)/bin/vigil up $(UP_ARGS)

test: $(VENV)/.dev
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# Kills and cuts off real processes. VIGIL_CHAOS=full: the long version. VIGIL_CHAOS_SEED=…: the faults of an earlier run.
test-chaos: $(VENV)/.dev
	$(PYTHON) -m pytest -o "norecursedirs=.*" tests/chaos $(PYTEST_ARGS)

check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) -m pytest -q $(PYTEST_ARGS) tests/architecture tests/docs

format: $(VENV)/.dev
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

# The wheel and what it is made of, in dist/.
wheel: $(VENV)/.base
	rm -rf build dist
	$(PYTHON) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	$(VENV)/bin/vigil sbom dist/*.whl --locked requirements/base.txt --out dist/vigil-rpm.cdx.json

$(PYTHON):
	python3 -m venv $(VENV)

$(VENV)/.base: requirements/base.txt requirements/build.txt pyproject.toml | $(PYTHON)
	$(INSTALL) --require-hashes -r requirements/build.txt -r requirements/base.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	$(INSTALL) --require-hashes -r requirements/dev.txt
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
