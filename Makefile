# Thuphi. `make` alone lists what there is.
.DEFAULT_GOAL := list
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TYPES := $(BIN)/mypy && $(BIN)/lint-imports --no-cache
# Nobody looks: no progress bars. On a terminal there is no long silence.
QUIET := $(shell test -t 2 || echo --quiet)

# A process that compiles every module anew takes seconds to start, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: list demo test types suite style bench fast lint format

list: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(STAMP): requirements-uv.txt requirements-test.txt pyproject.toml
	@echo "Cài đặt vào $(VENV) (lần đầu khoảng một phút) / Installing into $(VENV) (about a minute the first time)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install $(QUIET) --disable-pip-version-check --require-hashes -r requirements-uv.txt
	@$(BIN)/uv pip sync $(QUIET) --compile-bytecode --python $(BIN)/python --require-hashes requirements-test.txt \
		|| $(BIN)/pip install $(QUIET) --disable-pip-version-check --require-hashes -r requirements-test.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . 2>/dev/null \
		|| $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## a day of trade on this machine, then keep serving (ONCE=1 stops after the table)
	@$(BIN)/thuphi demo $(if $(ONCE),--once)

test: style ## everything that must hold
	@$(MAKE) --no-print-directory -j 2 types suite

# One process reads all types while the others begin to test; what it says comes in one piece.
types: $(STAMP)
	@said=$$({ $(TYPES); } 2>&1); failed=$$?; echo "$$said"; exit $$failed

suite: $(STAMP)
	@$(BIN)/pytest -n 3 --dist loadgroup --no-loadscope-reorder

style: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .

fast: $(STAMP) ## rules and pages only, in seconds
	@$(BIN)/pytest -n 2 tests/unit

bench: $(STAMP) ## speed as ratios, into benchmarks/results.json
	@$(BIN)/python -m benchmarks

lint: style ## style, types and arrows
	@$(TYPES)

format: $(STAMP) ## rewrite in our style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
