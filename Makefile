# Each target sets up .venv by itself where that is missing or stale.
.DEFAULT_GOAL := help
SHELL := bash
PYTHON := .venv/bin/python
DATA ?= ../shared/data
READ := --data runs/read.jsonl --extra runs/pool.jsonl --apart-from $(DATA)/dev.jsonl
LOCKS := configs/constraints-base.txt configs/constraints.txt configs/setup_venv.py pyproject.toml

.PHONY: help serve test fuzz test-faults test-deploy test-browser soak bench-serve overload kill-test bench-batch demo-retrain check train distil refine evaluate lock

help: ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.venv/base.stamp: $(LOCKS)
	python3 configs/setup_venv.py base
	@touch $@

.venv/dev.stamp: $(LOCKS)
	python3 configs/setup_venv.py dev
	@touch $@ .venv/base.stamp

serve: .venv/base.stamp ## answer at http://127.0.0.1:3000
	@$(PYTHON) -m serving serve

test: .venv/dev.stamp ## run the tests
	DETENTE_DATA=$(DATA) $(PYTHON) -m pytest

fuzz: .venv/dev.stamp ## ask the service 1,000 cases of /openapi.json with schemathesis
	$(PYTHON) -m tests.contract.fuzz

test-faults: .venv/dev.stamp ## the long form of tests/faults, about an hour
	$(PYTHON) -m pytest tests/faults --long

test-deploy: .venv/dev.stamp ## nginx, promtool, systemd, PostgreSQL (apt install nginx prometheus postgresql), the Bento
	$(PYTHON) -m pip install --quiet "psycopg[binary]>=3.2"
	$(PYTHON) -m pytest -m deploy tests/deploy

test-browser: .venv/dev.stamp ## page, interface and report in headless Chromium (apt install chromium)
	$(PYTHON) -m pip install --quiet "playwright>=1.50"
	$(PYTHON) -m pytest -m browser tests/browser

soak: .venv/dev.stamp ## ten minutes of traffic, after which a worker holds no more; MINUTES=60 for an hour
	$(PYTHON) -m tests.load.soak --minutes $(or $(MINUTES),10)

bench-serve: .venv/dev.stamp ## the service beside other servers of its model; PEERS="..." as docs/benchmarks.md says
	$(PYTHON) -m tests.load.bench $(PEERS)

overload: .venv/dev.stamp ## ten times as many requests as can be answered, for a minute
	$(PYTHON) -m tests.load.overload

check: .venv/dev.stamp ## lint, types, and which room may import which
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports

train: .venv/dev.stamp ## fine-tune one network on two cores; DATA names the folder of labelled statements
	$(PYTHON) -m training base mpnet
	$(PYTHON) -m training fit configs/train.toml --data $(DATA)/train.jsonl --apart-from $(DATA)/dev.jsonl

distil: .venv/dev.stamp ## the first step of the default model: teachers, a pool, a student (wants a GPU)
	$(PYTHON) -m training base mpnet
	$(PYTHON) -m training distil configs/distil.toml --data $(DATA)/train.jsonl --apart-from $(DATA)/dev.jsonl \
		--pool $(DATA)/unlabelled.jsonl.gz

refine: .venv/dev.stamp ## its other steps: goes on from STUDENT, a model folder, with all readings, the last epoch in int8
	$(PYTHON) -m training labels apply training/references/second_readings.tsv --to $(DATA)/train.jsonl --target runs/read.jsonl
	$(PYTHON) -m training labels apply training/references/pool.tsv --texts $(DATA)/unlabelled.jsonl.gz --target runs/pool.jsonl
	$(PYTHON) -m training fit configs/refine.toml $(READ) --start $(or $(STUDENT),runs/student/model)
	$(PYTHON) -m training fit configs/rounded.toml $(READ) --start runs/refine/model

evaluate: .venv/dev.stamp ## measure the default model beside the baselines
	$(PYTHON) -m training evaluate models/default $(DATA)/dev.jsonl --train $(DATA)/train.jsonl

kill-test: .venv/dev.stamp ## kill 100 batch runs of the default model and take each up again
	DETENTE_KILLS=100 $(PYTHON) -m pytest -s tests/serving/test_batch_faults.py -k killed_at_any_moment

bench-batch: .venv/dev.stamp ## measure the batch run beside transformers' pipeline
	$(PYTHON) -m training fit configs/smoke.toml
	$(PYTHON) -m training batch-bench models/default $(DATA)/unlabelled.jsonl.gz runs/smoke/model

demo-retrain: .venv/dev.stamp ## corrections into a better model and back, with the service running (some 40 minutes)
	$(PYTHON) -m training base minilm
	$(PYTHON) -m tests.demo.retraining --data $(DATA)

lock: ## renew the constraints files (needs uv)
	uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-header --no-annotate pyproject.toml -o configs/constraints-base.txt
	uv pip compile -q --python-version 3.11 --universal --no-header --no-annotate --extra train --extra dev -c configs/constraints-base.txt pyproject.toml | grep -vE '^(nvidia-(c|nc|nv)|cuda-|triton)' > configs/constraints.txt
