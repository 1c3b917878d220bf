"""What was exported and imported again is the same office, row for row.

Compared are the ten tables: eight of them entire; of the builders what a plan tells (backend and
provenance; the rest is live); of the evidence all that is not the import's own and speaks of
what the program still has, without the two columns that only this database gives (`sequence`,
`witnessed`). What an import itself leaves in the evidence is compared too, but for its ids, times
and numbers.
"""

import json
from contextlib import contextmanager
from io import BytesIO

import pytest
import yaml
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings

from builders.actions import assign_task
from builders.models import Builder
from foreman_office import plan_files
from governance.actions import resolve_blocker
from governance.models import ArchitectureValidation, Blocker, Evidence
from kit.core.acts import act
from programs.models import Organisation, Program, Task
from tests.database import as_administrator, without_triggers
from tests.examples import examples
from tests.factories import HeartbeatFactory, TaskFactory
from tests.plan_files.generated_plans import ORGANISATION, files
from tests.plan_files.plans import exported, load_program, load_sample

pytestmark = pytest.mark.django_db

WHOLE_TABLES = [
    "programs",
    "waves",
    "tasks",
    "blockers",
    "heartbeats",
    "governance_violations",
    "architecture_validations",
    "qa_executions",
]

# Of one moment, these keep the order in which they were recorded.
ORDERED = {"qa_executions": "arrived_at", "architecture_validations": "validated_at"}


def office():
    """Return the whole office as the comparison sees it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as a commit would check them
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        found = {}
        for table in WHOLE_TABLES:
            # When a heartbeat of history was received nobody knows.
            cursor.execute(
                f"SELECT to_jsonb({table}) - '{{recorded,received_at}}'::text[] FROM {table}"
                " ORDER BY 1"
            )
            found[table] = documents(cursor)
        for table, moment in ORDERED.items():
            cursor.execute(
                f"SELECT to_jsonb({table}) - 'recorded' FROM {table} ORDER BY task_id, {moment},"
                " recorded"
            )
            found[f"order of {table}"] = documents(cursor)
        cursor.execute("SELECT builder_id, backend_type, provenance FROM builders ORDER BY 1")
        found["builders"] = cursor.fetchall()
        cursor.execute(
            "SELECT to_jsonb(evidence_trail) - '{sequence,witnessed}'::text[] FROM evidence_trail"
            " WHERE NOT context ? 'import' AND (entity_type = 'builder' AND context ? 'key'"
            " OR entity_id IN (SELECT program_id FROM programs UNION SELECT wave_id FROM waves"
            " UNION SELECT task_id FROM tasks)) ORDER BY 1"
        )
        found["evidence_trail"] = documents(cursor)
    return found


def documents(cursor):
    """Return JSON rows as text, equal where jsonb is: 92.30 is 92.3, and true is not 1."""
    return [json.dumps(json.loads(row), sort_keys=True) for (row,) in cursor.fetchall()]


def left_by_import():
    """Return what an import left in the evidence, but for ids, times, numbers and its file.

    An export tells of each builder that the program concerns, whether or not a file ever did.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            # Ordered by what is compared alone: as text, number 10 would stand before number 9.
            "SELECT entity_type, entity_id, action, actor, backend, model, told"
            " FROM evidence_trail,"
            " LATERAL (SELECT (context - 'import') #- '{snapshot,recorded}' AS told) AS compared"
            " WHERE context ? 'import' AND NOT (entity_type = 'builder' AND action = 'imported')"
            " ORDER BY 1, 2, 3, told::text"
        )
        return cursor.fetchall()


class Undo(Exception):
    pass


@contextmanager
def passing():
    """Run what is inside in a transaction, and roll it back."""
    try:
        with transaction.atomic():
            yield
            raise Undo
    except Undo:
        pass


def assert_comes_back(text, before):
    with passing():
        program = load_program(text)
        assert office() == before
        assert exported(program) == text
        left = left_by_import()
        with plan_files.read_plan(BytesIO(text.encode()), "again.yaml") as plan:
            assert not plan_files.apply(plan, by=None)
    return left


@contextmanager
def emptied():
    """An office as after `migrate`: what stands in it is gone without the rules that keep it."""
    tables = [*reversed(WHOLE_TABLES), "evidence_trail"]
    with without_triggers():
        for table in tables:
            as_administrator(f"DELETE FROM {table}")
        as_administrator("UPDATE builders SET current_task_id = NULL, state = 'idle'")
    yield


class Plainly(yaml.CSafeDumper):
    def ignore_aliases(self, data):
        return True


@pytest.mark.slow
@settings(
    examples(6),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(files())
def test_a_generated_plan_comes_back_row_for_row(file):
    Organisation.objects.get_or_create(pk=ORGANISATION, defaults={"name": "North"})
    with passing():
        program = load_program(yaml.dump(file, Dumper=Plainly))
        text, before = exported(program), office()
        left = left_by_import()
    assert assert_comes_back(text, before) == left


def test_heartbeats_of_history_move_no_builder_and_no_task():
    plan = """\
format_version: 1
program:
  key: p
  name: P
  waves:
  - key: wave
    name: Wave
    sequence_number: 1
    tasks:
    - key: task
      name: Task
      heartbeats:
      - {key: a, builder: ui-builder, at: 2026-01-04, status: blocked, progress_percentage: 40}
      - {key: b, builder: ui-builder, at: 2026-01-01, status: active, progress_percentage: 30}"""
    with passing():
        program = load_program(plan)
        assert not Evidence.objects.filter(entity_type="builder", action="state_changed")
        builder = Builder.objects.with_verdicts().get(pk="ui-builder")
        assert (builder.state, builder.heard_at, builder.verdict) == ("idle", None, "never-heard")
        assert Task.objects.get().progress_percentage == 0
        text, before, left = exported(program), office(), left_by_import()
    assert assert_comes_back(text, before) == left


@pytest.mark.slow
def test_the_sample_comes_back_row_for_row():
    with passing():
        program = load_sample()
        text, before = exported(program), office()
    assert_comes_back(text, before)


def test_an_office_made_by_hand_comes_back_row_for_row(by_hand):
    text, before = exported(by_hand), office()
    with emptied():
        assert not Program.objects.exists()
        assert_comes_back(text, before)


@pytest.mark.slow
def test_an_office_that_lived_on_after_its_import_comes_back_row_for_row():
    program = load_sample()
    task = Task.objects.filter(state="planned", assigned_builder="ui-builder").first()
    builder = Builder.objects.get(pk="ui-builder")
    assign_task(task, builder, by=None, override="The sample's builders began without a red run.")
    HeartbeatFactory(builder=builder, task=task, progress_percentage=30, message="on it")
    TaskFactory(wave=task.wave, name="One more")
    for blocker in Blocker.objects.open():
        resolve_blocker(blocker, resolution_action="Done.", by=None)
    with act(None, reason="A correction."):
        ArchitectureValidation.objects.filter(pass_rate="92.3").update(pass_rate="92.4")
    text, before = exported(program), office()
    with emptied():
        assert_comes_back(text, before)
