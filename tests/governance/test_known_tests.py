"""The tests of all suites are known, each once, whoever records their runs."""

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from foreman_office.dashboard.search.queries import search_kind
from governance.models import KnownTest, QATestResult
from governance.thinning import prune_known_tests
from kit.core.acts import act
from kit.runtime.database_addresses import OFFICE, UPKEEP, acting_as, user_of
from tests.database import as_administrator
from tests.factories import QAExecutionFactory, TaskFactory

TRUE = """
    SELECT DISTINCT governance_test_digest(qa_suite_location, name), qa_suite_location, name
    FROM qa_executions JOIN qa_test_results USING (execution_id)
"""
KEPT = "SELECT digest, qa_suite_location, name FROM known_tests"
ASTRAY = f"(({TRUE}) EXCEPT {KEPT}) UNION ALL ({KEPT} EXCEPT ({TRUE}))"


def run_of(task, *names, suite="tests/lamp/"):
    run = QAExecutionFactory(
        task=task, qa_suite_location=suite, passing_tests=len(names), failing_tests=0
    )
    QATestResult.objects.bulk_create(
        QATestResult(execution=run, name=name, outcome="passed") for name in names
    )
    return run


@pytest.mark.django_db
def test_each_test_of_a_suite_is_known_once(sql):
    task = TaskFactory()
    first = run_of(task, "test_x[param-1]", "test_größe")
    run_of(task, "test_x[param-1]", "test_größe", "test_new")
    run_of(task, "test_x[param-1]", suite="tests/other/")
    assert sql(ASTRAY) == []
    assert KnownTest.objects.count() == 4
    assert KnownTest.objects.filter(first_run_id=first.pk).count() == 2


@pytest.mark.django_db
def test_a_test_is_found_by_any_part_of_its_name_and_leads_to_its_page(person):
    run_of(TaskFactory(name="Lamp"), "test_x[param-1]", "test_y")
    (found,) = search_kind("x[param-1", "tests").hits
    assert found.label == "test_x[param-1]"
    assert found.within == "tests/lamp/"
    assert "test_x[param-1]" in person.get(found.url).text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "forged",
    [
        "INSERT INTO known_tests (digest, qa_suite_location, name, first_run_id)"
        " VALUES ('', '', '', gen_random_uuid())",
        "UPDATE known_tests SET name = 'x'",
        "DELETE FROM known_tests",
    ],
)
def test_nobody_else_writes_them(forged, sql):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        sql(forged)


@pytest.mark.django_db(transaction=True)
def test_a_name_that_no_run_has_any_more_is_removed_and_the_others_lead_to_a_run(sql):
    task = TaskFactory()
    first, second = run_of(task, "test_old", "test_x"), run_of(task, "test_x", "test_new")
    with pytest.raises(ProgrammingError, match="permission denied"):
        [*prune_known_tests()]
    with acting_as(UPKEEP):
        assert [*prune_known_tests(names_at_once=2)] == [0, 0, 0]
    with act(None, reason="It was recorded by mistake."):
        first.delete()
    assert KnownTest.objects.count() == 3
    with acting_as(UPKEEP):
        assert sum(prune_known_tests(names_at_once=1)) == 1
        assert sum(prune_known_tests()) == 0
    assert set(KnownTest.objects.values_list("name", "first_run_id")) == {
        ("test_x", second.pk),
        ("test_new", second.pk),
    }
    run_of(task, "test_old")
    assert sql(ASTRAY) == []


@pytest.mark.django_db
def test_a_migration_keeps_the_names_of_the_runs_that_are_there(sql, monkeypatch):
    migration = MigrationLoader(connection).get_migration("governance", "0056_known_tests_found")
    keep = migration.operations[0].code
    monkeypatch.setitem(keep.__globals__, "CHUNK", 2)
    task = TaskFactory()
    for number in range(5):
        run_of(task, "test_x", f"test_{number}")
    as_administrator("DELETE FROM known_tests WHERE known_test_id % 2 = 0")
    as_administrator(f"GRANT INSERT ON known_tests TO {user_of(OFFICE)}")
    as_administrator(f"GRANT USAGE ON SEQUENCE known_tests_known_test_id_seq TO {user_of(OFFICE)}")
    with connection.schema_editor(collect_sql=True) as editor:
        keep(None, editor)
    assert sql(ASTRAY) == []
