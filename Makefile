# serve: the mock on http://127.0.0.1:8000, or with PORT=9000, BACKEND=echo and other settings
# test: every test   check: format, lint, types, imports
# contract: the contract suite on the mock and the echo backend, or on BACKEND=my_package.mine:Mine
# bench: our speed beside others'            clean: forget the environment

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt

.PHONY: serve test check contract bench clean

serve: .venv/serve
	$(BIN)/adapter serve

test: .venv/dev
	$(BIN)/pytest -n 2 $(ARGS)

check: .venv/dev
	$(BIN)/ruff format $(if $(CI),--check) .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

contract: .venv/contract
ifdef BACKEND
	$(BIN)/adapter check --backend $(BACKEND) --profile '$(PROFILE)' --report-dir reports $(ARGS)
else
	$(BIN)/adapter check --backend mock --profile full --strict --report-dir reports $(ARGS)
	$(BIN)/adapter check --backend echo --profile text --strict $(ARGS)
endif

bench: .venv/dev
	$(BIN)/python benchmarks/serve.py

.venv/serve: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) -e .
	touch $@

# What the contract suite needs, and no torch.
.venv/contract: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) -e '.[contract]'
	touch .venv/serve $@

.venv/dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) -e '.[dev]'
	touch .venv/serve .venv/contract $@

clean:
	rm -rf .venv
