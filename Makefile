# make report   set up everything and print the report for sample_logs/
# make test     set up everything and run all checks (minutes); make test-long: what takes longer
# make lab      set up everything and compare what we say with what a real Postfix does, as root: the README's table
#
# Needs make and a python3 >= 3.11 with venv; `make test` also a Debian with root, or the packages that it names.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
PYTEST_OPTIONS ?=

.PHONY: report test test-long lab lint check-python test-packages benchmark clean

report: .venv/installed
	@$(BIN)/advisor report sample_logs/ --config sample_logs/main.cf --timezone UTC

test: test-packages lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long" $(PYTEST_OPTIONS)

test-long: test-packages lint
	$(BIN)/python -m pytest -n 2 --dist worksteal --hypothesis-profile=search $(PYTEST_OPTIONS)

lab: test-packages .venv/tested
	$(BIN)/python -m tests.lab

lint: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: .venv/installed
	$(BIN)/python benchmarks/start.py
	$(BIN)/python -m benchmarks.parse

test-packages: | check-python
	@PYTHON="$(PYTHON)" sh tests/packages.sh

.venv/installed: pyproject.toml advisor/scanner.c | check-python
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) --editable .
	@touch $@

.venv/tested: .venv/installed
	$(PIP) --editable '.[test]'
	@touch $@

check-python:
	@test -x $(BIN)/python || test -n "$(PYTHON)" || { \
	  echo "make: no python3 >= 3.11 was found; RHEL 8 and 9: dnf install python3.11; Debian 12: apt install python3" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: $(PYTHON) has no venv; Debian: apt install python3-venv; RHEL: dnf install python3.11" >&2; exit 2; }

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
