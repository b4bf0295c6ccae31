# Two commands do all the set-up on a fresh machine with a Rust toolchain:
#   make demo   builds and runs the main job, from files to checked, published predictions
#   make test   installs what the tests compare with (Python libraries, PostgreSQL) and runs them all

# A target folder outside the checkout is used when there is one, so that clones share a build.
SHARED_TARGET := $(HOME)/.cache/aqueduct-target
ifneq ($(wildcard $(SHARED_TARGET)),)
export CARGO_TARGET_DIR ?= $(SHARED_TARGET)
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)
VENV := $(HOME)/.cache/aqueduct-venv
export AQUEDUCT_PYTHON ?= $(VENV)/bin/python

.PHONY: demo test clients clients-lists hardening bench build lint manual setup

build:
	@echo "Building Aqueduct. The first build compiles DataFusion: about 15 minutes on two cores, seconds afterwards."
	cargo build --bin aqueduct

demo: build
	@rm -rf $(TARGET)/demo
	$(TARGET)/debug/aqueduct run --data $(TARGET)/demo examples/flights/flights.sql
	@echo
	@echo "That was examples/flights/flights.sql. Go on by hand:"
	@echo "  $(TARGET)/debug/aqueduct serve --data $(TARGET)/demo     (prints the password)"
	@echo "  psql -h 127.0.0.1 -p 5433 -U aqueduct aqueduct"

setup:
	tests/setup.sh $(VENV)

test: setup
	tests/run.sh

# Everything that other people wrote: drivers and their own suites, dbt and its suite, psql. Half an hour.
clients: setup build
	$(AQUEDUCT_PYTHON) tests/clients/run.py --binary $(TARGET)/debug/aqueduct --all

# The lists of what clients are answered otherwise than by PostgreSQL, after a fix.
clients-lists: setup build
	$(AQUEDUCT_PYTHON) tests/clients/run.py --binary $(TARGET)/debug/aqueduct --write

# What hostile and broken clients do, at full length.
hardening: setup build
	$(AQUEDUCT_PYTHON) tests/hardening/run.py --binary $(TARGET)/debug/aqueduct --full

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

# Writes docs/reference.md from the code.
manual: build
	$(TARGET)/debug/aqueduct manual > docs/reference.md

bench: setup
	cargo build --release --bin aqueduct
	$(AQUEDUCT_PYTHON) benchmarks/run.py --binary $(TARGET)/release/aqueduct
