"""Witnessed and numbered rows, the ids of builders, and any history replayed."""

import pytest
from django.db import transaction
from django.utils.timezone import now
from hypothesis import example, given
from hypothesis import strategies as st

from builders.models import Builder
from governance.models import Evidence
from programs.history import recording
from programs.models import Program, Task, Wave
from tests.database import as_administrator
from tests.examples import examples
from tests.factories import (
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db


# --- witnessed, and numbered --------------------------------------------------------------------


@pytest.mark.usefixtures("open_trail")
def test_a_row_that_is_told_is_not_witnessed_whatever_it_says(task):
    row = Evidence.objects.create(
        entity_type="task", entity_id=task.pk, action="approved", actor="foreman", witnessed=True
    )

    row.refresh_from_db()
    assert row.witnessed is False


@pytest.mark.usefixtures("open_trail")
def test_a_copied_row_is_not_witnessed_either_and_cannot_choose_its_number(owner_session, task):
    columns = "entity_type, entity_id, action, actor, sequence, witnessed"
    statement = f"COPY evidence_trail ({columns}) FROM STDIN"
    with owner_session.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write_row(("task", task.pk, "approved", "foreman", -1, True))

    row = Evidence.objects.get(action="approved")
    assert row.witnessed is False
    assert row.sequence == max(Evidence.objects.values_list("sequence", flat=True))


@pytest.mark.usefixtures("open_trail")
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


@pytest.mark.usefixtures("open_trail")
def test_only_an_imported_row_keeps_its_own_time_which_is_never_ahead(task):
    def told(at):
        row = Evidence.objects.create(
            entity_type="task", entity_id=task.pk, action="approved", actor="foreman", timestamp=at
        )
        row.refresh_from_db()
        return row.timestamp.year

    this_year = now().year
    assert told("2025-12-03T10:00:00Z") == this_year
    with recording({"file": "plan.yaml"}):
        assert told("2025-12-03T10:00:00Z") == 2025
        assert told("2125-12-03T10:00:00Z") == this_year


# --- a builder's id -----------------------------------------------------------------------------


@given(key=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@examples(15)
def test_model_and_database_agree_on_a_builders_entity_id(sql, key):
    assert sql("SELECT builder_entity_id(%s)", key) == [(Builder(builder_id=key).entity_id,)]


def test_the_five_builders_have_five_ids():
    assert len({builder.entity_id for builder in Builder.objects.all()}) == 5


# --- any history --------------------------------------------------------------------------------

# What moves by itself, because of what was moved, is seen too.
WITNESS = """
CREATE TABLE testing.moved (id uuid);
GRANT SELECT, DELETE ON testing.moved TO PUBLIC;
CREATE FUNCTION testing.witness() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO testing.moved VALUES ((to_jsonb(NEW) ->> TG_ARGV[0])::uuid);
    RETURN NULL;
END $$;
""" + "".join(
    f"""
    CREATE TRIGGER witness AFTER UPDATE ON {table}
        FOR EACH ROW WHEN (OLD.state <> NEW.state)
        EXECUTE FUNCTION testing.witness('{table[:-1]}_id');
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
@examples(8)
def test_replaying_the_trail_gives_the_states_and_no_row_too_many(sql, moves):
    limits = {"all": None, "one": 1, "none": 0}
    with transaction.atomic():
        as_administrator(WITNESS)
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
        assert sorted(told) == [key for (key,) in sql("SELECT id FROM testing.moved ORDER BY id")]
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
    measured = {
        (column,)
        for column in (
            *("updated_at", "last_heartbeat", "heard_at", "stamped_at", "last_sent_at"),
            *("clock_lag", "announced_seconds"),
        )
    }
    assert set(named) == set(columns) - measured - {("builder_id",)}
