# The two commands of the README are `make walkthrough` and `make test`; each makes what it needs.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: walkthrough test accuracy bench lint clean

walkthrough: .venv/walkthrough
	$(BIN)/python -m swin_np tour --figures figures
	@echo "The figures are in the folder figures."

test: .venv/oracle
	$(BIN)/python -m pytest

accuracy: .venv/oracle
	$(BIN)/python -m benchmarks.accuracy

bench: .venv/oracle
	$(BIN)/python -m benchmarks.speed --json speed.json --figure speed.svg

lint: .venv/oracle
	$(BIN)/ruff check .

clean:
	rm -rf .venv build *.egg-info

.venv/walkthrough: requirements.txt pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10) and 'swin_np needs Python 3.10 or newer, this is ' + sys.version.split()[0] + ': call make PYTHON=python3.12, for instance')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt --editable .
	@touch $@

.venv/oracle: .venv/walkthrough
	$(BIN)/python -m pip install --quiet --editable ".[oracle,dev]"
	@touch $@
