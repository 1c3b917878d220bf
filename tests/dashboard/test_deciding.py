"""Decisions by form: made in place by htmx, without script, refused, and with something missing."""

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from builders.actions import assign_task
from builders.models import Builder
from governance.models import Evidence
from kit.core.acts import act
from programs.models import Task
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    TaskFactory,
    WaveFactory,
)
from tests.scenes import green_after_work, make_ready, state_of, take_up

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def decide(client, act, entity, part=False, **data):
    return client.post(reverse(act, args=[entity.pk]), data, headers=HTMX if part else {})


def make_worked_on():
    task = make_ready()
    take_up(task)
    return task


def make_done():
    task = make_worked_on()
    green_after_work(task)
    return task


@pytest.mark.django_db(transaction=True)  # a run arrives when its transaction began: work is before
def test_a_whole_program_is_decided_upon_from_plan_to_end(person):
    task = make_ready(wave__state="planned", wave__program__state="planned")
    wave, program = task.wave, task.wave.program
    assert decide(person, "programs:program_approve", program).url == program.get_absolute_url()
    decide(person, "programs:wave_start", wave)
    decide(person, "builders:task_assign", task, builder="ui-builder")
    assert state_of(task) == "assigned"
    HeartbeatFactory(builder=BuilderFactory(), task=task, progress_percentage=50)
    green_after_work(task)
    answer = decide(person, "programs:task_complete", task, evidence_location="evidence/1/")
    assert answer.status_code == 302
    assert [state_of(entity) for entity in (task, wave, program)] == ["completed"] * 3
    users = Evidence.objects.of(task).filter(context__to="completed").values_list("context__user")
    assert users.get() == ("johan",)


def test_a_decision_in_place_is_said_and_pokes_the_parts(person):
    program = TaskFactory(wave__program__state="planned", wave__state="planned").wave.program
    answer = decide(person, "programs:program_approve", program, part=True)
    assert answer.status_code == 204
    events = json.loads(answer.headers["HX-Trigger"])
    assert str(program) in events["said"]["words"]
    assert "tick" in events


def test_a_decision_without_script_is_said_on_the_page_that_it_came_from(person):
    program = TaskFactory(wave__program__state="planned", wave__state="planned").wave.program
    answer = decide(person, "programs:program_approve", program, next="/?from=here")
    assert answer.url == "/?from=here"
    assert f"“{program}” is in progress." in person.get("/").text.replace("&quot;", '"')


def test_a_decision_never_leads_elsewhere(person):
    program = TaskFactory(wave__program__state="planned", wave__state="planned").wave.program
    answer = decide(person, "programs:program_approve", program, next="https://evil.example/")
    assert answer.url == program.get_absolute_url()


@pytest.mark.parametrize("part", [True, False])
def test_a_refusal_names_each_unmet_condition(person, part):
    task = make_worked_on()
    answer = decide(person, "programs:task_complete", task, part=part)
    assert answer.status_code == 409
    assert ("<html" in answer.text) is not part
    for words in (
        "0 of 5 tests pass",
        "The task has no evidence location",
        "governance_tasks_gate",
    ):
        assert words in answer.text
    assert state_of(task) == "in-progress"


def test_an_override_passes_the_gate_and_is_shown_for_ever(person):
    task = make_worked_on()
    answer = decide(person, "programs:task_complete", task, override="The client signed it off.")
    assert answer.status_code == 302
    assert state_of(task) == "completed"
    content = person.get(task.get_absolute_url()).text
    assert "Overridden" in content
    assert "The client signed it off." in content
    assert "In progress → Completed" in content


@pytest.mark.parametrize(
    ("act", "field"),
    [
        ("programs:task_complete", "override"),
        ("programs:task_fail", "reason"),
        ("programs:task_send_back", "reason"),
        ("programs:program_fail", "reason"),
        ("programs:wave_fail", "reason"),
        ("programs:wave_accept", "reason"),
        ("governance:blocker_resolve", "resolution"),
        ("governance:violation_resolve", "resolution"),
        ("builders:builder_pause", "reason"),
    ],
)
@pytest.mark.parametrize("part", [True, False])
def test_what_is_missing_is_asked_for(person, act, field, part):
    task = make_worked_on()
    entity = {
        "programs:task": task,
        "programs:wave": task.wave,
        "programs:program": task.wave.program,
        "governance:blocker": BlockerFactory(entity=task.wave),
        "governance:violation": GovernanceViolationFactory(),
        "builders:builder": BuilderFactory(),
    }[act.partition("_")[0]]
    answer = decide(person, act, entity, part=part, minutes=60, **{field: "  "})
    assert answer.status_code == 422
    assert "form-error" in answer.text
    assert ("<html" in answer.text) is not part


def test_what_was_typed_is_still_there(person):
    answer = decide(person, "builders:builder_pause", BuilderFactory(), minutes="x", reason="Lunch")
    assert answer.status_code == 422
    assert "Lunch" in answer.text
    assert "Select a valid choice" in answer.text


def test_resolving_says_what_was_done(person):
    task = TaskFactory(state="in-progress")
    blocker = BlockerFactory(entity=task)
    violation = GovernanceViolationFactory(task=task)
    assert state_of(task) == "blocked"
    decide(person, "governance:blocker_resolve", blocker, resolution="Suite repaired")
    decide(person, "governance:violation_resolve", violation, resolution="Reverted")
    blocker.refresh_from_db()
    violation.refresh_from_db()
    assert blocker.resolution_action == "Suite repaired"
    assert violation.resolution == "Reverted"
    assert state_of(task) == "in-progress"


def test_work_is_sent_back_with_a_reason_and_its_builder_is_free(person):
    task = make_worked_on()
    decide(person, "programs:task_send_back", task, reason="Another plan")
    assert state_of(task) == "planned"
    assert BuilderFactory(builder_id="ui-builder").current_task is None
    reasons = Evidence.objects.of(task).filter(context__reason="Another plan")
    assert [row.context["to"] for row in reasons.order_by("sequence")] == ["failed", "planned"]


def test_a_task_is_taken_back_before_it_has_begun(person):
    task = make_ready()
    decide(person, "builders:task_assign", task, builder="ui-builder")
    decide(person, "builders:task_release", task)
    assert state_of(task) == "planned"


def test_the_foreman_begins_work_of_his_own(person):
    task = TaskFactory(architecture_reference="", qa_suite_location="")
    decide(person, "programs:task_start", task)
    assert state_of(task) == "in-progress"


@pytest.mark.parametrize("make", [ProgramFactory, WaveFactory])
def test_what_is_given_up_keeps_why_and_can_be_taken_up_again(person, make):
    entity = make()
    kind = entity._meta.model_name
    decide(person, f"programs:{kind}_fail", entity, reason="The client went away")
    assert state_of(entity) == "failed"
    assert Evidence.objects.of(entity).filter(context__reason="The client went away").exists()
    TaskFactory(wave=WaveFactory(program=entity) if kind == "program" else entity)
    again = {"program": "programs:program_approve", "wave": "programs:wave_start"}[kind]
    decide(person, again, entity)
    assert state_of(entity) == "in-progress"


def test_a_builder_is_paused_and_heard_again(person):
    builder = BuilderFactory(builder_id="qa-builder")
    decide(person, "builders:builder_pause", builder, minutes=60, reason="Moving house")
    page = reverse("builders:builder_list")
    assert "Moving house" in person.get(page).text
    answer = decide(person, "builders:builder_pause", builder, minutes=60, reason="Again")
    assert answer.status_code == 409
    decide(person, "builders:builder_resume", builder)
    assert not builder.pauses.running().exists()


def test_what_is_not_there_is_not_found(person, task):
    TaskFactory()
    Task.objects.filter(pk=task.pk).delete()
    assert decide(person, "programs:task_complete", task).status_code == 404


def test_a_card_says_what_happened_what_it_holds_up_and_what_if_nothing_is_done(person):
    task = TaskFactory(state="in-progress", wave__name="Roof")
    BlockerFactory(entity=task, description="The suite tests another page.")
    content = person.get("/").text
    for words in (
        "The suite tests another page.",
        "No progress over repeated attempts",
        "Impact",
        "the last of Roof",
        "If nothing is done",
        "stays blocked",
        reverse("governance:why", args=["task", task.pk]),
    ):
        assert words in content


@pytest.mark.django_db(transaction=True)  # a run arrives when its transaction began: work is before
def test_a_completed_task_is_certified_and_its_moved_goalposts_are_named(person):
    task = make_done()
    decide(person, "programs:task_complete", task, evidence_location="evidence/")
    assert "Certified" in person.get(task.get_absolute_url()).text
    with act(None, override="the scene"):
        other = make_ready()
    red = other.qa_executions.get()
    for name, outcome in (("test_roof", "failed"), ("test_wall", "failed")):
        red.results.create(name=name, outcome=outcome)
    assign_task(other, BuilderFactory(builder_id="ui-builder"), by=None)
    HeartbeatFactory(builder=BuilderFactory(), task=other, progress_percentage=10)
    run = green_after_work(other, passing_tests=1)
    run.results.create(name="test_wall", outcome="passed")
    content = person.get(other.get_absolute_url()).text
    assert "Removed or skipped tests" in content
    assert "<code>test_roof</code>" in content
    assert "1 removed" in content
    assert "1 fixed" in content


def test_two_validations_are_compared(person, task):
    for passed, rate, ready in ((False, 50, "NOT_READY"), (True, 100, "READY")):
        ArchitectureValidationFactory(
            task=task,
            validation_results={"documents": {"design": True, "plan": passed}},
            pass_rate=rate,
            build_readiness=ready,
            validated_at=now() - timedelta(hours=2 - passed),
        )
    content = person.get(task.get_absolute_url()).text
    assert "documents: plan" in content
    assert "documents: design" not in content
    latest = str(task.validations.order_by("-validated_at")[0].pk)
    same = person.get(task.get_absolute_url(), {"before": latest, "after": latest}).text
    assert "agree on every item" in same
    assert person.get(task.get_absolute_url(), {"before": "x", "after": "y"}).status_code == 200


# --- sent back, and back to where it was ----------------------------------------------------------


def test_a_plan_is_sent_back_with_a_note_that_its_page_shows_and_evidence_keeps(person):
    program = TaskFactory(wave__program__state="planned", wave__state="planned").wave.program
    answer = decide(person, "programs:program_send_back", program, note="Too large.")
    assert answer.url == program.get_absolute_url()
    assert state_of(program) == "planned"
    page = person.get(program.get_absolute_url()).text
    assert "Sent back with a note" in page
    assert "Too large." in page
    row = Evidence.objects.of(program).get(action="plan_note_recorded")
    assert row.context["user"] == "johan"
    assert "Plan sent back" in page


def test_a_plan_is_not_sent_back_without_a_note(person):
    program = ProgramFactory(state="planned")
    answer = decide(person, "programs:program_send_back", program, note="  ")
    assert answer.status_code == 422
    assert not program.plan_notes.exists()


@pytest.mark.parametrize("make", [ProgramFactory, WaveFactory])
@pytest.mark.parametrize("before", ["planned", "in-progress"])
def test_what_is_blocked_goes_back_to_where_it_was(person, make, before):
    entity = make(state=before)
    with act(None, reason="To see it return."):
        type(entity).objects.filter(pk=entity.pk).update(state="blocked")
    kind = entity._meta.model_name
    page = person.get(entity.get_absolute_url()).text
    assert f'id="{kind}_unblock-{entity.pk}"' in page
    assert decide(person, f"programs:{kind}_unblock", entity).status_code == 302
    assert state_of(entity) == before


def test_a_task_that_arrived_blocked_goes_back_to_the_plan(person):
    task = TaskFactory(state="blocked")
    decide(person, "programs:task_unblock", task)
    assert state_of(task) == "planned"


def test_what_is_not_blocked_is_not_unblocked(person):
    program = ProgramFactory(state="completed")
    answer = decide(person, "programs:program_unblock", program)
    assert answer.status_code == 409
    assert state_of(program) == "completed"


# --- what the buttons say -------------------------------------------------------------------------


MAIN = re.compile(
    r'(?:<summary|<form class="offer"[^>]*>(?:<input[^>]*>)*<button type="submit")'
    r' class="button main-act[^"]*"[^>]*>([^<…]+)'
)


def main_acts(client, entity):
    return MAIN.findall(client.get(entity.get_absolute_url()).text)


def test_the_main_button_is_what_the_gate_allows(person):
    unready = TaskFactory()
    assert "Assign" not in main_acts(person, unready)
    ready = make_ready()
    assert "Assign" in main_acts(person, ready)


def test_what_destroys_comes_last(person):
    wave = TaskFactory().wave
    page = person.get(wave.get_absolute_url()).text
    assert "drastic" in page
    assert page.index("wave_fail-") > page.index("blocker_raise-")
    assert "Abandon" not in main_acts(person, wave)


def options(client, task):
    page = client.get(task.get_absolute_url()).text
    field = page[page.index(f'id="task_assign-{task.pk}"') :]
    field = field[field.index("<select") : field.index("</select>")]
    return re.findall(r"<option value=\"([^\"]+)\"([^>]*)>([^<]+)<", field)


def test_builders_that_can_take_a_task_come_first_and_others_say_why_not(person):
    task = make_ready(assigned_builder="qa-builder")
    Builder.objects.update(heard_at=None)
    idle = BuilderFactory(builder_id="schema-builder", state="idle")
    HeartbeatFactory(builder=idle, status="idle")
    silent = BuilderFactory(
        builder_id="qa-builder", state="active", current_task=TaskFactory(state="in-progress")
    )
    long_ago = now() - timedelta(hours=1)
    type(silent).objects.filter(pk="qa-builder").update(
        last_heartbeat=long_ago, heard_at=long_ago, assigned_at=long_ago
    )
    found = options(person, task)
    assert found[0][0] == "schema-builder"
    assert "selected" in found[0][1]
    unable = {name: (words, attributes) for name, attributes, words in found[1:]}
    words, attributes = unable["qa-builder"]
    assert words == "qa-builder (silent, has a task)"
    assert "disabled" in attributes
