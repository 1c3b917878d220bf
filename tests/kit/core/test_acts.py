"""Acts: done as a whole, in an actor's name, and refused with a rule and a sentence."""

import uuid

import pytest
from django.db import IntegrityError, connection, transaction

from builders.models import Heartbeat
from governance.models import Evidence
from kit.core.acts import FOREMAN, Refused, act
from programs.models import Program, Task, Wave
from tests.factories import BlockerFactory, BuilderFactory, TaskFactory, UserFactory, WaveFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(task):
    """Change the task once more, and return whom and what the evidence of it names."""

    def told():
        task.refresh_from_db()
        Task.objects.update(name=f"{task.name}!")
        row = Evidence.objects.of(task).latest("sequence")
        assert row.action == "edited"
        return row.actor, {key: row.context[key] for key in row.context.keys() - {"changes"}}

    return told


def test_a_person_acts_as_the_foreman_and_is_named_in_the_context(told):
    with act(UserFactory(username="ada")):
        assert told() == (FOREMAN, {"user": "ada"})


def test_a_builder_acts_under_its_own_name(told):
    with act(BuilderFactory(builder_id="qa-builder")):
        assert told() == ("qa-builder", {})


def test_the_office_itself_acts_as_the_foreman_without_a_person(told):
    with act(None):
        assert told() == (FOREMAN, {})


def test_an_act_says_what_it_is_told_to_say_besides(told):
    with act(UserFactory(username="ada"), reason="a typo", count=2):
        assert told() == (FOREMAN, {"user": "ada", "reason": "a typo", "count": 2})


def test_an_act_inside_another_is_part_of_it_and_hands_the_name_back(told):
    with act(UserFactory(username="ada"), reason="outer"):
        with act(BuilderFactory(), reason="inner"):
            assert told() == ("ui-builder", {"user": "ada", "reason": "inner"})
        with act(None):
            assert told() == (FOREMAN, {"user": "ada", "reason": "outer"})
        assert told() == (FOREMAN, {"user": "ada", "reason": "outer"})


def test_an_act_that_was_refused_inside_another_hands_the_name_back(told):
    with act(UserFactory(username="ada")):
        with pytest.raises(Refused), act(BuilderFactory()):
            Task.objects.update(progress_percentage=101)
        assert told() == (FOREMAN, {"user": "ada"})


def test_an_act_that_has_the_same_to_declare_as_the_one_around_it_costs_nothing(
    told, django_assert_num_queries
):
    ada = UserFactory(username="ada")
    with act(ada, override="late", reason="outer"):
        with django_assert_num_queries(0):
            for said in ({}, {"override": "late"}, {"reason": "outer"}):
                with act(ada, **said):
                    pass
        with act(ada):
            assert told()[1] == {"user": "ada", "override": "late", "reason": "outer"}
        with django_assert_num_queries(5), act(ada, override="later"):
            pass


def test_a_refusal_of_a_part_undoes_the_act_around_it(task):
    def part():
        Task.objects.update(name="half")
        with act(None):
            Task.objects.update(progress_percentage=101)

    assert refused(part)[0] == "tasks_progress_percentage_check"
    assert Task.objects.get().name == task.name


def test_after_an_act_nobody_is_named(told):
    with act(BuilderFactory(), reason="mine"):
        pass
    assert told() == (FOREMAN, {})


@pytest.mark.django_db(transaction=True)
def test_after_a_committed_act_nobody_is_named(told):
    with act(BuilderFactory(), reason="mine"):
        assert told() == ("ui-builder", {"reason": "mine"})
    assert told() == (FOREMAN, {})


@pytest.mark.django_db(transaction=True)
def test_an_act_is_whole(task):
    def fail_half_way():
        Task.objects.update(name="half")
        raise LookupError

    with pytest.raises(LookupError), act(None):
        fail_half_way()

    assert Task.objects.get().name == task.name
    assert not connection.in_atomic_block


# --- refused ------------------------------------------------------------------------------------


def refused(work):
    with pytest.raises(Refused) as refusal, act(None):
        work()
    return refusal.value.rule, refusal.value.message


def test_a_check_refuses_with_the_sentence_of_its_model(task):
    assert refused(lambda: Task.objects.update(progress_percentage=101)) == (
        "tasks_progress_percentage_check",
        "progress_percentage must be between 0 and 100.",
    )


def test_a_unique_rule_refuses_with_the_sentence_of_its_model(task):
    BlockerFactory(entity=task)

    assert refused(lambda: BlockerFactory(entity=task)) == (
        "blockers_one_open_per_entity_and_classification",
        "This is already open as a blocker.",
    )


def test_a_trigger_refuses_with_a_sentence_of_its_own(task):
    nothing = uuid.uuid4()

    assert refused(lambda: BlockerFactory(entity=task, entity_id=nothing)) == (
        "governance_blockers_entity",
        f"There is no task with the id {nothing}.",
    )


def test_a_rule_without_a_sentence_refuses_with_postgresqls(task):
    rule, message = refused(lambda: TaskFactory(task_id=task.pk, wave=task.wave))

    assert rule == "tasks_pkey"
    assert "duplicate key" in message


@pytest.mark.django_db(transaction=True)
def test_a_rule_that_waits_for_the_commit_refuses_too():
    wave = WaveFactory()

    rule, message = refused(
        lambda: Wave.objects.filter(pk=wave.pk).update(dependencies=[str(wave.pk)])
    )

    assert rule == "programs_waves_dependencies"
    assert message == f'The dependencies of wave "{wave.name}" name the wave itself.'
    assert Wave.objects.get().dependencies == []


def test_a_refusal_remembers_the_databases_own_error(task):
    with pytest.raises(Refused) as refusal, act(None):
        Task.objects.update(state="asleep")

    assert isinstance(refusal.value.__cause__, IntegrityError)
    assert str(refusal.value) == refusal.value.message


def test_work_goes_on_after_a_refusal(task):
    refused(lambda: Task.objects.update(state="asleep"))

    with act(None):
        Task.objects.update(state="blocked")
    assert Task.objects.get().state == "blocked"


@pytest.mark.parametrize(
    ("sqlstate", "work"),
    [
        ("23503", lambda task: TaskFactory(wave_id=uuid.uuid4(), wave=None)),
        ("23503", lambda task: Heartbeat.objects.create(builder_id="nobody", status="idle")),
        ("23502", lambda task: Program.objects.create(name="P", description=None)),
    ],
)
def test_what_is_a_bug_is_not_called_a_refusal(sqlstate, work, task):
    with pytest.raises(IntegrityError) as error, act(None):
        work(task)

    assert error.value.__cause__.sqlstate == sqlstate


def test_any_other_error_passes_unchanged():
    with pytest.raises(KeyError), act(None):
        raise KeyError


def test_an_act_costs_one_round_trip_beside_its_transaction(task, django_assert_num_queries):
    # A savepoint and its release; the name taken, and handed back; what was deferred is checked.
    with transaction.atomic(), django_assert_num_queries(5), act(None):
        pass
