# Two commands matter: `make demo` and `make test`. Both need a Python >= 3.11 and make the rest themselves.
# ARGS passes arguments through: make demo ARGS="--kafka memory", make test ARGS="-k receiver".

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
FOUND = $(or $(PYTHON),python3)

# no .pyc at installation: only what is imported is compiled, when it is imported
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links
BUILD_SECTION := \# only to build
TEST_SECTION := \# only for tests
without = --constraints $(VENV)/$(1).lock $$(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' $(VENV)/$(1).lock)

.PHONY: help demo test chaos format lock clean

help: ## show this
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

demo: $(VENV)/installed ## play a day in a store, from webhook to notification (ARGS="--kafka memory", ARGS="--json")
	@exec $(BIN)/pipeline demo $(ARGS)

test: $(VENV)/installed-for-tests ## lint, types, imports and all tests on a real Kafka (ARGS goes to pytest)
	@$(BIN)/ruff check --output-format concise || { echo 'make test: ruff has findings; `make format` mends what can be mended' >&2; exit 1; }
	@$(BIN)/ruff format --check || { echo 'make test: not formatted; run `make format`' >&2; exit 1; }
	@$(BIN)/mypy --strict pipeline stages schemas tests
	@$(BIN)/lint-imports --no-logo
	@exec $(BIN)/python -m pytest $(ARGS)

chaos: $(VENV)/installed-for-tests ## kill, stop and starve a running installation, and judge it (ARGS="--seed 7", ARGS=--help)
	@exec $(BIN)/python -m tests.chaos $(ARGS)

format: $(VENV)/installed-for-tests ## sort imports, mend what ruff can mend, format
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

# Three sections: what runs (the image has this), what builds the project (and `make demo` this), what only tests need.
lock: $(VENV)/python-is-here ## write requirements.lock anew from pyproject.toml (needs the network)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		> $(VENV)/build.in
	@$(COMPILE) pyproject.toml > $(VENV)/run.lock
	@$(COMPILE) $(VENV)/build.in $(call without,run) > $(VENV)/build.lock
	@$(COMPILE) pyproject.toml --extra test $(call without,run) $(call without,build) > $(VENV)/test.lock
	@{ echo '# Written by `make lock`. What runs:'; cat $(VENV)/run.lock; \
		echo '$(BUILD_SECTION)'; sed '/^#/,$$d' $(VENV)/build.lock; \
		echo '$(TEST_SECTION)'; sed '/^#/,$$d' $(VENV)/test.lock; } > requirements.lock

clean: ## remove everything that was made here
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/python-is-here:
	@$(FOUND) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Python 3.11 or newer is needed; $(FOUND) is' "$$($(FOUND) --version 2>/dev/null || echo absent)." >&2; \
		echo 'Install one, or name it: make $(firstword $(MAKECMDGOALS)) PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(FOUND) -m venv --clear $(VENV) || { \
		echo 'The virtual environment could not be made; on Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@touch $@

$(VENV)/installed: requirements.lock pyproject.toml $(VENV)/python-is-here
	@echo 'Installing into $(VENV) ...' >&2
	@sed '/^$(TEST_SECTION)/,$$d' requirements.lock > $(VENV)/run.lock
	@$(INSTALL) --require-hashes -r $(VENV)/run.lock
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-for-tests: $(VENV)/installed
	@echo 'Installing what the tests need ...' >&2
	@$(INSTALL) --require-hashes -r requirements.lock
	@touch $@
