# Everything from a bare checkout: each target brings what it needs, once. `make help` lists them.

MAKEFLAGS += --no-print-directory
export PIP_ROOT_USER_ACTION := ignore
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PYTHON := .venv/bin/python
# What pytest compiles is kept for the next worker and the next run, whatever a machine sets.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(PYTHON) -m pytest
# A file of tests stays on one worker, with what it sets up once; the longest files come first.
PARALLEL := --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder $(RERUNS)
RUN := .venv/installed
DEV := .venv/installed-dev
INSTALL := kit/runtime/packages.py

.PHONY: help demo run test quick pooled faults thorough versions tenants check fix bench screenshots lock

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: $(RUN)  ## open the office with a sample program and simulated builders
	@FOREMAN_SIMULATION=true exec $(PYTHON) manage.py office

run: $(RUN)  ## open the office, empty
	@exec $(PYTHON) manage.py office

test: $(DEV)  ## run all tests but those of `make faults` and `make thorough` (ARGS="tests/api" for some)
	@$(PYTEST) $(PARALLEL) $(or $(ARGS),-m "not faults and not thorough")

quick: $(DEV)  ## run the tests that are done in a moment, and start no browser and no office
	@$(PYTEST) $(PARALLEL) -m "not slow and not lengthy" $(ARGS)

pooled: $(DEV)  ## run the tests that could go otherwise behind a pooler, behind PgBouncer
	@DATABASE_URL= DATABASE_POOLED=true $(PYTEST) $(PARALLEL) -m pooled $(ARGS)

faults: $(DEV)  ## run the tests that start, kill and cut off whole offices and servers
	@$(PYTEST) $(PARALLEL) -m faults $(ARGS)

thorough: $(DEV)  ## run the tests of all pages in all looks, of the largest office, with many more examples
	@FOREMAN_EXAMPLES=$(or $(FOREMAN_EXAMPLES),5) $(PYTEST) $(PARALLEL) -m "thorough or hypothesis and not faults" $(ARGS)

versions: $(DEV)  ## run the tests that start nothing on the other versions of PostgreSQL that are installed
	@env -u PYTHONDONTWRITEBYTECODE $(PYTHON) -m tests.versions $(PARALLEL) -m "not slow" $(ARGS)

tenants: $(DEV)  ## run the tests of pages as members of one organisation of two
	@TENANTS=1 $(PYTEST) $(PARALLEL) -m "not slow and not hypothesis" $(or $(ARGS),tests/dashboard tests/plan_files)

check: $(DEV)  ## format, lint, types, templates, migrations, test, pooled; CI runs all targets
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports --no-cache --no-logo
	$(PYTHON) -m djlint --quiet --lint templates
	HTTPS=true $(PYTHON) manage.py check --deploy --fail-level WARNING
	$(PYTHON) manage.py makemigrations --check --dry-run
	@$(MAKE) test
	@$(MAKE) pooled

fix: $(DEV)  ## format, and fix what can be fixed safely
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

bench: $(DEV)  ## run the benchmarks, after a short run that shows that each of them works
	@$(PYTEST) tests/bench/smoke.py
	@$(PYTHON) -m bench

screenshots: $(DEV)  ## write pictures of every page to var/screenshots
	@$(PYTEST) tests/browser/pictures.py --numprocesses 2 --quiet

lock: $(DEV)  ## record the checksums of new migrations, which are never edited after
	@$(PYTHON) -m tests.migrations lock

# A lock is installed once for each of its versions.
$(RUN): requirements.lock | .venv/bin/pip
	@$(PYTHON) -I $(INSTALL) $<
	@touch $@

$(DEV): requirements-dev.lock | .venv/bin/pip
	@$(PYTHON) -I $(INSTALL) $<
	@touch $@ $(RUN)

# Each candidate is run before it is believed: a pyenv shim exists for versions that it lacks.
.venv/bin/pip:
	@for python in python3 python3.14 python3.13 python3.12 \
			/usr/bin/python3; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then \
			found=$$python; break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Python 3.12 or newer is missing: install it, or run 'pyenv install' here." >&2; exit 1; \
	fi; \
	if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$found comes without venv: install it (Debian, Ubuntu: apt install python3-venv)." >&2; \
		exit 1; \
	fi; \
	echo "Creating .venv with $$($$found --version)"; \
	$$found -m venv .venv
