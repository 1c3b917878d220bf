"""Why a task is not well: each kind of trouble says what happened, since when, what ends it."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders.actions import assign_task
from builders.models import Builder
from foreman_office.dashboard.explain.problems import blocker_problem, consequence, problems_of
from governance.watch import declare_stalls
from kit.core.acts import act
from programs.actions import fail
from programs.history import recording
from programs.models import Program, Task, Wave
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    CompletionClaimFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def causes(task):
    return problems_of(Task.objects.get(pk=task.pk))


def held(**fields):
    """A task assigned to a builder that began long ago."""
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder")
    BuilderFactory(current_task=task, state="active")
    long_ago = now() - timedelta(hours=2)
    Builder.objects.filter(pk="ui-builder").update(
        **{"assigned_at": long_ago, "last_heartbeat": long_ago, "heard_at": long_ago} | fields
    )
    return task


def test_a_task_that_is_well_has_no_cause(task):
    assert causes(task) == []


def test_an_open_blocker_says_to_what_its_end_returns_the_task():
    task = TaskFactory(state="in-progress")
    blocker = BlockerFactory(entity=task)
    (cause,) = causes(task)
    assert (cause.title, cause.since) == ("Blocker: repeated failures", blocker.detected_at)
    assert "Three runs in a row" in cause.happened
    assert cause.remedy == "Resolve the blocker. The task is then in progress again."
    assert [offer.label for offer in cause.offers] == ["Resolve"]


def test_the_last_of_two_blockers_ends_it():
    task = TaskFactory(state="in-progress")
    BlockerFactory(entity=task)
    BlockerFactory(entity=task, classification="protected_path")
    assert {cause.remedy for cause in causes(task)} == {
        "Resolve all blockers. The task is then in progress again."
    }


def test_a_violation_speaks_for_the_blocker_that_it_raised():
    task = TaskFactory(state="in-progress")
    GovernanceViolationFactory(task=task)
    (cause,) = causes(task)
    assert cause.title == "Violation: test debt"


def test_a_violation_on_a_completed_task_is_still_a_cause():
    task = TaskFactory(state="completed")
    GovernanceViolationFactory(task=task)
    (cause,) = causes(task)
    assert "stays completed" in cause.otherwise


def test_a_stall_is_said_once_and_ends_with_a_heartbeat():
    task = held()
    assert len(declare_stalls()) == 1
    (cause,) = causes(task)
    assert cause.look == "silent"
    assert "Wait for a heartbeat of ui-builder" in cause.remedy


def test_silence_is_a_cause_before_it_is_declared_a_stall():
    task = held()
    HeartbeatFactory(task=task, timestamp=now() - timedelta(hours=1), message="Rebasing")
    (cause,) = causes(task)
    assert (cause.title, str(cause.entity)) == ("Silent builder", "ui-builder")
    assert "“Rebasing”" in cause.happened
    assert [offer.label for offer in cause.offers] == ["Pause", "Silence threshold"]


def test_a_builder_that_says_it_is_blocked_is_a_cause_in_its_own_words():
    task = held()
    HeartbeatFactory(task=task, status="blocked", message="No access to the broker")
    (cause,) = causes(task)
    assert (cause.look, cause.title) == ("waiting", "Waiting builder")
    assert "No access to the broker" in cause.happened


def test_ten_beats_that_say_the_same_are_a_cause():
    task = held()
    for number in range(10):
        HeartbeatFactory(task=task, timestamp=now() - timedelta(seconds=10 - number))
    (cause,) = causes(task)
    assert cause.look == "spinning"


def test_a_refused_claim_names_what_was_unmet():
    task = held()
    HeartbeatFactory(task=task, timestamp=now() + timedelta(seconds=1))
    CompletionClaimFactory(
        task=task,
        conditions=[
            {"rule": "suite_green", "met": False, "detail": "0 of 5 tests pass."},
            {"rule": "no_debt", "met": True, "detail": "None."},
        ],
    )
    (cause,) = causes(task)
    assert "1 of 2 conditions were met" in cause.happened
    assert [each.condition.rule for each in cause.conditions] == ["suite_green"]


def test_a_failed_task_says_who_gave_it_up_and_why():
    task = TaskFactory()
    ArchitectureValidationFactory(task=task)
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    builder = BuilderFactory(state="idle")
    assign_task(task, builder, by=None)
    HeartbeatFactory(builder=builder, task=task, timestamp=now() + timedelta(seconds=1))
    fail(Task.objects.get(pk=task.pk), reason="Another plan", by=UserFactory(username="johan"))
    (cause,) = causes(task)
    assert (cause.title, cause.happened) == (
        "Failed task",
        "Abandoned by johan. “Another plan”",
    )


def test_blocked_for_no_reason_is_said_to_be_so():
    task = TaskFactory(state="blocked")
    (cause,) = causes(task)
    assert "No open blocker" in cause.happened


def test_a_blocked_wave_or_program_holds_up_its_tasks(task):
    with act(None, override="the scene"):
        Wave.objects.filter(pk=task.wave_id).update(state="blocked")
    (cause,) = causes(task)
    assert (cause.title, cause.entity) == ("Its wave is blocked", task.wave)


def test_idle_with_a_task_that_has_begun_is_a_cause_with_a_way_out():
    task = held(state="idle")
    HeartbeatFactory(task=task, status="idle", message="Nothing to do")
    Builder.objects.filter(pk="ui-builder").update(state="idle", last_heartbeat=now())
    (cause,) = causes(task)
    assert (cause.kind, cause.look) == ("idle", "idle-with-work")
    assert "“Nothing to do”" in cause.happened
    assert "the task back" in cause.remedy


@pytest.mark.parametrize(
    ("state", "follows"),
    [
        ("planned", "cannot be assigned"),
        ("in-progress", "cannot be completed"),
        ("blocked", "stays blocked"),
        ("completed", "stays completed"),
    ],
)
def test_what_follows_is_said_of_the_state_of_the_entity(state, follows):
    task = TaskFactory(state=state)
    assert follows in consequence(task)


def test_an_imported_blocker_says_no_more_of_a_program_than_its_state(imported_blocker):
    blocker, program = imported_blocker
    problem = blocker_problem(blocker, program)
    assert problem.otherwise == "It stays in progress, and cannot be completed."


@pytest.fixture
def imported_blocker():
    program = ProgramFactory(state="in-progress")
    with recording("history"):
        blocker = BlockerFactory(entity=program)
    Program.objects.filter(pk=program.pk).update(state="in-progress")
    program.refresh_from_db()
    return blocker, program


# --- on the page ----------------------------------------------------------------------------------


@pytest.fixture
def foreman(client):
    client.force_login(UserFactory())
    return client


def test_the_page_opens_at_the_cause_with_what_may_be_done(foreman):
    task = TaskFactory(state="in-progress")
    BlockerFactory(entity=task)
    content = foreman.get(task.get_absolute_url()).text
    assert content.index(">Problem<") < content.index("Cannot resume yet")
    assert content.index("Unblock") < content.index("Cannot resume yet")
    assert content.count(f'id="task_fail-{task.pk}"') == 1


def test_what_is_wrong_is_hidden_while_nothing_is(foreman, task):
    content = foreman.get(task.get_absolute_url()).text
    assert ">Problem<" not in content
    assert content.count('id="trouble"') == 1


def test_one_who_reads_sees_the_cause_and_no_act(client):
    task = TaskFactory(state="in-progress")
    BlockerFactory(entity=task)
    client.force_login(UserFactory(roles=["viewer"]))
    content = client.get(task.get_absolute_url()).text
    assert ">Problem<" in content
    assert 'class="offer"' not in content


def test_the_page_says_what_the_builder_is_told(foreman):
    task = TaskFactory(assigned_builder="ui-builder")
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    content = foreman.get(task.get_absolute_url()).text
    assert "Instructions for the builder" in content
    assert "Build to Green: make tests/escalation/ pass as a whole (5 of its 5 tests" in content
