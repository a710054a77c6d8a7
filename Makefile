# `make` alone prints this list. Nothing here needs more than python3 >= 3.11 and make.
.DEFAULT_GOAL := help
.PHONY: help run stop migrate data-1m demo test check lint fmt requirements bench bench-quick docs lock clean
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
SETUP := @sh deploy/setup.sh requirements.lock
SETUP_DEV := @sh deploy/setup.sh requirements-dev.lock

help: ## What can be done here
	@echo "SOHA: one API for the five services of a national welfare agency"
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Set up once, then start everything; Ctrl-C stops it
	$(SETUP)
	@exec $(PY) -m shared.running.cli run

stop: ## End the run that `make run` started
	@if [ -x $(PY) ]; then exec $(PY) -m shared.running.cli stop; else echo "nothing runs"; fi

migrate: ## Bring the database to its newest schema without starting anything else
	$(SETUP)
	@exec $(PY) -m shared.running.cli migrate

data-1m: ## Lay out 1,000,000 made-up households to try things on; stopped, it goes on
	$(SETUP)
	@exec $(PY) -m deploy.data --households 1000000

demo: ## Play the story of a widow's application against a running system
	$(SETUP)
	@exec $(PY) -m deploy.demo

test: lint ## Everything that CI checks
	$(PY) -m pytest

check: lint ## The same with the fast tests only
	$(PY) -m pytest -q -m "not journey"

lint:
	$(SETUP_DEV)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports

fmt: ## Format, and mend what can be mended
	$(SETUP_DEV)
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

requirements: ## Which requirements the tests show, and which not yet
	$(SETUP_DEV)
	@exec $(PY) -m tests.requirements

bench: ## Measure against the targets; writes evidence/bench.json
	$(SETUP_DEV)
	@exec $(PY) -m deploy.bench

bench-quick: ## The same at a fiftieth of the size, within a minute
	$(SETUP_DEV)
	@exec $(PY) -m deploy.bench --quick

docs: ## Draw docs/workflows.md from the Step tables
	$(SETUP_DEV)
	@exec $(PY) -m docs.workflows

lock: ## Write the locks anew from requirements*.in
	$(SETUP_DEV)
	.venv/bin/uv pip compile -q --universal --generate-hashes \
		--python-version 3.11 -o requirements.lock requirements.in
	.venv/bin/uv pip compile -q --universal --generate-hashes \
		--python-version 3.11 -c requirements.lock -o requirements-dev.lock requirements-dev.in

clean: ## Remove the environment, caches and the demo's data
	@sh deploy/clean.sh
