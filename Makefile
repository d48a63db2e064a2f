# cubespace: the two commands are `make demo` and `make test`.
PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
PIP_FLAGS ?=
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/workflow
READY := $(VENV)/.ready

.PHONY: demo run report test lint docs benchmark clean help

help:
	@echo "make demo       the whole pipeline on the mock survey, ending in a report"
	@echo "make test       all tests"
	@echo "make report     results/report.zip from the results that are there"
	@echo "make lint       ruff and snakemake --lint"
	@echo "make docs       the key table of config/README.md from the schema"
	@echo "make benchmark  time and memory of one full-size cube; ratios against references"
	@echo "make clean      removes results/"

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, found %d.%d; set PYTHON=" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -r requirements.txt
	@touch $@

demo: run report
	@cat results/summary.txt

run: $(READY)
	snakemake --profile config/profiles/local --cores $(CORES)

report: $(READY)
	snakemake --report results/report.zip

test: $(READY)
	OMP_NUM_THREADS=1 python -m pytest -n $(CORES) --dist loadfile

lint: $(READY)
	ruff check workflow tests resources
	snakemake --lint

docs: $(READY)
	python -m cubespace.steps.document --readme config/README.md

benchmark: $(READY)
	python tests/benchmarks/full_cube.py

clean:
	rm -rf results
