"""The watcher as a process of its own, on a server of its own."""

import signal
import subprocess
import sys

import psycopg
import pytest

from foreman_office.kit import embedded
from tests.platform.conftest import PATIENCE, ROOT, environment
from tests.races import until

SILENT = """
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
    SELECT wave_id, 't', 'a', 'q', 'c', 'in-progress', 'ui-builder' FROM wave;
    UPDATE builders SET current_task_id = (SELECT task_id FROM tasks), state = 'active',
        last_heartbeat = now() - interval '1 hour', assigned_at = now() - interval '1 hour'
    WHERE builder_id = 'ui-builder';
"""


@pytest.fixture
def var(tmp_path, migrated):
    subprocess.run(["cp", "-a", migrated, tmp_path / "var"], check=True)  # with its owners
    return tmp_path / "var"


@pytest.fixture
def watch(start, var):
    def watch(seconds=1):
        command = [sys.executable, ROOT / "manage.py", "watch"]
        process = start(command, environment(var, FOREMAN_SWEEP_SECONDS=str(seconds)))
        process.wait_for(f"sweeps every {seconds} s")
        return process

    return watch


def ask(var, query):
    with psycopg.connect(embedded.database_url(var)) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def sweeps(var):
    return ask(var, "SELECT coalesce(sum(sweeps), 0) FROM watchers")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_watcher_stops_at_once_and_takes_its_word_back(var, watch, use_server, number):
    use_server(var).wait_for("ready")
    process = watch(seconds=100 * PATIENCE)
    until(lambda: sweeps(var) == 1)
    assert process.end(number) == 0  # and waits for no other sweep
    process.wait_for("stopped")
    assert ask(var, "SELECT count(*) FROM watchers") == 0


def test_two_watchers_declare_a_stall_once_and_tell_of_its_end(var, watch, use_server):
    use_server(var).wait_for("ready")
    one, other = watch(), watch()
    until(lambda: ask(var, "SELECT count(*) FROM watchers") == 2)
    ask(var, SILENT)
    until(lambda: ask(var, "SELECT sum(stalls) FROM watchers") == 1)
    before = sweeps(var)
    until(lambda: sweeps(var) > before + 3)
    assert ask(var, "SELECT sum(stalls) FROM watchers") == 1
    assert ask(var, "SELECT occurrences FROM blockers") == 1

    ask(var, "INSERT INTO heartbeats (builder_id, status) VALUES ('ui-builder', 'active')")
    for process in (one, other):
        process.wait_for("ui-builder is no longer silent")


def test_a_watcher_outlives_its_database(var, watch, use_server):
    use_server(var).wait_for("ready")
    server = embedded.Server(embedded.data_directory(var))
    process = watch()
    until(lambda: sweeps(var) > 0)

    server.stop()
    process.wait_for("cannot sweep, and tries again until it can")
    server.start()
    process.wait_for("sweeps again")
    ask(var, SILENT)
    process.wait_for("ui-builder fell silent")


def test_a_watcher_without_its_database_stops_at_once_too(var, watch, use_server):
    use_server(var).wait_for("ready")
    server = embedded.Server(embedded.data_directory(var))
    process = watch()
    server.stop()
    process.wait_for("cannot sweep, and tries again until it can")
    assert process.end(signal.SIGTERM) == 0
    process.wait_for("stopped")
