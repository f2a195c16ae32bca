# Every command sets up .venv by itself. Needs make and Python 3.11 or newer; choose one with `make PYTHON=python3.12 …`.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
SCHEDULES ?= 200
LOCK := requirements/dev.txt
PIP := .venv/bin/python -m pip --quiet --disable-pip-version-check
BUILDER := $(firstword $(shell command -v docker podman buildah 2>/dev/null))
DIRECTLY := env -u HTTPS_PROXY -u https_proxy -u HTTP_PROXY -u http_proxy -u ALL_PROXY -u all_proxy

.DEFAULT_GOAL := help
.PHONY: help demo play test quick red chaos screenshots lint format bench image lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/ready ## Run the demo in a browser (Ctrl-C stops it)
	@.venv/bin/python -m sandbox.demo

play: .venv/ready ## Run one story of the demo in the terminal, then exit
	@.venv/bin/python -m sandbox.demo --once

test: .venv/ready ## Run every test
	@.venv/bin/python -m pytest -n auto --dist worksteal

quick: .venv/ready ## Run the tests that need no process and no browser, in under a minute
	@.venv/bin/python -m pytest -q -n auto --dist worksteal --quick tests/bot tests/handlers $(wildcard tests/test_*.py)

red: .venv/ready ## Run the tests of faults on older code, where they must fail: BASE=8c28bf0
	@.venv/bin/python -m tests.red $(BASE) $(ONLY)

chaos: .venv/ready ## Play 200 schedules of everything at once; SEED=17 plays that one, SCHEDULES=50 so many
	@.venv/bin/python -m pytest -q -n auto --dist worksteal tests/chaos $(if $(SEED),--seed $(SEED),--schedules $(SCHEDULES))

screenshots: .venv/ready ## Regenerate README screenshots (needs Chromium or Chrome)
	@PICTURES=docs/pictures .venv/bin/python -m pytest -q tests/page/test_pictures.py tests/page/test_calendar.py

lint: .venv/ready ## Check style, types and the direction of imports
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --cache-dir .import_linter_cache

format: .venv/ready ## Rewrite the code in the house style
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

bench: .venv/ready ## Measure this checkout on this machine; BASE=8c28bf0 compares it with that commit, ONLY=submits a part
	@.venv/bin/python -m benchmarks$(if $(BASE),.compare $(BASE)) $(ONLY)

image: ## Build the container image (needs docker, podman or buildah)
	@test -n "$(BUILDER)" || { echo "docker, podman or buildah is needed; none was found."; exit 1; }
	@$(BUILDER) build $(IMAGE_FLAGS) --tag dcv-resend --file Dockerfile .

lock: ## Update the locked versions (needs uv)
	@uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements/run.txt $(LOCK_FLAGS)
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --quiet -o $(LOCK) $(LOCK_FLAGS)
	@echo "hatchling" | uv pip compile - --constraint $(LOCK) --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements/build.txt $(LOCK_FLAGS)

clean: ## Remove .venv and every cache
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

.venv/ready: $(LOCK) pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found. Name one: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up .venv with $(PYTHON) (once, about a minute) …"
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@$(PIP) install --retries 1 --require-hashes -r $(LOCK) || { echo "Once more, without a proxy …"; \
		$(DIRECTLY) $(PIP) install --require-hashes -r $(LOCK); }
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
