# serve: the mock on http://127.0.0.1:8000   test: every test   check: format, lint, types, imports
# bench: our speed beside others'            clean: forget the environment

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: serve test check bench clean

serve: .venv/serve
	$(BIN)/adapter serve

test: .venv/dev
	$(BIN)/pytest -n 2 $(ARGS)

check: .venv/dev
	$(BIN)/ruff format $(if $(CI),--check) .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev
	$(BIN)/python benchmarks/serve.py

.venv/serve: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) -e .
	touch $@

.venv/dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) -e '.[dev]'
	touch .venv/serve $@

clean:
	rm -rf .venv
