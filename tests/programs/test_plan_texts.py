"""The texts of the plan, kept for searches: by whoever writes, and by nobody else."""

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from kit.runtime.database_addresses import OFFICE, user_of
from programs.models import PlanText, Program, Task, Wave
from tests.database import as_administrator
from tests.factories import BuilderFactory, HeartbeatFactory, TaskFactory, WaveFactory

# What is kept and is not so, and what is so and is not kept.
TRUE = " UNION ALL ".join(
    f"SELECT '{noun}', {noun}_id, programs_plan_text(to_jsonb({noun}s)) FROM {noun}s"
    for noun in ("program", "wave", "task")
)
KEPT = "SELECT entity_type, entity_id, text FROM plan_texts"
VERSIONS = "SELECT text_id, ctid::text FROM plan_texts ORDER BY 1"  # where each row was written
ASTRAY = f"(({TRUE}) EXCEPT {KEPT}) UNION ALL ({KEPT} EXCEPT ({TRUE}))"


@pytest.mark.django_db
def test_the_texts_are_those_of_the_plan_whatever_is_written(sql):
    task = TaskFactory(wave__program__objectives=["Reach it", "Come back"])
    TaskFactory.create_batch(3, wave=task.wave)
    assert sql(ASTRAY) == []
    text = PlanText.objects.get(entity_id=task.wave.program.pk).text
    assert text.splitlines()[-2:] == ["Reach it", "Come back"]
    Task.objects.update(name="Roof")
    Program.objects.update(description="Another.", objectives=[])
    Wave.objects.update(name="The wave")
    assert sql(ASTRAY) == []
    assert set(PlanText.objects.filter(entity_type="wave").values_list("text")) == {("The wave",)}
    task.delete()
    Program.objects.all().delete()
    assert sql(ASTRAY) == []
    assert not PlanText.objects.exists()


@pytest.mark.django_db
def test_what_is_no_text_writes_nothing(sql):
    """A heartbeat changes a task, its wave and its program, and none of their texts."""
    task = TaskFactory(state="assigned")
    builder = BuilderFactory(current_task=task)
    versions = sql(VERSIONS)
    for progress in (10, 20):
        HeartbeatFactory(builder=builder, task=task, progress_percentage=progress)
    task.refresh_from_db()
    assert task.progress_percentage == 20
    task.wave.refresh_from_db()
    assert task.wave.progress_percentage == 20
    assert sql(VERSIONS) == versions
    Task.objects.update(name="Roof")
    assert sql(VERSIONS) != versions


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "forged",
    [
        "INSERT INTO plan_texts (entity_type, entity_id, text)"
        " VALUES ('task', gen_random_uuid(), 'x')",
        "UPDATE plan_texts SET text = 'x'",
        "DELETE FROM plan_texts",
        "TRUNCATE plan_texts",
    ],
)
def test_nobody_else_writes_them(forged, sql):
    TaskFactory()
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        sql(forged)
    assert sql(ASTRAY) == []


@pytest.mark.django_db
def test_a_migration_keeps_the_texts_of_what_is_there(sql, monkeypatch):
    """Of rows from before, and of no row twice; what changed meanwhile keeps its newer text."""
    migration = MigrationLoader(connection).get_migration("programs", "0022_plan_texts_found")
    keep = migration.operations[0].code
    monkeypatch.setitem(keep.__globals__, "CHUNK", 2)
    TaskFactory.create_batch(5, wave=WaveFactory())
    as_administrator("DELETE FROM plan_texts WHERE text_id % 2 = 0")
    as_administrator(f"GRANT INSERT, UPDATE ON plan_texts TO {user_of(OFFICE)}")
    as_administrator(f"GRANT USAGE ON SEQUENCE plan_texts_text_id_seq TO {user_of(OFFICE)}")
    kept = set(PlanText.objects.values_list("pk", flat=True))
    PlanText.objects.filter(pk=min(kept)).update(text="newer")
    with connection.schema_editor(collect_sql=True) as editor:
        keep(None, editor)
    astray = sql(ASTRAY)  # of one row: its text as it was found, and the newer one
    assert len(astray) == 2
    assert len({key for _, key, _ in astray}) == 1
    assert "newer" in {text for *_, text in astray}
    assert PlanText.objects.count() == 1 + 1 + 5
    assert kept <= set(PlanText.objects.values_list("pk", flat=True))
