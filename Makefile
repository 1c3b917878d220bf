# Everything from a bare checkout: each target brings what it needs, once. `make help` lists them.

MAKEFLAGS += --no-print-directory
export PIP_ROOT_USER_ACTION := ignore
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PYTHON := .venv/bin/python
RUN := .venv/installed
DEV := .venv/installed-dev

.PHONY: help demo run test pooled check fix bench screenshots lock snapshots

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18

demo: $(RUN)  ## open the office with a sample program and simulated builders
	@FOREMAN_SIMULATION=true $(PYTHON) manage.py office

run: $(RUN)  ## open the office, empty
	@$(PYTHON) manage.py office

test: $(DEV)  ## run the tests (ARGS="tests/builders -k heartbeat" for some of them)
	@$(PYTHON) -m pytest --numprocesses auto --maxprocesses 8 --dist loadgroup $(ARGS)

pooled: $(DEV)  ## run what pages and the API answer through PgBouncer
	@DATABASE_URL= DATABASE_POOLED=true $(MAKE) test ARGS="-m web $(ARGS)"

check: $(DEV)  ## format, lint, types, templates, migrations, tests, pooled: what CI runs
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m djlint --quiet --lint templates
	HTTPS=true $(PYTHON) manage.py check --deploy --fail-level WARNING
	$(PYTHON) manage.py makemigrations --check --dry-run
	@$(MAKE) test
	@$(MAKE) pooled

fix: $(DEV)  ## format, and fix what can be fixed safely
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

bench: $(DEV)  ## run the benchmarks
	@$(PYTHON) -m bench

screenshots: $(DEV)  ## write pictures of every page to var/screenshots
	@$(PYTHON) -m pytest tests/browser/pictures.py --numprocesses 2 --quiet

lock: $(DEV)  ## record the checksums of new migrations, which are never edited after
	@$(PYTHON) -m tests.migrations lock

snapshots: $(DEV)  ## rewrite tests/rules.sql from a migrated database
	@$(PYTHON) -m tests.migrations snapshot

# A lock is installed once for each of its versions.
$(RUN): requirements.lock | .venv/bin/pip
	$(PYTHON) -m pip install --require-hashes --no-deps --requirement $<
	@touch $@

$(DEV): requirements-dev.lock | .venv/bin/pip
	$(PYTHON) -m pip install --require-hashes --no-deps --requirement $<
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
