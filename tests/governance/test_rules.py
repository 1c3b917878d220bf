"""What the judgement refuses, past every action: blockers on nothing, verdicts of its own."""

import uuid

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st
from psycopg.errors import CheckViolation

from governance.models import ArchitectureValidation, Blocker, QAExecution
from programs.models import Program
from tests.database import as_administrator
from tests.examples import examples
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    QAExecutionFactory,
    TaskFactory,
)
from tests.races import overlap

pytestmark = pytest.mark.django_db

ENTITIES = ["program", "wave", "task"]


@pytest.fixture
def entity(request, db):
    """A program, a wave or a task, as the test asks for by name."""
    task = TaskFactory()
    return {"program": task.wave.program, "wave": task.wave, "task": task}[request.param]


every_entity = pytest.mark.parametrize("entity", ENTITIES, indirect=True)


# --- blockers -----------------------------------------------------------------------------------


@every_entity
def test_a_blocker_is_raised_on_what_exists(entity):
    BlockerFactory(entity=entity)

    assert Blocker.objects.of(entity).open().count() == 1


@every_entity
@pytest.mark.parametrize("resolved_at", [None, "2025-12-03T10:00:00Z"])
def test_a_blocker_on_nothing_is_refused(entity, resolved_at, refuses):
    with refuses("governance_blockers_entity"):
        BlockerFactory(entity=entity, entity_id=uuid.uuid4(), resolved_at=resolved_at)


@every_entity
def test_an_id_of_another_kind_is_nothing(entity, refuses):
    for other in {*ENTITIES} - {entity._meta.model_name}:
        with refuses("governance_blockers_entity"):
            BlockerFactory(entity=entity, entity_type=other)


def test_a_blocker_cannot_be_moved_to_nothing(task, refuses):
    blocker = BlockerFactory(entity=task)

    with refuses("governance_blockers_entity"):
        Blocker.objects.filter(pk=blocker.pk).update(entity_id=uuid.uuid4())
    with refuses("governance_blockers_entity"):
        Blocker.objects.filter(pk=blocker.pk).update(entity_type="wave")


def test_one_blocker_of_a_kind_is_open_on_an_entity(task, refuses):
    first = BlockerFactory(entity=task)

    with refuses("blockers_one_open_per_entity_and_classification"):
        BlockerFactory(entity=task)
    BlockerFactory(entity=task, classification=Blocker.Classification.PROTECTED_PATH)
    BlockerFactory(entity=task.wave)

    Blocker.objects.filter(pk=first.pk).update(resolved_at=first.detected_at)
    BlockerFactory(entity=task)
    with refuses("blockers_one_open_per_entity_and_classification"):
        Blocker.objects.filter(pk=first.pk).update(resolved_at=None)


@every_entity
def test_what_is_deleted_blocks_nothing_any_more(entity, sql):
    blocker = BlockerFactory(entity=entity)
    table = entity._meta.db_table

    sql(f"DELETE FROM {table}")

    blocker.refresh_from_db()
    [(moment,)] = sql("SELECT now()")
    assert blocker.resolved_at == moment
    assert blocker.resolution_action == f"The {entity._meta.model_name} was deleted."


def test_a_blocker_that_was_resolved_before_keeps_its_reason(task):
    blocker = BlockerFactory(
        entity=task, resolved_at="2025-12-03T10:00:00Z", resolution_action="fixed"
    )
    task.delete()

    blocker.refresh_from_db()
    assert (blocker.resolution_action, blocker.resolved_at.year) == ("fixed", 2025)


def test_a_deleted_program_resolves_the_blockers_of_all_that_was_in_it(task):
    entities = [task, task.wave, task.wave.program]
    blockers = [BlockerFactory(entity=entity).pk for entity in entities]

    Program.objects.all()._raw_delete(using="default")

    assert not Blocker.objects.filter(pk__in=blockers).open().exists()


def test_a_blocker_is_not_opened_again_on_what_is_gone(task, refuses):
    blocker = BlockerFactory(entity=task)
    task.delete()

    with refuses("governance_blockers_entity"):
        Blocker.objects.filter(pk=blocker.pk).update(resolved_at=None)


def test_a_blocker_whose_entity_is_gone_may_still_be_described(task):
    blocker = BlockerFactory(entity=task)
    task.delete()

    Blocker.objects.filter(pk=blocker.pk).update(
        description="known better", resolved_at=blocker.detected_at
    )


@pytest.mark.django_db(transaction=True)
@every_entity
def test_a_blocker_raised_first_is_resolved_by_the_delete(entity, connect):
    errors = overlap(connect, [raised(entity)], [deleted(entity)])

    assert errors == (None, None)
    blocker = Blocker.objects.get()
    assert blocker.resolution_action == f"The {entity._meta.model_name} was deleted."


@pytest.mark.django_db(transaction=True)
@every_entity
def test_a_blocker_on_what_was_deleted_first_is_refused(entity, connect):
    first, second = overlap(connect, [deleted(entity)], [raised(entity)])

    assert first is None
    assert second.diag.constraint_name == "governance_blockers_entity"
    assert not Blocker.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_blockers_raised_at_once_one_is_refused(connect):
    task = TaskFactory()
    first, second = overlap(connect, [raised(task)], [raised(task)])

    assert first is None
    assert second.diag.constraint_name == "blockers_one_open_per_entity_and_classification"


def raised(entity):
    return (
        "INSERT INTO blockers (entity_type, entity_id, classification, description)"
        " VALUES (%s, %s, 'protected_path', '')",
        [entity._meta.model_name, entity.pk],
    )


def deleted(entity):
    key = entity._meta.pk.column
    return f"DELETE FROM {entity._meta.db_table} WHERE {key} = %s", [entity.pk]


# --- QA runs and validations --------------------------------------------------------------------

count = st.integers(-1, 4)


@given(
    counts=st.tuples(count, count, count, count, count), status=st.sampled_from(QAExecution.Status)
)
@examples(20)
def test_exactly_the_runs_whose_status_follows_from_their_counts_are_kept(db, counts, status):
    total, passing, failing, skipped, debt = counts
    if passing == 0:
        says = "RED"
    elif total == passing and not skipped and not debt:
        says = "GREEN"
    else:
        says = "PARTIAL"
    sound = min(passing, failing, skipped, debt) >= 0 and total == passing + failing + skipped

    row = QAExecutionFactory.build(
        task=None,
        total_tests=total,
        passing_tests=passing,
        failing_tests=failing,
        skipped_tests=skipped,
        test_debt_count=debt,
        qa_status=status,
    )
    assert accepted(row) == (sound and says == status)


@given(
    rate=st.decimals(0, 100, places=2),
    readiness=st.sampled_from(ArchitectureValidation.Readiness),
)
@examples(10)
def test_ready_means_all_and_all_means_ready(db, rate, readiness):
    row = ArchitectureValidationFactory.build(task=None, pass_rate=rate, build_readiness=readiness)

    assert accepted(row) == ((rate == 100) == (readiness == "READY"))


def accepted(row):
    """Try to insert the row with a task of its own, and take it back."""
    with transaction.atomic():
        row.task = TaskFactory()
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            if not isinstance(error.__cause__, CheckViolation):
                raise
            return False
        finally:
            transaction.set_rollback(True)
    return True


# --- keys, and emptying a table -----------------------------------------------------------------

GOVERNED = {
    "programs": "program_id",
    "waves": "wave_id",
    "tasks": "task_id",
    "builders": "builder_id",
    "blockers": "blocker_id",
    "governance_violations": "violation_id",
    "architecture_validations": "validation_id",
    "qa_executions": "execution_id",
}


@pytest.mark.parametrize("table", GOVERNED)
def test_truncate_would_leave_no_evidence_and_is_refused(table, sql, refuses):
    with refuses("governance_no_truncate"):
        as_administrator(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(("table", "key"), GOVERNED.items())
def test_an_id_is_final(table, key, office, sql, refuses):
    other = "builder_id || '!'" if table == "builders" else "gen_random_uuid()"
    with refuses("governance_key_is_final"):
        sql(f"UPDATE {table} SET {key} = {other}")

    sql(f"UPDATE {table} SET {key} = {key}")
