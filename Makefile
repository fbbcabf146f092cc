# `make demo` and `make test` are all that a newcomer needs; both build .venv first.
.ONESHELL:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
# Each program of ours that a test starts would otherwise be compiled again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check audit peers kernels bench fuzz fuzz-api clean
demo: .venv/ready
	$(BIN)/softswitch demo

# What the tests need is fetched, compiled and checked side by side; then four processes run the tests, which
# mostly wait (tests/conftest.py).
test:
	$(MAKE) --no-print-directory --jobs=3 peers kernels check
	$(BIN)/python -m pytest --numprocesses=4 --durations=10

# Style, types, and what bandit finds grave. mypy reads an installed copy, because codecs/, pacing/ and configs/ are only mapped into the package there.
check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit -q -lll -r softswitch codecs pacing
	rm -rf build/typed
	$(BIN)/pip install --quiet --no-deps --target build/typed .
	cd build/typed && MYPYPATH=. ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache/installed -p softswitch

# Known faults in what we stand on; before a release, not with each test, for it asks about each package by name.
# Without a way to the advisories nothing is known, and nothing fails.
audit: .venv/ready
	status=0; found=$$($(BIN)/pip-audit --skip-editable --progress-spinner off --format json 2>&1) || status=$$?
	if [ $$status -ne 0 ] && grep -q '"vulns": \[{' <<<"$$found"; then echo "$$found"; exit 1; fi
	if [ $$status -ne 0 ] || ! grep -q '"vulns": \[\]' <<<"$$found"; then echo "audit: no advisories could be had"; fi

# Where a peer cannot be installed its tests name it and are skipped; with CI=true that is a failure.
peers:
	PYTHON=$(PYTHON) bash .ci/peers.sh || { [ "$${CI:-}" != true ] && echo "peers: some are missing; their tests will be skipped"; }

# Compiled beforehand, so that no test's time limit holds the minute that it takes.
kernels: .venv/ready
	$(BIN)/python -m softswitch.media --compile
	$(BIN)/python -c "from softswitch.exchange.running.opening import discard_stale_pacing as discard; discard(); \
	from softswitch.pacing.simulate import compile_kernels; compile_kernels()"

# Ten minutes of schemathesis with each role.
fuzz-api: .venv/ready
	API_FUZZ_EXAMPLES=240 $(BIN)/python -m pytest tests/web/test_openapi_fuzz.py --timeout 1200

# What asks a question; bench/amd_train.py trains, and wants what only training needs.
bench: .venv/ready
	for file in $$(grep -l 'import.* report$$' bench/*.py | grep -v _train); do echo "== $$file"; $(BIN)/python $$file --json -; done

# Ten minutes of fuzzing what reads the words of peers; what breaks something stays in build/fuzz/broken.
fuzz: .venv/ready
	mkdir -p build/fuzz
	$(BIN)/python -m tests.fuzz.fuzz_sip build/fuzz -max_total_time=600 -print_final_stats=1

.venv/ready: pyproject.toml
	if [ -z "$(PYTHON)" ]; then echo "softswitch needs Python 3.11 or 3.12: install it, or say make PYTHON=/path/to/python"; exit 1; fi
	$(PYTHON) -m venv .venv || { echo "the venv module is missing: on Debian or Ubuntu, apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[test]'
	$(BIN)/python -m compileall -qq -j 0 .venv/lib || true # on all cores; some packages ship files for other Pythons
	touch $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
