# FPBay. `make` lists what there is. Needs python3 (3.11 or newer, with venv) and make, nothing else.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
HTTP   ?= 127.0.0.1:8000
PORT   ?= emu://stm32f103c8
N      ?= 200
SEED   ?= 0
PART   ?= stm32f103c8
TSC    := typescript@5.9.3
# Left by the tests and not theirs to write, so that two checks in a row see the same tree.
export PYTHONDONTWRITEBYTECODE ?= 1

.DEFAULT_GOAL := help
.PHONY: help run test slow check bench faults firmware format clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Serve the workbench on an emulated board with our firmware (PORT=, HTTP=).
	$(BIN)/python -m firmware.build
	$(BIN)/python -m emulator.native.build
	$(BIN)/fpbay serve --port '$(PORT)' --http '$(HTTP)'

test: $(VENV)/.dev ## Run the tests. What needs Chromium, node or arm-none-eabi-gcc skips without it.
	$(BIN)/python -m pytest --numprocesses auto -m 'not slow' $(PYTEST_ARGS)

slow: $(VENV)/.dev ## Run the tests that take longer, as CI does.
	$(BIN)/python -m pytest --numprocesses auto -m slow $(PYTEST_ARGS)

check: $(VENV)/.dev ## Lint, types and formatting of everything: Python, C, JavaScript.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --ignore-noqa .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
	$(BIN)/npx --yes -p $(TSC) tsc -p static/jsconfig.json
	$(BIN)/node --test tests/static/*.test.mjs

bench: $(VENV)/.dev ## Measure what the README claims, beside its peers.
	$(BIN)/python -m benchmarks

faults: $(VENV)/.dev ## Inject over bad lines and look what was a lie: N=10000, from seed SEED=0, PART=.
	$(BIN)/python -m tests.faults $(N) $(SEED) --part $(PART)

firmware: $(VENV)/.run ## Build the loader: ELF, map, bin and hex under firmware/build/.
	$(BIN)/python -m firmware.build

format: $(VENV)/.dev ## Format Python and C.
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $$(git ls-files '*.c' '*.h')

clean: ## Remove what was built and installed.
	rm -rf $(VENV) build *.egg-info firmware/build emulator/native/build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "FPBay needs Python 3.11 or newer; give one with make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(VENV)/.run $@
