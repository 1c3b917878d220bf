"""The watcher as a process of its own, on a server of its own."""

import signal
import sys

import psycopg
import pytest

from kit.runtime import embedded_postgres
from tests.platform.conftest import PATIENCE, ROOT, copied, environment
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
        last_heartbeat = now() - interval '1 hour', heard_at = now() - interval '1 hour',
        assigned_at = now() - interval '1 hour'
    WHERE builder_id = 'ui-builder';
"""


@pytest.fixture
def var(tmp_path, migrated):
    return copied(migrated, tmp_path / "var")


@pytest.fixture
def watch(start, var):
    def watch(seconds=1):
        command = [sys.executable, ROOT / "manage.py", "watch"]
        process = start(command, environment(var, FOREMAN_SWEEP_SECONDS=str(seconds)))
        process.wait_for(f"sweeps every {seconds} s")
        return process

    return watch


def ask(var, query):
    with psycopg.connect(embedded_postgres.database_url(var)) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def sweeps(var):
    """Return the sweeps of the watchers that run."""
    return ask(var, "SELECT coalesce(sum(sweeps), 0) FROM watchers WHERE left_at IS NULL")


def running(var):
    return ask(var, "SELECT count(*) FROM watchers WHERE left_at IS NULL")


def test_a_watcher_stops_at_once_and_records_that_it_left(var, watch, use_server):
    use_server(var).wait_for("ready")
    for stopped, number in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), 1):
        process = watch(seconds=100 * PATIENCE)
        until(lambda: sweeps(var) == 1)
        assert process.end(number) == 0  # and waits for no other sweep
        process.wait_for("stopped")
        assert running(var) == 0
        assert ask(var, "SELECT count(*) FROM watchers WHERE left_at >= swept_at") == stopped


def test_two_watchers_declare_a_stall_once_and_tell_of_its_end(var, watch, use_server):
    use_server(var).wait_for("ready")
    one, other = watch(), watch()
    until(lambda: running(var) == 2)
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
    server = embedded_postgres.Server(embedded_postgres.data_directory(var))
    process = watch()
    until(lambda: sweeps(var) > 0)

    server.stop()
    process.wait_for("cannot sweep, and keeps trying")
    server.start()
    process.wait_for("sweeps again")
    ask(var, SILENT)
    process.wait_for("ui-builder fell silent")


def test_a_watcher_without_its_database_stops_at_once_too(var, watch, use_server):
    use_server(var).wait_for("ready")
    server = embedded_postgres.Server(embedded_postgres.data_directory(var))
    process = watch()
    server.stop()
    process.wait_for("cannot sweep, and keeps trying")
    assert process.end(signal.SIGTERM) == 0
    process.wait_for("stopped")


def test_watchers_seal_and_the_key_and_the_witness_are_files_of_the_office(var, watch, use_server):
    use_server(var).wait_for("ready")
    ask(var, "INSERT INTO programs (name, description, state) VALUES ('p', 'p', 'planned')")
    one, other = watch(), watch()
    until(lambda: ask(var, "SELECT count(*) FROM evidence_checkpoints") > 0)
    unsealed = (
        "SELECT (SELECT count(*) FROM evidence_trail)"
        " - (SELECT count(*) FROM sealed_records WHERE kind = 'evidence')"
    )
    assert ask(var, unsealed) == 0
    checkpoint = ask(var, "SELECT note FROM evidence_checkpoints ORDER BY number LIMIT 1")
    until(lambda: checkpoint in (var / "checkpoints.txt").read_text())
    assert (var / "evidence_key").stat().st_mode & 0o777 == 0o600
    for process in (one, other):
        assert process.end(signal.SIGTERM) == 0
