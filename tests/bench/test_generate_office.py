"""A generated office obeys all rules, is the same for the same seed, and can be worked in."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils.timezone import now

from bench.generator.size import Size
from bench.generator.writing import TABLES, generate
from builders.models import Builder, Heartbeat
from governance.models import Blocker, Evidence
from governance.replay import Replay
from kit.runtime.database_addresses import OWNER, acting_as
from programs.models import MOVES, TASK_MOVES, Program, Task, Wave
from tests.database import drop, inside, make
from tests.factories import HeartbeatFactory, ProgramFactory
from tests.governance.test_latest_runs import ASTRAY

SMALL = Size(programs=12, waves=36, tasks=600, heartbeats=4_000, evidence=4_000)
TINY = Size(programs=6, waves=18, tasks=200, heartbeats=1_000, evidence=1_500)
# What an identity decides, and no seed.
NUMBERED = {"evidence_trail": "- 'sequence'", "qa_test_results": "- 'id'"}

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(scope="module")
def made_up(django_db_setup, template, django_db_blocker):
    """Generate the office once, and return the name of its database."""
    name = f"{connection.settings_dict['NAME']}_made_up"
    with django_db_blocker.unblock():
        make(name, template)
        with inside(name), acting_as(OWNER):
            generate(SMALL, seed=7, now=now())
        yield name
        drop(name)


@pytest.fixture
def office(made_up, transactional_db):
    """Connect to the office, in a transaction that is rolled back."""
    with inside(made_up), transaction.atomic():
        yield
        transaction.set_rollback(True)


def contents(sql):
    return {
        table: sql(
            f"SELECT md5(string_agg(doc, '' ORDER BY doc)) FROM ("
            f"SELECT (to_jsonb({table}) {NUMBERED.get(table, '')})::text AS doc"
            f" FROM {table}) AS docs"
        )
        for table in TABLES
    }


def test_the_same_seed_makes_the_same_office_and_another_another(another_database, sql):
    moment, made = now(), []
    with transaction.atomic():  # which has one time
        for seed in (7, 7, 8):
            with transaction.atomic():
                generate(TINY, seed=seed, now=moment)
                made.append(contents(sql))
                transaction.set_rollback(True)

    assert made[0] == made[1]
    assert all(made[0][table] != made[2][table] for table in TABLES)


def test_the_command_fills_an_empty_office_to_its_size(another_database, capsys):
    call_command("generate_office", seed=3, programs=2, waves=5, tasks=60, heartbeats=500,
                 evidence=300)  # fmt: skip

    assert (Program.objects.count(), Wave.objects.count(), Task.objects.count()) == (2, 5, 60)
    assert Heartbeat.objects.count() == 500
    assert 300 <= Evidence.objects.count() <= 360
    assert "500 heartbeats" in capsys.readouterr().out


def test_an_office_with_a_program_is_not_filled():
    ProgramFactory()

    with pytest.raises(CommandError, match="only an empty office"):
        call_command("generate_office")


@pytest.mark.parametrize("size", [{"waves": 0}, {"tasks": 4, "waves": 5}, {"heartbeats": -1}])
def test_a_size_that_cannot_be_is_refused(size):
    with pytest.raises(CommandError):
        call_command("generate_office", **{"programs": 1, "waves": 1, "tasks": 1} | size)


def test_its_record_replays(office):
    replay = Replay()

    assert replay.first_difference() is None
    assert replay.rows > SMALL.programs + SMALL.waves + SMALL.tasks


def test_there_is_something_of_everything(office):
    assert set(Program.objects.values_list("state", flat=True)) >= {
        "planned", "in-progress", "completed", "failed",
    }  # fmt: skip
    assert set(Task.objects.values_list("state", flat=True)) >= {
        "planned", "in-progress", "blocked", "completed", "failed",
    }  # fmt: skip
    assert Blocker.objects.open().exists()
    assert Blocker.objects.exclude(resolved_at=None).exists()
    assert Heartbeat.objects.filter(timestamp__gt=now() - timedelta(minutes=1)).exists()


def test_every_move_in_the_trail_is_a_lawful_one(office):
    moves = Evidence.objects.filter(action="state_changed").exclude(entity_type="builder")
    taken = set(moves.values_list("entity_type", "context__from", "context__to"))

    own = {("task", "planned", "in-progress")}  # the foreman's work, which no builder takes up
    assert len(taken) > 10
    assert {
        (kind, old, new)
        for kind, old, new in taken
        if new not in (TASK_MOVES if kind == "task" else MOVES)[old]
    } <= own


LAWS = {
    "a completed wave has completed tasks only": """
        SELECT name FROM waves WHERE state = 'completed' AND EXISTS (
            SELECT FROM tasks
            WHERE tasks.wave_id = waves.wave_id AND tasks.state <> 'completed')""",
    "a wave or program whose parts are all completed is too": """
        SELECT name FROM waves WHERE state = 'in-progress'
            AND (SELECT bool_and(met) FROM governance_gate_complete_wave(wave_id))
        UNION ALL
        SELECT name FROM programs WHERE state = 'in-progress'
            AND (SELECT bool_and(met) FROM governance_gate_complete_program(program_id))""",
    "a wave has begun after what it depends on, in a program that has": """
        SELECT name FROM waves WHERE state <> 'planned' AND EXISTS (
            SELECT FROM governance_gate_start_wave(wave_id)
            WHERE NOT met AND rule = 'dependencies_completed')
        UNION ALL
        SELECT waves.name FROM waves JOIN programs USING (program_id)
        WHERE waves.state <> 'planned' AND programs.state = 'planned'""",
    "a task has begun in a wave that has": """
        SELECT tasks.name FROM tasks JOIN waves USING (wave_id)
        WHERE tasks.state <> 'planned' AND waves.state = 'planned'""",
    "a completed task has passed its gate": """
        SELECT name FROM tasks, governance_gate_complete_task(task_id)
        WHERE state = 'completed' AND NOT met AND rule !~ 'in_progress$'""",
    "a task in hand was ready to be": """
        SELECT name FROM tasks, governance_architecture_ready(task_id)
        WHERE state IN ('assigned', 'in-progress') AND assigned_builder IS NOT NULL AND NOT met""",
    "what is blocked has an open blocker, and nothing else has one": """
        SELECT kind || id::text FROM (
            SELECT 'program' AS kind, program_id AS id, state FROM programs
            UNION ALL SELECT 'wave', wave_id, state FROM waves
            UNION ALL SELECT 'task', task_id, state FROM tasks
        ) AS entity
        WHERE (state = 'blocked') <> EXISTS (
            SELECT FROM blockers
            WHERE entity_type = kind AND entity_id = id AND resolved_at IS NULL)""",
    "progress is the mean of the parts": """
        SELECT name FROM waves WHERE progress_percentage <> (
            SELECT coalesce(avg(tasks.progress_percentage), 0)::integer FROM tasks
            WHERE tasks.wave_id = waves.wave_id)
        UNION ALL
        SELECT name FROM programs WHERE progress_percentage <> (
            SELECT avg(waves.progress_percentage)::integer FROM waves
            WHERE waves.program_id = programs.program_id)""",
    "a task in progress is in its builder's hands": """
        SELECT name FROM tasks WHERE state IN ('assigned', 'in-progress')
            AND assigned_builder IS NOT NULL AND NOT EXISTS (
                SELECT FROM builders
                WHERE current_task_id = task_id AND builder_id = assigned_builder)""",
    "the latest run of each suite is kept": ASTRAY,
    "no row is later than now": """
        SELECT action FROM evidence_trail WHERE timestamp > now()
        UNION ALL SELECT message FROM heartbeats WHERE timestamp > now()""",
}


def test_the_office_is_lawful(office, sql):
    assert {law: broken for law, question in LAWS.items() if (broken := sql(question))} == {}


def test_the_office_goes_on_under_its_rules(office, refuses):
    builder = Builder.objects.exclude(current_task=None).exclude(state="failed").first()
    HeartbeatFactory(builder=builder, task=builder.current_task, progress_percentage=96)
    builder.current_task.refresh_from_db()
    assert builder.current_task.progress_percentage == 96

    unready = Program.objects.filter(state="planned", waves__tasks=None)
    with refuses("governance_programs_gate"):
        Program.objects.filter(pk=unready[0].pk).update(state="in-progress")
    assert Replay().first_difference() is None
