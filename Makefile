# One screen of what can be done here; `make` alone lists it.
PYTHON ?= python3
BIN := .venv/bin
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)

.DEFAULT_GOAL := help
.PHONY: help install demo test static check format docs conformance bench diagnosis-score clean

help:  ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install:  ## Install system packages (says which), the virtual environment and Towline itself.
	@PYTHON=$(PYTHON) bash tools/install.sh

demo: install  ## Tell the main job as a story, from `up` to `down`; as root, or by sudo.
	@$(AS_ROOT) $(BIN)/python -m demo

test: install  ## Run every test; what needs root says so where there is none.
	$(BIN)/pytest

static: install  ## Format, lint, types, import contracts: what needs no running.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: static  ## Everything a change must pass, fastest first.
	$(BIN)/pytest

format: install  ## Put the code into its canonical form.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: install  ## Write docs/commands.md and docs/diagnoses anew, after a change of commands or rules.
	$(BIN)/python tools/commands.py
	$(BIN)/python tools/diagnoses.py

conformance: install  ## Run the official OCI distribution conformance program against the registry.
	@PYTHONPATH=. $(BIN)/python tools/conformance.py

diagnosis-score: install  ## Score how well texts of failed pulls are read, by client, stage and situation.
	@$(BIN)/python tools/diagnosis_score.py

bench: install  ## Measure, with the peers beside us in the same run; as root, or by sudo.
	@for script in bench/*.py; do echo "== $$script"; $(AS_ROOT) env PYTHONPATH=. $(BIN)/python $$script || exit 1; done

clean:  ## Remove what install made inside this folder.
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
