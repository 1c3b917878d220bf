"""Who validates the architecture of a task is held by the database."""

import pytest

from kit.core.acts import act
from programs.history import recording
from programs.models import Program
from tests.conftest import rule_of
from tests.factories import BuilderFactory, TaskFactory
from tests.races import overlap

pytestmark = pytest.mark.django_db

RULE = "governance_validations_by"
VALIDATE = (
    "INSERT INTO architecture_validations"
    " (task_id, architecture_reference, validation_results, pass_rate, build_readiness,"
    " validated_by) VALUES (%s, 'a.md', '{}', 100, 'READY', %s)"
)


@pytest.fixture
def planned(db):
    return TaskFactory(planned_builder="ui-builder")


def let_the_builder():
    Program.objects.update(validated_by="builder")


def test_the_foreman_validates_whatever_the_program_says(sql, planned):
    sql(VALIDATE, planned.pk, "foreman")
    let_the_builder()
    sql(VALIDATE, planned.pk, "foreman")
    sql(VALIDATE, planned.pk, "an architect")


def test_the_planned_builder_validates_only_if_the_program_lets_it(sql, planned, refuses):
    builder = BuilderFactory()
    with refuses(RULE):
        sql(VALIDATE, planned.pk, "ui-builder")
    with refuses(RULE), act(builder):
        sql(VALIDATE, planned.pk, "foreman")
    let_the_builder()
    with act(builder):
        sql(VALIDATE, planned.pk, "ui-builder")


def test_no_other_builder_validates_before_the_assignment(sql, planned, refuses):
    let_the_builder()
    with refuses(RULE):
        sql(VALIDATE, planned.pk, "api-builder")


def test_the_builder_that_has_the_task_validates_and_no_other(sql, refuses):
    task = TaskFactory(state="in-progress", planned_builder="api-builder")
    BuilderFactory(current_task=task)
    sql(VALIDATE, task.pk, "ui-builder")
    let_the_builder()
    with refuses(RULE):
        sql(VALIDATE, task.pk, "api-builder")


def test_an_override_and_history_pass(sql, planned):
    with act(None, override="It was so."):
        sql(VALIDATE, planned.pk, "ui-builder")
    with recording({"file": "plan.yaml"}):
        sql(VALIDATE, planned.pk, "api-builder")


FORBID = "UPDATE programs SET validated_by = 'foreman'"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("forbid_first", [True, False])
def test_a_validation_and_its_prohibition_at_once_are_judged_in_their_order(
    connect, planned, forbid_first
):
    let_the_builder()
    validate = (VALIDATE, [planned.pk, "ui-builder"])
    order = ([FORBID], [validate]) if forbid_first else ([validate], [FORBID])
    errors = overlap(connect, *order)
    if forbid_first:
        assert (errors[0], rule_of(errors[1])) == (None, RULE)
    else:
        assert errors == (None, None)
