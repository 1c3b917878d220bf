"""Who acted, and what the transaction says besides, in the evidence."""

import json

import pytest

from builders.models import Builder
from governance.models import Evidence
from programs.models import Task
from tests.factories import (
    TaskFactory,
)
from tests.races import overlap

pytestmark = pytest.mark.django_db


@pytest.fixture
def name(sql):
    """Set the transaction's actor and context, as `act` does."""

    def name(actor, **context):
        sql("SELECT set_config('foreman.actor', %s, true)", actor)
        sql("SELECT set_config('foreman.context', %s, true)", json.dumps(context))

    return name


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
