# The two commands a newcomer needs: `make demo` and `make test`; `make test-long` before a release.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find . -name '*.py' -not -path './.venv/*' -not -path './build/*' -not -path './tests/*') pyproject.toml README.md

.PHONY: demo test test-long docs tutorials clean

demo: $(VENV)/demo.stamp
	$(BIN)/stinespring run glassllm:en --prompt "Alice was beginning to" --steps 3 --top-k 4 --shots 60000 --seed 1 --plot demo.png
	$(BIN)/stinespring run glassllm:en --prompt "Alice was beginning to" --steps 3 --top-k 4 --shots 60000 --seed 1 --backend fake:boston
	@echo "figure: demo.png"

test: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd tests && ../$(BIN)/mypy -p stinespring
	$(BIN)/python -m pytest -n auto --maxprocesses 4

# The same tests with many and new examples, four minutes of fuzzing, and what of the package they reach. It prints the seed that
# repeats them.
test-long: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --long --cov --cov-report=term

# The documentation site, in site/; what could mislead a reader is an error.
docs: $(VENV)/docs.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "to read it: python3 -m http.server --directory site"

# The tutorials' pages and figures, by running them.
tutorials: $(VENV)/test.stamp
	$(BIN)/python docs/tools/tutorial.py

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "stinespring needs Python 3.11 or newer; try make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/demo.stamp: $(BIN)/python $(SOURCES)
	rm -rf build  # modules that are gone would be installed with the others
	$(BIN)/python -m pip install --quiet ".[demo]"
	@touch $@

$(VENV)/test.stamp: $(BIN)/python $(SOURCES)
	rm -rf build
	$(BIN)/python -m pip install --quiet ".[test]"
	@touch $@ $(VENV)/demo.stamp

$(VENV)/docs.stamp: $(BIN)/python $(SOURCES)
	rm -rf build
	$(BIN)/python -m pip install --quiet ".[docs]"
	@touch $@

clean:
	rm -rf $(VENV) build site *.egg-info demo.png
