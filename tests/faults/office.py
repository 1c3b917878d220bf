"""An office as real processes, builders that report to it, and what must be true after a fault."""

import hashlib
import http.client
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple
from uuid import uuid4

import psutil
import psycopg
from django.db import connection

from governance.replay import Replay, one_moment
from kit.runtime import embedded_postgres
from kit.runtime.embedded_roles import OWNER
from tests.platform.conftest import PATIENCE, ROOT, environment
from tests.races import until
from tests.throwaway import free_port

PACE = 0.02  # seconds between the beats of one builder
# Nobody falls silent because this machine is slow, or the builders are not at work yet.
SLOWLY = {"FOREMAN_SILENCE_THRESHOLD_SECONDS": "1800"}
AT_WORK = ["ui-builder", "api-builder", "schema-builder"]
AT_REST = ["integration-builder", "qa-builder"]

SCENE = """
    WITH program AS (
        INSERT INTO programs (name, description, state) VALUES ('p', 'p', 'in-progress')
        RETURNING program_id
    ), wave AS (
        INSERT INTO waves (program_id, name, sequence_number, state)
        SELECT program_id, 'w', 1, 'in-progress' FROM program RETURNING wave_id
    )
    INSERT INTO tasks (
        wave_id, name, architecture_reference, qa_suite_location, acceptance_criteria, state,
        assigned_builder
    )
    SELECT wave_id, builder_id, 'a', 'q', 'c', 'in-progress', builder_id FROM wave, builders;
    UPDATE builders SET current_task_id = task_id, state = 'active'
    FROM tasks WHERE assigned_builder = builder_id AND builder_id = ANY (%s);
"""
# What the newest beat of each task says, and what its wave and program make of it.
WRONG_PROGRESS = """
    SELECT 'task', name FROM tasks
    WHERE progress_percentage <> (
        SELECT progress_percentage FROM heartbeats
        WHERE heartbeats.task_id = tasks.task_id AND progress_percentage IS NOT NULL
        ORDER BY timestamp DESC LIMIT 1
    )
    UNION ALL
    SELECT 'wave', name FROM waves
    WHERE progress_percentage <> (
        SELECT avg(progress_percentage)::integer FROM tasks WHERE tasks.wave_id = waves.wave_id
    )
    UNION ALL
    SELECT 'program', name FROM programs
    WHERE progress_percentage <> (
        SELECT avg(progress_percentage)::integer FROM waves
        WHERE waves.program_id = programs.program_id
    )
"""


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: str
    seconds: float


def token(builder):
    return f"fo_{builder}"


def set_the_scene(var):
    """Assign three builders a task, and issue all of them a token."""
    with psycopg.connect(embedded_postgres.database_url(var), autocommit=True) as database:
        for statement in SCENE.split(";\n")[:2]:
            database.execute(statement, [AT_WORK] if "%s" in statement else None)
        for builder in AT_WORK + AT_REST:
            digest = hashlib.sha256(token(builder).encode()).digest()
            database.execute(
                "INSERT INTO builder_tokens (builder_id, prefix, digest) VALUES (%s, %s, %s)",
                [builder, token(builder)[:11], digest],
            )


class Office:
    """One `manage.py office`, with counts of what was sent to it and what it acknowledged."""

    def __init__(self, var, **variables):
        self.var, self.database = var, variables.pop("database", None) or var
        self.port = free_port()
        self.env = environment(
            var, PORT=str(self.port), FOREMAN_SWEEP_SECONDS="1", **SLOWLY, **variables
        )
        self.log = var.parent / f"{var.name}.log"
        self.popen = None
        self.sent, self.acknowledged = set(), set()

    # --- processes --------------------------------------------------------------------------------

    def open(self):
        # To a file: a pipe that nobody reads would stop what writes to it.
        with self.log.open("ab") as log:
            command = [sys.executable, ROOT / "manage.py", "office"]
            self.popen = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=log, stderr=log)
        until(self.is_ready, PATIENCE)
        return self

    def close(self):
        if self.popen and self.popen.poll() is None:
            self.popen.terminate()
            self.popen.wait(PATIENCE)

    def is_open(self):
        return self.popen is not None and self.popen.poll() is None

    def is_ready(self):
        assert self.is_open(), self.log.read_text()
        answer = self.ask("GET", "/readyz")
        return answer is not None and answer.status == 200

    def said(self, words):
        return words in self.log.read_text(errors="replace")

    def processes(self, *last):
        """Return the office's processes whose command line ends with this."""
        found = []
        for process in psutil.Process(self.popen.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                name = process.name().removeprefix("foreman-")
                # One that was forked has the command line of what forked it.
                known = [name] if name != process.name() else process.cmdline()[-len(last) :]
                if known == list(last):
                    found.append(process)
        return found

    def watcher(self):
        return next(iter(self.processes("watch")), None)

    def workers(self):
        master, *workers = self.web()
        return [worker for worker in workers if worker.ppid() == master.pid]

    def master(self):
        return self.web()[0]

    def web(self):
        return self.processes("--no-control-socket")

    def postmaster(self):
        return embedded_postgres.Server(
            embedded_postgres.data_directory(self.database)
        ).postmaster()

    # --- HTTP -------------------------------------------------------------------------------------

    def ask(self, method, path, body=None, headers={}, timeout=30):
        """Return the answer over a connection of its own; None if there was none."""
        began = time.monotonic()
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with closing(web), suppress(OSError, http.client.HTTPException):
            web.request(method, path, body, headers)
            answer = web.getresponse()
            body = answer.read().decode()
            return Answer(answer.status, answer.headers, body, time.monotonic() - began)
        return None

    def beat(self, builder, progress=None, task=None, heartbeat_id=None, **more):
        """Send a beat, and remember whether it was acknowledged."""
        name = heartbeat_id or str(uuid4())
        beat = {"builder_id": builder, "status": "active", "heartbeat_id": name, **more}
        if task:
            beat |= {"task_id": str(task), "progress_percentage": progress}
        self.sent.add(name)
        headers = {"Authorization": f"Bearer {token(builder)}", "Content-Type": "application/json"}
        answer = self.ask("POST", "/api/heartbeat", json.dumps(beat), headers)
        if answer and answer.status == 201:
            self.acknowledged.add(name)
        return answer

    def beats_at_once(self, number):
        """Send so many beats of builders at rest at once, each from a thread; return the answers.

        More than the office has connections, so that some have to wait for one.
        """
        with ThreadPoolExecutor(number) as threads:
            return list(threads.map(self.beat, ["integration-builder"] * number))

    def takes_beats(self):
        answer = self.beat("integration-builder")
        return answer is not None and answer.status == 201

    # --- the database -----------------------------------------------------------------------------

    def sessions(self):
        """Return the number of the office's connections to its database."""
        [(number,)] = self.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        )
        return number - 1

    def connect(self, *user):
        address = embedded_postgres.database_url(self.database, *user)
        return closing(psycopg.connect(address, autocommit=True))

    def query(self, query, *params):
        with self.connect() as database:
            cursor = database.execute(query, params or None)
            return cursor.fetchall() if cursor.description else []

    def fall_silent(self, builder):
        """Assign a task to a builder an hour ago, and send nothing since."""
        [(task,)] = self.query("SELECT task_id FROM tasks WHERE name = %s", builder)
        # Another test may have killed and opened this office, from when silence would count.
        with self.connect(OWNER) as database:
            database.execute("DELETE FROM office_absences")
        self.query(
            "UPDATE builders SET current_task_id = %s, state = 'active',"
            " assigned_at = now() - interval '1 hour', last_heartbeat = now() - interval '1 hour',"
            " heard_at = now() - interval '1 hour'"
            " WHERE builder_id = %s",
            *(task, builder),
        )
        return task

    def stalls(self, task):
        return self.query(
            "SELECT resolved_at IS NULL, occurrences FROM blockers"
            " WHERE entity_id = %s AND classification = 'builder_stall'",
            task,
        )

    def assert_nothing_is_lost(self):
        """Compare what was acknowledged with what is stored, and the record with the tables."""
        stored = Counter(str(name) for (name,) in self.query("SELECT heartbeat_id FROM heartbeats"))
        assert self.acknowledged
        assert self.acknowledged - stored.keys() == set()
        assert stored.keys() - self.sent == set()
        assert set(stored.values()) == {1}
        assert self.query(WRONG_PROGRESS) == []
        with self.as_default(), one_moment():
            assert Replay().first_difference() is None

    @contextmanager
    def as_default(self):
        """Connect Django's default alias to this office's database."""
        before = connection.settings_dict.copy()
        connection.close()
        connection.settings_dict.update(embedded_postgres.database_settings(self.database))
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(before)


class Builder(threading.Thread):
    """A builder at work: each beat is sent until it is acknowledged, as a good one would."""

    def __init__(self, load, office, name, task):
        super().__init__(name=name, daemon=True)
        self.load, self.office, self.builder, self.task = load, office, name, task

    def run(self):
        progress = 0
        while not self.load.over.is_set():
            progress = (progress + 1) % 101
            self.say(progress, str(uuid4()))
            self.load.over.wait(PACE)

    def say(self, progress, name):
        while not self.load.over.is_set():
            answer = self.office.beat(self.builder, progress, self.task, name)
            self.load.count(answer)
            if answer and answer.status == 201:
                return
            self.load.over.wait(PACE)


class Load:
    """Builders that report all the while a fault is made."""

    def __init__(self, *offices):
        self.over = threading.Event()
        self.statuses = Counter()
        self.unexpected = []
        tasks = dict(offices[0].query("SELECT name, task_id FROM tasks"))
        # Each builder keeps to one office, so that its beats keep their order.
        self.builders = [
            Builder(self, offices[number % len(offices)], name, tasks[name])
            for number, name in enumerate(AT_WORK)
        ]

    def count(self, answer):
        status = answer.status if answer else None
        self.statuses[status] += 1
        if answer:
            retry = answer.headers["Retry-After"]
            if status != 201 and not (status == 503 and retry and int(retry) > 0):
                self.unexpected.append(answer)

    def flows(self, more=20):
        """Wait until so many more beats have been acknowledged."""
        before = self.statuses[201]
        until(lambda: self.statuses[201] >= before + more, PATIENCE)

    def __enter__(self):
        for builder in self.builders:
            builder.start()
        self.flows(5)
        return self

    def __exit__(self, *error):
        self.over.set()
        for builder in self.builders:
            builder.join(PATIENCE)
            assert not builder.is_alive()
        assert self.unexpected == []
