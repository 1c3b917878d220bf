"""Whatever happens, the trail alone tells what is there; what was changed behind it is found."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from builders.actions import assign_task, release_task
from foreman_office import plan_files
from governance import replay
from governance.actions import raise_blocker, resolve_blocker
from governance.models import Blocker, Evidence
from governance.replay import Replay
from governance.replayed_tables import replayed_tables
from programs.actions import move
from programs.models import Program, Task, Wave
from tests.database import as_administrator, without_triggers
from tests.factories import BlockerFactory, HeartbeatFactory, TaskFactory, WaveFactory

pytestmark = pytest.mark.django_db

SAMPLE = plan_files.__path__[0] + "/samples/maturion-wave-1.yaml"


@pytest.fixture
def history(task, builder):
    """A task with a full life, with everything that leaves evidence."""
    assign_task(task, builder, by=None, override="history")
    HeartbeatFactory(builder=builder, task=task, progress_percentage=30)
    trouble = {"classification": "protected_path", "description": "A lock."}
    resolve_blocker(raise_blocker(task, by=None, **trouble), resolution_action="Open.", by=None)
    raise_blocker(task, by=None, **trouble)
    raise_blocker(task, by=None, **trouble)
    release_task(task, by=None)
    gone = TaskFactory(wave=task.wave)
    BlockerFactory(entity=gone)
    gone.delete()
    return task


@pytest.fixture
def tamper(sql):
    """Change rows with every trigger off, as no writer should."""

    def tamper(statement, *params):
        with without_triggers():
            as_administrator(statement, *params)

    return tamper


def difference():
    return Replay().first_difference()


def count_of(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def test_an_empty_office_replays():
    assert difference() is None


def test_a_history_replays(history):
    assert difference() is None


def test_it_replays_whatever_the_size_of_its_batches(history, monkeypatch):
    monkeypatch.setattr(replay, "BATCH", 3)
    whole = Replay()
    assert whole.first_difference() is None
    assert whole.evidence > 10


def test_times_are_the_same_in_every_zone(history, sql):
    sql("SET LOCAL TimeZone = 'Asia/Kathmandu'")
    Task.objects.filter(pk=history.pk).update(started_at="2025-12-03T10:00:00.5Z")
    sql("SET LOCAL TimeZone = 'America/New_York'")
    assert difference() is None


def test_what_is_deleted_and_made_again_under_its_key_replays(task):
    key = task.pk
    task.delete()
    TaskFactory(task_id=key, wave=task.wave)
    assert difference() is None


def test_what_is_derived_or_measured_is_no_evidence(history, tamper):
    tamper("UPDATE waves SET progress_percentage = 77, updated_at = now()")
    tamper("UPDATE builders SET last_heartbeat = now() - interval '1 day'")
    tamper("UPDATE builders SET heard_at = now(), clock_lag = '3 s', announced_seconds = 7")
    tamper("UPDATE tasks SET progress_percentage = 3, worked_at = now()")
    assert difference() is None


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("programs", "objectives", '["another"]'),
        ("waves", "name", "Another"),
        ("tasks", "state", "completed"),
        ("tasks", "completed_at", "2125-12-03T10:00:00Z"),
        ("builders", "provenance", '{"model": "m-3"}'),
        ("blockers", "occurrences", "9"),
    ],
)
def test_a_row_changed_behind_the_trail_is_found(table, column, value, history, tamper):
    tamper(f"UPDATE {table} SET {column} = %s", value)
    found = difference()
    assert found.entity.startswith(table.removesuffix("s"))
    assert found.column == column
    assert found.broken_at is None
    told = Evidence.objects.get(sequence=found.sequence).context
    assert column in {**told.get("snapshot", {}), **told.get("changes", {})}


def test_it_names_the_evidence_that_said_so_last(history, tamper):
    tamper("UPDATE tasks SET state = 'completed'")
    last = Evidence.objects.of(history).filter(action="state_changed").latest("sequence")
    found = difference()
    assert (found.trail, found.found, found.sequence) == ("planned", "completed", last.sequence)


def test_a_row_slipped_in_behind_the_trail_is_found(task, tamper):
    tamper(
        "INSERT INTO tasks (wave_id, name, architecture_reference, qa_suite_location,"
        " acceptance_criteria, state) VALUES (%s, '', '', '', '', 'planned')",
        task.wave_id,
    )
    found = difference()
    slipped = Task.objects.exclude(pk=task.pk).get()
    assert (found.entity, found.column) == (f"task {slipped.pk}", "the row")
    assert str(found).endswith("the evidence has not there (no evidence), the table has 'there'.")


def test_a_row_removed_behind_the_trail_is_found(history, tamper):
    blocker = Blocker.objects.of(history).get()
    tamper("DELETE FROM blockers WHERE blocker_id = %s", blocker.pk)
    found = difference()
    assert (found.entity, found.found) == (f"blocker {blocker.pk}", replay.ABSENT)


@pytest.mark.parametrize("action", ["created", "state_changed", "edited"])
def test_evidence_removed_from_the_middle_breaks_the_chain(action, history, tamper):
    Task.objects.filter(pk=history.pk).update(name="Another")
    Task.objects.filter(pk=history.pk).update(name="Yet another")
    gone = Evidence.objects.of(history).filter(action=action).earliest("sequence")
    tamper("DELETE FROM evidence_trail WHERE sequence = %s", gone.sequence)
    found = difference()
    assert found.entity == f"task {history.pk}"
    assert found.broken_at > gone.sequence


def test_evidence_told_twice_breaks_the_chain(task, tamper):
    tamper(
        "INSERT INTO evidence_trail (entity_type, entity_id, action, actor, context, sequence,"
        " witnessed) SELECT entity_type, entity_id, action, actor, context, sequence + 1000, true"
        " FROM evidence_trail WHERE entity_id = %s",
        task.pk,
    )
    first = Evidence.objects.of(task).earliest("sequence").sequence
    assert (difference().sequence, difference().broken_at) == (first, first + 1000)


def test_of_several_breaks_the_first_one_is_named(task, tamper):
    wave = task.wave
    Task.objects.filter(pk=task.pk).update(name="Another")
    for row, name in [(wave.program, "Yet another"), (wave, "One"), (task, "One"), (wave, "Two")]:
        type(row).objects.filter(pk=row.pk).update(name=name)
    tamper("UPDATE programs SET name = 'Slipped in'")
    edited = list(Evidence.objects.filter(action="edited").order_by("sequence"))
    tamper("DELETE FROM evidence_trail WHERE sequence = %s", edited[0].sequence)
    tamper("DELETE FROM evidence_trail WHERE sequence = %s", edited[2].sequence)
    found = difference()
    assert (found.entity, found.broken_at) == (f"task {task.pk}", edited[3].sequence)


def test_evidence_that_no_longer_says_what_was_made_is_found(task, tamper):
    tamper("UPDATE evidence_trail SET context = context - 'snapshot' WHERE action = 'created'")
    found = difference()
    assert (found.column, found.trail) == ("program_id", replay.ABSENT)


def test_the_trail_waits_in_the_database_until_its_rows_turn_comes(task, monkeypatch, sql):
    waiting, follow = [], Replay._follow

    def followed(*args):
        waiting.append(sql("SELECT count(*) FROM pg_cursors")[0][0])
        return follow(*args)

    monkeypatch.setattr(Replay, "_follow", followed)
    assert difference() is None
    assert set(waiting) == {1}


@pytest.mark.usefixtures("open_trail")
def test_what_was_only_told_changes_nothing(task):
    Evidence.objects.create(
        entity_type="task",
        entity_id=task.pk,
        action="state_changed",
        actor="foreman",
        context={"changes": {"state": ["planned", "completed"]}},
    )
    assert difference() is None


def test_a_row_older_than_a_column_is_known_from_its_first_change_on(task, tamper):
    tamper("UPDATE evidence_trail SET context = context #- '{snapshot,evidence_location}'")
    assert difference() is None
    Task.objects.filter(pk=task.pk).update(evidence_location="s3://proof")
    assert difference() is None
    tamper("UPDATE tasks SET evidence_location = 's3://another'")
    assert difference().column == "evidence_location"


@pytest.mark.django_db(transaction=True)
def test_the_sample_replays_after_its_import():
    call_command("import_plan", SAMPLE, stdout=StringIO())
    out = StringIO()
    call_command("replay_evidence", stdout=out)
    rows = sum(count_of(table.table) for table in replayed_tables())
    assert re.search(rf"Replayed [\d,]+ pieces of evidence: {rows:,} rows ", out.getvalue())


@pytest.mark.django_db(transaction=True)
def test_the_command_fails_and_says_where(sql):
    wave = WaveFactory()
    with transaction.atomic(), without_triggers():
        Wave.objects.update(name="Another")
    with pytest.raises(CommandError, match=rf"wave {wave.pk}, name: the evidence has 'Wave "):
        call_command("replay_evidence")


@pytest.mark.django_db(transaction=True)
def test_the_command_sees_one_moment_whatever_goes_on(connect, monkeypatch):
    program = WaveFactory().program
    busy, follow = connect(), Replay._follow

    def follow_late(*args):
        busy.execute("UPDATE programs SET name = 'Another'")
        busy.execute("UPDATE tasks SET name = 'Another'")
        return follow(*args)

    monkeypatch.setattr(Replay, "_follow", follow_late)
    call_command("replay_evidence", stdout=StringIO())
    program.refresh_from_db()
    assert program.name == "Another"


def test_moves_forced_by_an_override_replay(wave):
    for state in Program.State:
        move(wave, state, by=None, override="Because.")
        move(wave.program, state, by=None, override="Because.")
    assert difference() is None
