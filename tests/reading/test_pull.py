"""A builder takes the next task: which one, whether it may, and two that ask at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils.timezone import now

from builders.actions import pause_builder
from builders.models import Builder
from foreman_office.reading.pull import pull_task
from governance.models import Evidence
from programs.actions import allow_pull, forbid_pull
from programs.models import Program
from tests.api.caller import Caller
from tests.api.refusals import said
from tests.factories import BuilderFactory, TaskFactory, WaveFactory
from tests.races import PATIENCE, until
from tests.scenes import make_ready, past_the_rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller():
    return Caller(BuilderFactory(state="idle"))


def ready(**fields):
    """Make a ready task of a program that lets builders pull."""
    task = make_ready(**fields)
    Program.objects.filter(pk=task.wave.program_id).update(allows_pull=True)
    return task


def ask(caller):
    answer = caller.ask("POST", "next", {})
    return answer.status_code, answer.json()["task"]["task_id"] if answer.content else None


def test_a_program_allows_it_for_a_reason(caller):
    task = make_ready()
    program = task.wave.program
    assert ask(caller) == (204, None)
    allow_pull(program, reason="The night shift.", by=None)
    act = Evidence.objects.of(program).latest("sequence")
    assert act.context["changes"] == {"allows_pull": [False, True]}
    assert act.context["reason"] == "The night shift."
    forbid_pull(program, reason="Morning.", by=None)
    assert ask(caller) == (204, None)
    allow_pull(program, reason="Night.", by=None)
    assert ask(caller) == (200, str(task.pk))
    assert ask(caller) == (200, str(task.pk))  # it has a task
    acts = Evidence.objects.of(task).filter(action="state_changed")
    assert [(each.actor, each.context["pull"]) for each in acts] == [("ui-builder", True)]


def test_what_holds_up_most_comes_first(caller):
    small = ready()
    large = ready()
    follower = WaveFactory(
        program=large.wave.program, dependencies=[str(large.wave_id)], state="planned"
    )
    TaskFactory.create_batch(4, wave=follower)
    past_the_rules(small, created_at=now() - timedelta(days=1))
    assert ask(caller) == (200, str(large.pk))
    assert pull_task(BuilderFactory(builder_id="qa-builder")) == small


def test_only_what_suits_and_is_ready_is_taken(caller):
    ready(planned_builder="qa-builder")
    ready(state="blocked")
    ready(wave__state="planned")
    unready = TaskFactory()
    Program.objects.filter(pk=unready.wave.program_id).update(allows_pull=True)
    assert ask(caller) == (204, None)
    own = ready(planned_builder="ui-builder")
    assert ask(caller) == (200, str(own.pk))


def test_who_is_paused_takes_nothing_and_asking_is_a_sign_of_life(caller):
    ready()
    pause_builder(caller_builder(), reason="A disk.", until=now() + timedelta(hours=1), by=None)
    assert said(caller.ask("POST", "next", {})) == [(None, "builder_idle")]
    silent = Caller(Builder.objects.get(pk="api-builder"))
    Builder.objects.filter(pk="api-builder").update(heard_at=None)
    assert ask(silent)[0] == 200
    assert Builder.objects.get(pk="api-builder").heard_at


def caller_builder():
    return Builder.objects.get(pk="ui-builder")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("order", [("ui-builder", "qa-builder"), ("qa-builder", "ui-builder")])
@pytest.mark.parametrize("same_wave", [True, False])
def test_two_that_ask_at_once_get_two_tasks(connect, order, same_wave):
    first = ready()
    second = ready(**({"wave": first.wave} if same_wave else {}))
    one, other = (BuilderFactory(builder_id=name, state="idle") for name in order)
    observer = connect()

    def pull():
        try:
            return pull_task(other)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            taken = pull_task(one)
            answer = thread.submit(pull)
            until(lambda: answer.done() or somebody_waits(observer))
        also = answer.result(PATIENCE)
    assert {taken.pk, also.pk} == {first.pk, second.pk}
    holders = Builder.objects.exclude(current_task=None).values_list("pk", "current_task")
    assert dict(holders) == {one.pk: taken.pk, other.pk: also.pk}


def somebody_waits(observer):
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return observer.execute(query).fetchone()[0]


def test_the_page_of_a_program_offers_it(person):
    program = TaskFactory().wave.program
    address = program.get_absolute_url()
    assert "Let builders pull" in person.get(address).text
    assert person.post(f"{address}allow-pull/", {"reason": " "}).status_code == 422
    assert person.post(f"{address}allow-pull/", {"reason": "Night."}).status_code == 302
    page = person.get(address).text
    assert "builders pull tasks" in page
    assert "Assign by hand" in page
    assert person.post(f"{address}forbid-pull/", {"reason": "Day."}).status_code == 302
    assert not Program.objects.get(pk=program.pk).allows_pull
