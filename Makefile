PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test lint bench docs clean

$(STAMP): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	touch $@

## Start the sandbox tools and the service, fill them, and show the address. DEMO_SECONDS=60 ends by itself.
demo: $(STAMP)
	$(BIN)/connector demo --seconds "$${DEMO_SECONDS:-0}"

test: $(STAMP)
	$(BIN)/python tests/browser.py
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check '.[bench]'
	$(BIN)/python -m bench

docs: $(STAMP)
	$(BIN)/python docs/build.py

clean:
	rm -rf $(VENV) var
