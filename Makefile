# make demo   set up, run the quickstart study, print its tables and the page to open
# make test   set up, run every test (no GPU, no network)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO ?=
TESTS ?= tests

export MLFLOW_DISABLE_TELEMETRY = true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION = false
export GIT_PYTHON_REFRESH = quiet
export PYDEVD_DISABLE_FILE_VALIDATION = 1

.PHONY: help venv demo test lint typecheck ui constraints clean

help:
	@sed -n '1,2s/^# //p' Makefile
	@echo "also: venv lint typecheck ui constraints clean"

venv: $(VENV)/.stamp

$(VENV)/.stamp: pyproject.toml constraints.txt
	@echo "setting up $(VENV): silent for some minutes, longer where torch comes with CUDA"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

demo:
	@start=$$(date +%s); \
	$(MAKE) --no-print-directory venv && \
	awk -v s=$$start -v r=$$(date +%s) 'BEGIN { printf "set up in %.1f min\n", (r - s) / 60 }' && \
	$(BIN)/qpm run studies/quickstart.yaml $(DEMO)

test: venv
	$(BIN)/python -m pytest -q $(TESTS)

lint: venv
	$(BIN)/ruff check .

typecheck: venv
	$(BIN)/mypy qpm

ui: venv
	$(BIN)/qpm ui

# Exact pins of everything that `qpm[dev,init,slurm]` needs, without local labels such as +cpu,
# so that one file serves CPU-only and CUDA machines.
constraints:
	rm -rf $(VENV)-constraints && $(PYTHON) -m venv $(VENV)-constraints
	$(VENV)-constraints/bin/python -m pip install --quiet -e ".[dev,init,slurm]"
	$(VENV)-constraints/bin/python -m pip freeze --exclude-editable | sed 's/+[A-Za-z0-9.]*$$//' > constraints.txt
	rm -rf $(VENV)-constraints

clean:
	rm -rf $(VENV) $(VENV)-constraints dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find qpm tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
