"""What a task under way is judged by changes for a reason, which its certificate shows."""

import pytest
from django.db import IntegrityError
from django.urls import reverse

from governance.models import Evidence
from governance.quality import certificate
from kit.core.acts import act
from programs import actions
from programs.history import recording
from programs.models import Task
from tests.conftest import rule_of
from tests.factories import BuilderFactory, TaskFactory, UserFactory
from tests.races import overlap
from tests.scenes import green_after_work, make_ready, take_up

pytestmark = pytest.mark.django_db

COLUMNS = {
    "acceptance_criteria": "- it glows",
    "qa_suite_location": "tests/other/",
    "architecture_reference": "other.md",
}
RULE = "programs_tasks_reason"


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("state", ["assigned", "in-progress", "blocked"])
def test_a_change_of_work_under_way_is_refused_without_a_reason(sql, refuses, state, column):
    task = TaskFactory(state=state)
    change = f"UPDATE tasks SET {column} = %s WHERE task_id = %s"
    with refuses(RULE):
        sql(change, COLUMNS[column], task.pk)
    with refuses(RULE), act(None, reason="  "):
        sql(change, COLUMNS[column], task.pk)
    with act(None, reason="The customer asked."):
        sql(change, COLUMNS[column], task.pk)
    task.refresh_from_db()
    assert getattr(task, column) == COLUMNS[column]
    told = Evidence.objects.of(task).latest("sequence")
    assert (told.action, told.context["reason"]) == ("edited", "The customer asked.")
    assert told.context["changes"][column][1] == COLUMNS[column]


def test_the_refusal_names_what_would_change(sql):
    task = TaskFactory(state="in-progress", name="Wire")
    with pytest.raises(IntegrityError) as refused:
        sql("UPDATE tasks SET acceptance_criteria = 'x', qa_suite_location = 'y'")
    assert rule_of(refused.value) == RULE
    assert (
        'Task "Wire" is in progress: enter a reason to change its acceptance criteria and QA suite.'
        in str(refused.value)
    )
    assert task.pk


@pytest.mark.parametrize("state", ["planned", "completed", "failed"])
def test_what_is_not_under_way_is_changed_without_a_reason(sql, state):
    TaskFactory(state=state)
    sql("UPDATE tasks SET acceptance_criteria = 'x', name = 'y'")


def test_other_columns_ask_no_reason(sql):
    TaskFactory(state="in-progress")
    sql("UPDATE tasks SET name = 'y', evidence_location = 'z', acceptance_criteria = "
        "acceptance_criteria")  # fmt: skip


def test_the_reason_of_an_override_counts_and_an_import_alone_does_not(sql, refuses):
    TaskFactory(state="in-progress")
    with refuses(RULE), recording({"file": "plan.yaml"}):
        sql("UPDATE tasks SET acceptance_criteria = 'x'")
    with recording({"file": "plan.yaml"}, override="The file is the record."):
        sql("UPDATE tasks SET acceptance_criteria = 'x'")


def test_a_task_that_is_unassigned_by_the_same_statement_asks_none(sql):
    TaskFactory(state="assigned", assigned_builder="ui-builder")
    BuilderFactory()
    sql("UPDATE tasks SET state = 'planned', acceptance_criteria = 'x'")


EDIT = "UPDATE tasks SET acceptance_criteria = 'x'"
ASSIGN = "UPDATE tasks SET state = 'assigned', assigned_builder = 'ui-builder'"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("edit_first", [True, False])
def test_an_edit_and_an_assignment_at_once_are_judged_in_their_order(connect, edit_first):
    make_ready()
    first, second = ([EDIT], [ASSIGN]) if edit_first else ([ASSIGN], [EDIT])
    errors = overlap(connect, first, second)
    task = Task.objects.get()
    assert task.state == "assigned"
    if edit_first:
        assert errors == (None, None)
        assert task.acceptance_criteria == "x"
    else:
        assert errors[0] is None
        assert rule_of(errors[1]) == RULE
        assert task.acceptance_criteria != "x"


# --- the certificate ------------------------------------------------------------------------------


@pytest.fixture
def done(db):
    """A completed task whose criteria were changed while it was in progress."""
    task = make_ready(wave__program__name="Lamps")
    actions.edit(task, by=None, acceptance_criteria="- before it began")
    builder = take_up(task)
    actions.edit(
        task, by=UserFactory(username="johan"), reason="It must be dimmable.",
        acceptance_criteria="- it dims", architecture_reference=task.architecture_reference,
    )  # fmt: skip
    green_after_work(task)
    task.refresh_from_db()
    actions.complete_task(task, evidence_location="s3://proof", by=builder)
    return task


def test_the_certificate_tells_what_was_changed_when_by_whom_and_why(done):
    (change,) = certificate(done).changes
    assert (change.by, change.reason) == ("johan", "It must be dimmable.")
    assert (change.columns, change.words) == (["acceptance_criteria"], "Acceptance criteria")
    assert change.at == Evidence.objects.get(context__reason=change.reason).timestamp


def test_the_page_shows_it(done, client):
    client.force_login(UserFactory(username="viola"))
    text = " ".join(client.get(reverse("programs:task", args=[done.pk])).text.split())
    assert "Acceptance criteria changed on" in text
    assert "by johan: “It must be dimmable.”" in text
