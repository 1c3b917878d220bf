"""An act that is killed or refused between its steps leaves nothing."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection
from django.utils.timezone import now

from builders.models import Builder
from governance.replay import Replay
from kit.core.acts import Refused
from programs.actions import complete_task
from tests.database import as_administrator
from tests.factories import (
    ArchitectureValidationFactory,
    BuilderFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)
from tests.governance.consequences import turn_green
from tests.races import is_blocked, run, until

pytestmark = pytest.mark.django_db


# --- all or nothing -------------------------------------------------------------------------------


STEPS = {
    "a violation": [
        "INSERT INTO governance_violations (task_id, builder_id, violation_type, description)"
        " SELECT task_id, 'ui-builder', 'test debt', '53' FROM tasks",
        "UPDATE governance_violations SET resolved_at = now(), resolution = 'Repaid.'",
        "UPDATE tasks SET name = 'Repaid'",
    ],
    "a completion": [
        "UPDATE tasks SET evidence_location = 's3://another'",
        "UPDATE tasks SET state = 'completed'",
        "UPDATE programs SET name = 'Done'",
    ],
    "a blocker": [
        "SELECT governance_raise_blocker('task', task_id, 'protected_path', 'A lock.') FROM tasks",
        "SELECT governance_raise_blocker('task', task_id, 'protected_path', 'Again.') FROM tasks",
        "UPDATE blockers SET resolved_at = now(), resolution_action = 'Opened.'",
    ],
    "an assignment": [
        "UPDATE tasks SET state = 'failed'",
        "UPDATE tasks SET state = 'planned'",
        "UPDATE tasks SET state = 'assigned', assigned_builder = 'api-builder'",
        "INSERT INTO heartbeats (builder_id, task_id, status, progress_percentage)"
        " SELECT 'api-builder', task_id, 'active', 10 FROM tasks",
    ],
}
# What each of them writes last of all: another connection holds it, so that the act waits there,
# with everything before it done.
LAST_WRITTEN = {
    "a violation": "tasks",
    "a completion": "programs",
    "a blocker": "tasks",
    "an assignment": "builders WHERE builder_id = 'api-builder'",
}
TABLES = ("programs", "waves", "tasks", "builders", "blockers", "governance_violations",
          "architecture_validations", "qa_executions", "heartbeats", "evidence_trail")  # fmt: skip


@pytest.fixture
def scene(transactional_db):
    """Rows on which each of these acts can be done to its end."""
    wave = WaveFactory()
    task = TaskFactory(wave=wave, state="in-progress", evidence_location="s3://proof")
    BuilderFactory(current_task=task, state="idle")
    ArchitectureValidationFactory(task=task)
    return task


def ready_for(act_name, task):
    if act_name == "an assignment":
        Builder.objects.filter(heard_at=None).update(heard_at=now())
        QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    else:
        turn_green(task)


def everything():
    with connection.cursor() as cursor:
        rows = {}
        for table in TABLES:
            cursor.execute(f"SELECT to_jsonb({table})::text FROM {table} ORDER BY 1")
            rows[table] = cursor.fetchall()
    return rows


def kill(observer, victim):
    """Terminate a connection, and check that the server has closed it."""
    pid = victim.info.backend_pid
    observer.execute("SELECT pg_terminate_backend(%s)", [pid])
    gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s)"
    until(lambda: observer.execute(gone, [pid]).fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STEPS)
def test_done_to_its_end_it_is_there_as_a_whole(name, scene, connect):
    ready_for(name, scene)
    before = everything()
    run(connect(), ["BEGIN", *STEPS[name], "COMMIT"])
    assert everything() != before
    assert Replay().first_difference() is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_killed_between_its_steps_nothing_is_left(name, steps, scene, connect):
    ready_for(name, scene)
    before = everything()
    victim, observer = connect(), connect()
    run(victim, ["BEGIN", *STEPS[name][:steps]])
    kill(observer, victim)
    with pytest.raises(psycopg.OperationalError):
        victim.execute("COMMIT")
    assert everything() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", STEPS)
def test_killed_in_the_middle_of_a_statement_nothing_is_left(name, scene, connect, in_thread):
    ready_for(name, scene)
    before = everything()
    victim, holder, observer = connect(), connect(), connect()
    run(holder, ["BEGIN", f"SELECT FROM {LAST_WRITTEN[name]} FOR NO KEY UPDATE"])
    end = in_thread(lambda: run(victim, ["BEGIN", *STEPS[name], "COMMIT"]))
    until(lambda: is_blocked(observer, victim))
    kill(observer, victim)
    with pytest.raises(psycopg.OperationalError):
        end.result()
    holder.rollback()
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_refused_at_the_last_step_nothing_is_left(scene):
    """The wave cannot be completed under a program that a trigger of another refuses to touch."""
    turn_green(scene)
    before = everything()
    as_administrator(
        "ALTER TABLE programs ADD CONSTRAINT not_today CHECK (state <> 'completed') NOT VALID"
    )
    try:
        with pytest.raises(Refused) as refused:
            complete_task(scene, evidence_location="s3://another", by=None)
    finally:
        as_administrator("ALTER TABLE programs DROP CONSTRAINT not_today")
    assert refused.value.rule == "not_today"
    assert everything() == before


@pytest.fixture
def in_thread():
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit
