# The two commands of the README are `make walkthrough` and `make test`; each target makes what it needs.
# `make walkthrough CHECKPOINT=...`, with a path or an address (hf://owner/name), also says what is on the photograph.

PYTHON ?= python3
CHECKPOINT ?=
WORKERS ?= 2
export CHECKPOINT
BIN := .venv/bin

.PHONY: walkthrough test test-long test-all test-processors figures notebooks check-notebooks html slides talk docs explorer lab lab-zh accuracy bench lint clean

walkthrough: .venv/walkthrough
	$(if $(filter hf:%,$(CHECKPOINT)),$(BIN)/python -m pip install --quiet --editable ".[hub]")
	$(BIN)/python -m swin_np tour --figures figures
	$(if $(CHECKPOINT),$(BIN)/python -m swin_np classify --checkpoint "$$CHECKPOINT")
	$(BIN)/python -m notebooks.publish slides
	$(BIN)/python -m notebooks.publish html
	$(BIN)/python -m notebooks.publish talk
	$(BIN)/python -m notebooks.publish docs
	$(BIN)/python -m notebooks.explorer pages/explorer.html
	@echo "The figures are in the folder figures. Open pages/index.html (in Chinese pages/zh/index.html) in a browser; no network is needed."
	@echo "make lab opens the notebooks themselves in JupyterLab, make lab-zh the Chinese ones."

test: .venv/oracle
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not long"

test-long: .venv/oracle
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m long

test-all: test test-long

test-processors: .venv/oracle
	$(BIN)/python -m tests.processors

figures: .venv/walkthrough
	$(BIN)/python -c "from swin_np.plots import save_all; save_all('figures', print)"
	$(BIN)/python -m notebooks.translate figures zh

notebooks: .venv/walkthrough
	$(BIN)/python -m notebooks.publish execute

check-notebooks: .venv/walkthrough
	$(BIN)/python -m notebooks.publish check

html: .venv/walkthrough
	$(BIN)/python -m notebooks.publish html

slides: .venv/walkthrough
	$(BIN)/python -m notebooks.publish slides

talk: .venv/walkthrough
	$(BIN)/python -m notebooks.publish talk

docs: slides html talk explorer
	$(BIN)/python -m notebooks.publish docs

explorer: .venv/walkthrough
	$(BIN)/python -m notebooks.explorer pages/explorer.html

lab: .venv/walkthrough
	$(BIN)/python -m jupyterlab notebooks/00_start_here.ipynb

lab-zh: .venv/walkthrough
	$(BIN)/python -m notebooks.translate write zh notebooks_zh
	SWIN_NP_LANGUAGE=zh $(BIN)/python -m jupyterlab notebooks_zh/00_start_here.ipynb

accuracy: .venv/oracle
	$(BIN)/python -m benchmarks.accuracy

bench: .venv/oracle
	$(BIN)/python -m benchmarks.speed --keep --figure speed.svg
	$(BIN)/python -m benchmarks.kept

lint: .venv/oracle
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf .venv build dist pages *.egg-info

.venv/walkthrough: requirements.txt pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10) and 'swin_np needs Python 3.10 or newer, this is ' + sys.version.split()[0] + ': call make PYTHON=python3.12, for instance')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt --editable .
	@touch $@

.venv/oracle: .venv/walkthrough
	$(BIN)/python -m pip install --quiet --editable ".[oracle,dev]"
	@touch $@
