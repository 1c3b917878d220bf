"""A heartbeat that loses a deadlock with another transaction is stored all the same."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection

from builders import actions
from builders.models import Builder, Heartbeat
from kit.runtime.database_addresses import ADMINISTRATOR, parameters_of
from tests.factories import TaskFactory
from tests.races import PATIENCE, until


@pytest.mark.django_db(transaction=True)
def test_a_beat_that_loses_a_deadlock_is_stored_all_the_same(connect, wave):
    task = TaskFactory(wave=wave, state="in-progress", assigned_builder="ui-builder")
    Builder.objects.filter(pk="ui-builder").update(current_task=task)
    token = actions.issue_token(Builder.objects.get(pk="ui-builder"), by=None)[1]
    # Only an administrator may set how long a session waits until it looks for deadlocks.
    stranger = psycopg.connect(**parameters_of(ADMINISTRATOR), autocommit=True)
    observer = connect()

    def beat():
        try:
            return actions.record_heartbeat(
                token,
                builder_id="ui-builder",
                task_id=task.pk,
                status="active",
                message=None,
                progress_percentage=50,
                heartbeat_id=None,
                timestamp=None,
            )
        finally:
            connection.close()

    def blocked_by_stranger():
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
        return observer.execute(waiting, [stranger.info.backend_pid]).fetchone()[0]

    with ThreadPoolExecutor(1) as thread:
        # The stranger never looks for deadlocks itself, so the beat is the one that gives way.
        stranger.execute("SET deadlock_timeout = '1h'")
        stranger.execute("BEGIN")
        stranger.execute("SELECT FROM waves FOR UPDATE")
        answer = thread.submit(beat)
        until(blocked_by_stranger)
        stranger.execute("SELECT FROM tasks FOR UPDATE")
        stranger.execute("COMMIT")
        stored = answer.result(PATIENCE)
    stranger.close()

    assert Heartbeat.objects.get().pk == stored.heartbeat_id
    task.refresh_from_db()
    assert task.progress_percentage == 50
