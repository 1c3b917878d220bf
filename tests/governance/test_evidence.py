"""Every writer leaves evidence, which nobody changes or removes."""

import uuid

import pytest
from django.db import transaction

from builders.models import Builder
from governance.models import Evidence
from kit.core.acts import act
from programs.models import Program, Task, Wave
from tests.database import as_administrator, without_triggers
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    TaskFactory,
)

pytestmark = pytest.mark.django_db


# --- append-only --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evidence_trail SET action = 'nothing'",
        "UPDATE evidence_trail SET action = 'nothing' WHERE false",
        "DELETE FROM evidence_trail",
        "DELETE FROM evidence_trail WHERE false",
        "TRUNCATE evidence_trail",
        "INSERT INTO evidence_trail SELECT * FROM evidence_trail LIMIT 1"
        " ON CONFLICT (evidence_id) DO UPDATE SET action = 'nothing'",
        "MERGE INTO evidence_trail AS trail USING evidence_trail AS same"
        " ON same.evidence_id = trail.evidence_id WHEN MATCHED THEN DELETE",
    ],
)
def test_evidence_is_never_changed_or_removed(statement, task, sql, refuses):
    before = list(Evidence.objects.order_by("sequence").values())
    assert before

    with refuses("governance_evidence_trail_append_only"):
        as_administrator(statement)

    assert list(Evidence.objects.order_by("sequence").values()) == before


def test_an_empty_trail_is_not_emptied_either(sql, refuses):
    with transaction.atomic():
        with without_triggers():
            as_administrator("DELETE FROM evidence_trail")
        for statement in ("TRUNCATE", "DELETE FROM"):
            with refuses("governance_evidence_trail_append_only"):
                as_administrator(f"{statement} evidence_trail")


@pytest.mark.usefixtures("open_trail")
def test_the_model_cannot_change_or_remove_it_either(task, refuses):
    row = Evidence.objects.of(task).get()

    with refuses("governance_evidence_trail_append_only"):
        row.delete()
    row.actor = "qa-builder"
    with refuses("governance_evidence_trail_append_only"):
        row.save(update_fields=["actor"])


# --- every writer -------------------------------------------------------------------------------


def test_the_trail_begins_with_the_five_builders():
    rows = Evidence.objects.filter(entity_type="builder", action="created")

    assert {row.entity_id for row in rows} == {b.entity_id for b in Builder.objects.all()}
    assert all(row.witnessed and row.actor == "foreman" for row in rows)


@pytest.mark.parametrize("model", [Program, Wave, Task, Builder])
def test_a_state_change_leaves_one_row_saying_from_and_to(model, task, trail, sql):
    row = model.objects.first()
    before = row.state
    trail()

    sql(
        f"UPDATE {model._meta.db_table} SET state = 'blocked' WHERE {model._meta.pk.column} = %s",
        row.pk,
    )

    [evidence] = trail()
    assert (evidence.entity_type, evidence.action) == (model._meta.model_name, "state_changed")
    assert evidence.entity_id == getattr(row, "entity_id", row.pk)
    assert (evidence.context["from"], evidence.context["to"]) == (before, "blocked")
    assert evidence.context["changes"]["state"] == [before, "blocked"]
    assert evidence.witnessed


def test_one_statement_over_many_rows_leaves_one_row_each(wave, trail, sql):
    tasks = TaskFactory.create_batch(5, wave=wave)
    trail()

    sql("UPDATE tasks SET state = 'blocked'")

    rows = trail()
    assert {row.entity_id for row in rows} == {task.pk for task in tasks}
    assert len(rows) == 5


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tasks SET state = state, name = name, progress_percentage = progress_percentage",
        "UPDATE tasks SET updated_at = now() - interval '1 day'",
        "UPDATE tasks SET state = 'completed' WHERE false",
        "UPDATE programs SET progress_percentage = 7",
        "UPDATE builders SET last_heartbeat = now() + interval '1 hour'",
        "DELETE FROM tasks WHERE false",
        "INSERT INTO programs (name, description, state) SELECT name, description, state"
        " FROM programs WHERE false",
    ],
)
def test_no_row_where_nothing_happened(statement, task, trail, sql):
    trail()
    sql(statement)

    assert trail() == []


def test_a_model_saved_leaves_a_row(task, trail):
    trail()
    task.state = Task.State.BLOCKED
    task.save(update_fields=["state"])

    [row] = trail()
    assert (row.context["from"], row.context["to"]) == ("planned", "blocked")


def test_copied_rows_leave_a_row_each_with_a_snapshot(owner_session, wave, trail):
    trail()
    keys = [uuid.uuid4(), uuid.uuid4()]
    columns = "wave_id, name, architecture_reference, qa_suite_location, acceptance_criteria, state"
    statement = f"COPY tasks (task_id, {columns}) FROM STDIN"
    with owner_session.cursor() as cursor, cursor.copy(statement) as copy:
        for key in keys:
            copy.write_row((key, wave.pk, "T", "", "", "", "completed"))

    rows = trail()
    assert [(row.action, row.entity_id) for row in rows] == [("created", key) for key in keys]
    assert [row.context["snapshot"]["state"] for row in rows] == ["completed"] * 2


def test_an_upsert_leaves_creation_and_change(task, trail, sql):
    new = uuid.uuid4()
    trail()
    sql(
        """
        INSERT INTO tasks SELECT (jsonb_populate_record(tasks, fields)).* FROM tasks,
            (VALUES ('{}'::jsonb), (jsonb_build_object('task_id', %s::text))) AS v (fields)
        ON CONFLICT (task_id) DO UPDATE SET state = 'blocked'
        """,
        new,
    )

    rows = {row.action: row for row in trail()}
    assert {action: row.entity_id for action, row in rows.items()} == {
        "created": new,
        "state_changed": task.pk,
    }


def test_a_cascade_leaves_a_row_with_a_snapshot_for_everything_that_goes(wave, trail, sql):
    tasks = TaskFactory.create_batch(2, wave=wave)
    blocker = BlockerFactory(entity=tasks[0])
    trail()

    sql("DELETE FROM programs")

    rows = trail()
    gone = {row.entity_id: row.context["snapshot"] for row in rows if row.action == "deleted"}
    assert gone.keys() == {wave.program_id, wave.pk, *(task.pk for task in tasks)}
    assert gone[tasks[1].pk]["name"] == tasks[1].name
    [resolved] = [row for row in rows if row.action == "blocker_resolved"]
    assert resolved.context["snapshot"]["blocker_id"] == str(blocker.pk)
    assert len(rows) == 5


@pytest.mark.parametrize(
    ("changed", "action"),
    [
        ({"state": "blocked"}, "state_changed"),
        ({"progress_percentage": 40}, "progress_forced"),
        ({"progress_percentage": 40, "state": "blocked"}, "state_changed"),
        ({"name": "another"}, "edited"),
        ({"progress_percentage": 40, "name": "another"}, "edited"),
    ],
)
def test_a_change_by_hand_is_called_what_it_is(changed, action, task, trail):
    trail()
    before = Task.objects.values(*changed).get()
    Task.objects.update(**changed)

    [row] = trail()
    assert row.action == action
    assert row.context["changes"] == {key: [before[key], value] for key, value in changed.items()}


def test_progress_by_heartbeat_is_a_measurement_and_leaves_none(trail):
    task = TaskFactory(state="in-progress")
    builder = BuilderFactory(current_task=task, state="active")
    trail()

    HeartbeatFactory(builder=builder, task=task, progress_percentage=40)

    assert Task.objects.get().progress_percentage == 40
    assert trail() == []


def test_a_builder_that_changes_its_state_by_heartbeat_leaves_one_row_of_its_own(trail):
    builder = BuilderFactory()
    trail()

    HeartbeatFactory(builder=builder, status="blocked")

    [row] = trail()
    assert (row.entity_id, row.actor) == (builder.entity_id, "ui-builder")
    assert (row.context["from"], row.context["to"]) == ("idle", "blocked")


def test_derived_progress_of_waves_and_programs_leaves_none(task, trail):
    trail()
    Task.objects.update(progress_percentage=40)

    assert [row.entity_type for row in trail()] == ["task"]


def test_a_task_taken_up_and_put_down_is_assigned_and_released(task, builder, trail):
    trail()
    Builder.objects.filter(pk=builder.pk).update(current_task=task)
    Builder.objects.filter(pk=builder.pk).update(current_task=None, state="active")

    taken, put_down = trail()
    assert (taken.action, taken.entity_id) == ("assigned", builder.entity_id)
    assert taken.context["changes"]["current_task_id"] == [None, str(task.pk)]
    assert put_down.action == "released"
    assert (put_down.context["from"], put_down.context["to"]) == ("idle", "active")


@pytest.mark.parametrize(
    ("table", "change", "actions"),
    [
        ("blockers", "resolved_at = now()", ["blocker_raised", "blocker_resolved"]),
        ("blockers", "description = 'more'", ["blocker_raised", "blocker_edited"]),
        (
            "governance_violations",
            "resolved_at = now()",
            ["violation_recorded", "violation_resolved"],
        ),
        (
            "architecture_validations",
            "validated_by = 'qa-builder'",
            ["validation_recorded", "validation_edited"],
        ),
        ("qa_executions", "execution_time_ms = 7", ["qa_run_recorded", "qa_run_edited"]),
    ],
)
def test_judgements_are_evidence_about_their_task(table, change, actions, office, sql):
    with act(None, reason="A correction."):
        sql(f"UPDATE {table} SET {change}")
        sql(f"DELETE FROM {table}")

    noun, row = actions[0].rpartition("_")[0], office[table]
    rows = Evidence.objects.filter(
        action__startswith=noun,
        **{f"context__snapshot__{row._meta.pk.column}": str(row.pk)},
    )
    assert [row.action for row in rows.order_by("sequence")] == [*actions, f"{noun}_deleted"]
    assert {(row.entity_type, row.entity_id) for row in rows} == {("task", office["tasks"].pk)}


def test_a_blocker_opened_again_says_so(task, trail, sql):
    BlockerFactory(entity=task)
    sql("UPDATE blockers SET resolved_at = now()")
    trail()
    sql("UPDATE blockers SET resolved_at = NULL")

    reopened, blocked = trail()
    assert reopened.action == "blocker_reopened"
    assert (blocked.context["from"], blocked.context["to"]) == ("planned", "blocked")


def test_a_blocker_is_evidence_about_its_entity(wave, trail):
    trail()
    BlockerFactory(entity=wave.program)

    assert [(row.entity_type, row.entity_id, row.action) for row in trail()] == [
        ("program", wave.program_id, "blocker_raised"),
        ("program", wave.program_id, "state_changed"),
    ]


def test_a_violation_is_about_its_task_its_builder_or_the_foreman(task, builder, trail, sql):
    trail()
    for about in ({"task": task, "builder": builder}, {"builder": builder}, {}):
        GovernanceViolationFactory(**{"task": None} | about)

    [(foreman,)] = sql("SELECT builder_entity_id('foreman')")
    assert [(row.entity_type, row.entity_id, row.action) for row in trail()] == [
        ("task", task.pk, "violation_recorded"),
        ("task", task.pk, "blocker_raised"),
        ("task", task.pk, "state_changed"),
        ("builder", builder.entity_id, "violation_recorded"),
        ("builder", foreman, "violation_recorded"),
    ]
