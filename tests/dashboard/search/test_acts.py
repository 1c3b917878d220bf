"""Acts by their names: what may be done now leads to its form, and only for who decides."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.dashboard.inbox.reconciling import reconcile
from foreman_office.dashboard.search.acts import find_acts
from foreman_office.dashboard.search.queries import search_entities
from foreman_office.notifications.actions import snooze
from governance.actions import resolve_blocker
from governance.models import Evidence, Notice
from programs.actions import archive_program
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    BuilderPauseFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    QuestionFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def acts(text):
    return [hit.label for hit in find_acts(text)]


@pytest.fixture
def ready(db):
    """A task that could be assigned: validated, its suite red, and ui-builder idle."""
    task = TaskFactory(name="Login screen", planned_builder="ui-builder")
    ArchitectureValidationFactory(task=task, architecture_reference=task.architecture_reference)
    QAExecutionFactory(
        task=task, qa_suite_location=task.qa_suite_location, passing_tests=0, failing_tests=2
    )
    HeartbeatFactory(builder=BuilderFactory(builder_id="ui-builder"), task=None, status="idle")
    return task


@pytest.mark.parametrize("typed", ["pause ui-builder", "PAUSE ui", "pau builder ui"])
def test_a_builder_is_paused_by_its_name(typed):
    (found,) = find_acts(typed)
    assert found.label == "Pause ui-builder"
    page = reverse("builders:builder", args=["ui-builder"])
    assert found.url == f"{page}#builder_pause-ui-builder"


def test_only_what_may_be_done_now_is_offered():
    HeartbeatFactory(builder=BuilderFactory(builder_id="ui-builder"), task=None, status="idle")
    assert acts("resume ui-builder") == []
    builder, soon = Builder.objects.get(pk="ui-builder"), now() + timedelta(hours=1)
    BuilderPauseFactory(builder=builder, ends_at=soon, ended_at=None)
    assert acts("resume ui-builder") == ["End the pause ui-builder"]
    assert acts("pause ui-builder") == []


def test_a_program_is_approved_by_its_name_once_its_gate_is_open():
    task = TaskFactory(
        wave__state="planned", wave__program__state="planned", wave__program__name="Island Line"
    )
    assert acts("approve island") == ["Approve “Island Line”"]
    assert acts("approve") == ["Approve “Island Line”"]
    assert acts("approve other") == []
    task.delete()  # a wave without a task: the plan is none
    assert acts("approve island") == []


def test_a_task_is_assigned_to_the_builder_that_is_named(ready):
    (found,) = find_acts("assign login to ui-builder")
    assert found.label == "Assign “Login screen” to ui-builder"
    assert found.url == f"{ready.get_absolute_url()}?choose=ui-builder#task_assign-{ready.pk}"
    assert acts("assign login") == ["Assign “Login screen”"]
    assert acts("assign") == ["Assign “Login screen”"]  # without a name, what is ready
    assert acts("assign login to qa-builder") == []  # never heard
    BlockerFactory(entity=ready)
    assert acts("assign login to ui-builder") == []


def test_blockers_and_violations_are_resolved_by_what_they_say_or_are_about():
    task = TaskFactory(name="Login screen", state="in-progress")
    blocker = BlockerFactory(entity=task, description="The key has expired.")
    violation = GovernanceViolationFactory(task=task, violation_type="test debt")
    (found,) = find_acts("resolve key expired")
    assert found.label == "Resolve “Repeated failures”"
    assert found.url == f"{task.get_absolute_url()}#blocker_resolve-{blocker.pk}"
    assert "Login screen" in found.within
    assert f"{task.get_absolute_url()}#violation_resolve-{violation.pk}" in {
        each.url for each in find_acts("resolve login")
    }
    assert acts("resolve something else") == []


def test_a_finished_program_is_archived_and_taken_out_by_its_name():
    done = ProgramFactory(name="Island Line", state="completed")
    failed = ProgramFactory(name="Island Two", state="failed")
    ProgramFactory(name="Island Three")
    blocker = BlockerFactory(entity=failed)
    (found,) = find_acts("archive island")
    assert found.label == "Archive “Island Line”"
    assert found.url == f"{done.get_absolute_url()}#program_archive-{done.pk}"
    resolve_blocker(blocker, resolution_action="Not ours.", by=UserFactory())
    assert sorted(acts("archive")) == ["Archive “Island Line”", "Archive “Island Two”"]
    archive_program(done, reason="It is over.", by=UserFactory())
    assert acts("archive island line") == []
    assert acts("unarchive") == ["Take out of the archive “Island Line”"]


def test_a_decision_is_snoozed_by_its_title_or_what_it_is_about():
    task = TaskFactory(name="Login screen", state="in-progress")
    blocker = BlockerFactory(entity=task)
    BlockerFactory(entity=TaskFactory(name="Roof", state="in-progress"))
    (found,) = find_acts("snooze login")
    key = f"blocker-task-{task.pk}-{blocker.classification}"
    assert found.url.startswith(reverse("decision", args=[key]))
    assert found.url.endswith(f"#snooze-{key}")
    assert "Login screen" in found.within
    assert len(acts("snooze")) == 2
    assert acts("snooze something else") == acts("wake login") == []
    reconcile()
    snooze(Notice.objects.get(key=key), until=None, impact=100, by=UserFactory())
    assert acts("snooze login") == []
    assert find_acts("wake login")[0].url.endswith(f"#wake-{key}")


def test_a_question_is_answered_by_its_words():
    question = QuestionFactory(question="Which field is right?")
    (found,) = find_acts("answer which field")
    assert found.url.endswith(f"#question_answer-{question.pk}")


@pytest.mark.parametrize("typed", ["", "p", "paint ui-builder", "ui-builder", "override login"])
def test_what_begins_with_no_act_offers_none(typed, ready):
    assert acts(typed) == []


def test_the_page_that_an_act_leads_to_has_its_form(person, ready):
    BlockerFactory(entity=TaskFactory(name="Roof", state="in-progress"))
    plan = TaskFactory(wave__state="planned", wave__program__state="planned").wave.program
    typed = ["pause ui-builder", "assign login", "resolve roof", f"approve {plan.name}"]
    typed += ["block login", "note login", "link login", "abandon roof", "snooze roof"]
    for text in typed:
        (found, *_) = find_acts(text)
        page, _, key = found.url.partition("#")
        assert f'id="{key}"' in person.get(page).text, text


def test_who_only_reads_is_offered_no_act(client, ready):
    ask = {"q": "pause ui-builder"}
    headers = {"HX-Request": "true", "HX-Target": "hits"}
    for role, offered in (("viewer", False), ("admin", False), ("foreman", True)):
        client.force_login(UserFactory(roles=[role]))
        for how in ({}, {"headers": headers}):
            text = client.get(reverse("search"), ask, **how).text
            assert ("#builder_pause-ui-builder" in text) is offered, role


def test_finding_an_act_does_nothing(person, ready):
    before = Evidence.objects.count()
    person.get(reverse("search"), {"q": "pause ui-builder"})
    person.get(f"{ready.get_absolute_url()}?choose=ui-builder")
    assert Evidence.objects.count() == before


def test_acts_come_before_all_else(ready):
    first, *_ = search_entities("pause ui-builder", decides=True)
    assert first.kind == "acts"
