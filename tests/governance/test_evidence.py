"""The trail: written by triggers whoever writes, never changed, never removed."""

import json
import uuid

import pytest
from django.db import connection, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builders.models import Builder
from governance.models import Evidence
from programs.models import Program, Task, Wave
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    TaskFactory,
    WaveFactory,
)
from tests.races import overlap

pytestmark = pytest.mark.django_db


@pytest.fixture
def trail(db):
    """Return what the trail gained since the test was set up, or since the last time of asking."""
    seen = Evidence.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0

    def trail():
        nonlocal seen
        rows = list(Evidence.objects.filter(sequence__gt=seen).order_by("sequence"))
        seen = max([seen, *(row.sequence for row in rows)])
        return rows

    return trail


@pytest.fixture
def name(sql):
    """Name the transaction's actor and what it says besides, as `act` does."""

    def name(actor, **context):
        sql("SELECT set_config('foreman.actor', %s, true)", actor)
        sql("SELECT set_config('foreman.context', %s, true)", json.dumps(context))

    return name


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
        sql(statement)

    assert list(Evidence.objects.order_by("sequence").values()) == before


def test_an_empty_trail_is_not_emptied_either(sql, refuses):
    with transaction.atomic():
        sql("SET LOCAL session_replication_role = replica")
        sql("DELETE FROM evidence_trail")
        sql("SET LOCAL session_replication_role = origin")
        for statement in ("TRUNCATE", "DELETE FROM"):
            with refuses("governance_evidence_trail_append_only"):
                sql(f"{statement} evidence_trail")


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


def test_copied_rows_leave_a_row_each_with_a_snapshot(wave, trail):
    trail()
    keys = [uuid.uuid4(), uuid.uuid4()]
    columns = "wave_id, name, architecture_reference, qa_suite_location, acceptance_criteria, state"
    statement = f"COPY tasks (task_id, {columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
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


# --- who, and what besides ----------------------------------------------------------------------


def test_nobody_named_is_the_foreman(task, sql):
    assert Evidence.objects.of(task).get().actor == "foreman"

    sql("SELECT set_config('foreman.actor', '', true)")
    Task.objects.update(state="blocked")
    assert set(Evidence.objects.of(task).values_list("actor", "backend", "model")) == {
        ("foreman", None, None)
    }


def test_a_builder_acts_with_its_backend_and_model_of_that_moment(task, trail, name):
    Builder.objects.filter(pk="qa-builder").update(
        backend_type="hosted", provenance={"model": "m-1"}
    )
    name("qa-builder")
    trail()
    Task.objects.update(state="blocked")
    Builder.objects.filter(pk="qa-builder").update(
        backend_type="burst", provenance={"model": "m-2"}
    )
    Task.objects.update(state="planned")

    first, _, last = trail()
    assert (first.actor, first.backend, first.model) == ("qa-builder", "hosted", "m-1")
    assert (last.actor, last.backend, last.model) == ("qa-builder", "burst", "m-2")


def test_a_builder_without_a_known_model_acts_without_one(task, trail, name):
    name("qa-builder")
    trail()
    Task.objects.update(state="blocked")

    [row] = trail()
    assert (row.actor, row.backend, row.model) == ("qa-builder", "local", None)


@pytest.mark.parametrize("statement", ["INSERT", "UPDATE", "DELETE"])
def test_what_the_transaction_says_is_in_every_row(statement, wave, trail, name, sql):
    task = TaskFactory(wave=wave)
    trail()
    name("foreman", user="ada", note="by hand")
    if statement == "INSERT":
        TaskFactory(wave=wave)
    elif statement == "UPDATE":
        Task.objects.update(state="blocked")
    else:
        sql("DELETE FROM tasks WHERE task_id = %s", task.pk)

    [row] = trail()
    assert row.context.items() >= {"user": "ada", "note": "by hand"}.items()
    assert row.context.keys() & {"snapshot", "changes"}


def test_what_the_transaction_says_does_not_hide_what_happened(task, trail, name):
    trail()
    name("foreman", changes="none", **{"from": "heaven", "to": "earth"})
    Task.objects.update(state="blocked")

    [row] = trail()
    assert (row.context["from"], row.context["to"]) == ("planned", "blocked")
    assert row.context["changes"] == {"state": ["planned", "blocked"]}


@pytest.mark.django_db(transaction=True)
def test_a_name_ends_with_its_transaction(connect):
    task = TaskFactory()
    change = "UPDATE tasks SET state = %s"
    own = connect()
    with own.transaction():
        own.execute("SELECT set_config('foreman.actor', 'qa-builder', true)")
        own.execute(change, ["blocked"])
    own.execute(change, ["planned"])

    rows = Evidence.objects.of(task).filter(action="state_changed").order_by("sequence")
    assert [row.actor for row in rows] == ["qa-builder", "foreman"]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_leaves_none(connect):
    task = TaskFactory()
    own = connect()
    own.execute("BEGIN")
    own.execute("UPDATE tasks SET state = 'blocked'")
    own.execute("ROLLBACK")

    assert [row.action for row in Evidence.objects.of(task)] == ["created"]


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_are_told_one_after_the_other(connect):
    task = TaskFactory()
    change = "UPDATE tasks SET state = %s"

    assert overlap(connect, [(change, ["blocked"])], [(change, ["failed"])]) == (None, None)

    rows = Evidence.objects.of(task).filter(action="state_changed").order_by("sequence")
    assert [(row.context["from"], row.context["to"]) for row in rows] == [
        ("planned", "blocked"),
        ("blocked", "failed"),
    ]


# --- witnessed, and numbered --------------------------------------------------------------------


def test_a_row_that_is_told_is_not_witnessed_whatever_it_says(task):
    row = Evidence.objects.create(
        entity_type="task", entity_id=task.pk, action="approved", actor="foreman", witnessed=True
    )

    row.refresh_from_db()
    assert row.witnessed is False


def test_a_copied_row_is_not_witnessed_either_and_cannot_choose_its_number(task):
    columns = "entity_type, entity_id, action, actor, sequence, witnessed"
    statement = f"COPY evidence_trail ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write_row(("task", task.pk, "approved", "foreman", -1, True))

    row = Evidence.objects.get(action="approved")
    assert row.witnessed is False
    assert row.sequence == max(Evidence.objects.values_list("sequence", flat=True))


def test_numbers_only_grow_whatever_a_writer_asks_for(task, sql):
    insert = (
        "INSERT INTO evidence_trail (entity_type, entity_id, action, actor, sequence)"
        " VALUES ('task', %s, %s, 'foreman', %s)"
    )
    for action, wish in (("first", 10**12), ("second", 0), ("third", None)):
        sql(insert, task.pk, action, wish)
    Task.objects.update(state="blocked")

    rows = Evidence.objects.order_by("sequence").values_list("sequence", "action")
    numbers = [number for number, _ in rows]
    assert [action for _, action in rows][-4:] == ["first", "second", "third", "state_changed"]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] < 10**12


def test_an_imported_row_keeps_its_own_time(task):
    row = Evidence.objects.create(
        entity_type="task",
        entity_id=task.pk,
        action="approved",
        actor="foreman",
        timestamp="2025-12-03T10:00:00Z",
    )

    row.refresh_from_db()
    assert row.timestamp.year == 2025


# --- a builder's id -----------------------------------------------------------------------------


@given(key=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@settings(max_examples=100)
def test_model_and_database_agree_on_a_builders_entity_id(sql, key):
    assert sql("SELECT builder_entity_id(%s)", key) == [(Builder(builder_id=key).entity_id,)]


def test_the_five_builders_have_five_ids():
    assert len({builder.entity_id for builder in Builder.objects.all()}) == 5


# --- any history --------------------------------------------------------------------------------

# What moves by itself, because of what was moved, is seen too.
WITNESS = """
CREATE TEMP TABLE moved (id uuid);
CREATE FUNCTION pg_temp.witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO moved VALUES ((to_jsonb(NEW) ->> TG_ARGV[0])::uuid);
    RETURN NULL;
END $$;
""" + "".join(
    f"""
    CREATE TRIGGER witness AFTER UPDATE ON {table}
        FOR EACH ROW WHEN (OLD.state <> NEW.state)
        EXECUTE FUNCTION pg_temp.witness('{table[:-1]}_id');
    """
    for table in ("programs", "waves", "tasks")
)

move = st.tuples(
    st.sampled_from(["programs", "waves", "tasks"]),
    st.sampled_from(Wave.State.values),
    st.sampled_from(["all", "one", "none"]),
)


@given(moves=st.lists(move, max_size=10))
@example(moves=[("tasks", "completed", "all"), ("waves", "completed", "all")])
@settings(max_examples=40)
def test_replaying_the_trail_gives_the_states_and_no_row_too_many(sql, moves):
    limits = {"all": None, "one": 1, "none": 0}
    with transaction.atomic():
        sql(WITNESS)
        sql("SELECT set_config('foreman.override', 'any history', true)")
        program = WaveFactory().program
        for wave in WaveFactory.create_batch(2, program=program):
            TaskFactory.create_batch(2, wave=wave)
        [(start,)] = sql("SELECT max(sequence) FROM evidence_trail")
        for table, state, which in moves:
            key = f"{table[:-1]}_id"
            sql(
                f"""
                WITH chosen AS (SELECT {key} FROM {table} ORDER BY {key} LIMIT %s)
                UPDATE {table} SET state = %s FROM chosen WHERE {table}.{key} = chosen.{key}
                """,
                *(limits[which], state),
            )
        states = {}
        for row in Evidence.objects.order_by("sequence"):
            if row.action == "created" and row.entity_type != "builder":
                states[row.entity_id] = row.context["snapshot"]["state"]
            elif row.action == "state_changed":
                assert states[row.entity_id] == row.context["from"] != row.context["to"]
                states[row.entity_id] = row.context["to"]

        now = {row.pk: row.state for model in (Program, Wave, Task) for row in model.objects.all()}
        assert states == now
        told = Evidence.objects.filter(sequence__gt=start).values_list("entity_id", flat=True)
        assert sorted(told) == [key for (key,) in sql("SELECT id FROM moved ORDER BY id")]
        transaction.set_rollback(True)


def test_each_column_of_a_builder_that_is_evidence_wakes_its_trigger(sql):
    named = sql(
        "SELECT attname FROM pg_trigger, pg_attribute"
        " WHERE tgrelid = 'builders'::regclass AND tgname = 'governance_evidence_updated'"
        " AND attrelid = tgrelid AND attnum = ANY (tgattr)"
    )
    columns = sql(
        "SELECT attname FROM pg_attribute"
        " WHERE attrelid = 'builders'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    measured = {("updated_at",), ("last_heartbeat",)}
    assert set(named) == set(columns) - measured - {("builder_id",)}
