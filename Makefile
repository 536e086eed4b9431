# The two commands a newcomer needs: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find models circuits compiler backends ledger checks pipeline report cli -name '*.py') $(wildcard *.py) pyproject.toml README.md

.PHONY: demo test lint clean

demo: $(VENV)/demo.stamp
	$(BIN)/stinespring run glassllm:en --prompt "Alice was" --steps 4 --top-k 5 --shots 60000 --seed 1 --plot demo.png
	@echo "figure: demo.png"

test: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd tests && ../$(BIN)/mypy -p stinespring
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --cov --cov-report=term

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stinespring needs Python 3.11 or newer; try make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/demo.stamp: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet ".[demo]"
	@touch $@

$(VENV)/test.stamp: $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet ".[test]"
	@touch $@ $(VENV)/demo.stamp

clean:
	rm -rf $(VENV) build *.egg-info demo.png
