"""What has history stays, and the page says what that history is."""

import pytest
from django.contrib.admin.models import LogEntry

from governance.models import Evidence
from programs.models import Program, Task, Wave
from tests.admin.conftest import shown_by, shows
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)

HISTORY = {
    "1 heartbeat": lambda task: HeartbeatFactory(task=task),
    "1 architecture validation": lambda task: ArchitectureValidationFactory(task=task),
    "1 QA execution": lambda task: QAExecutionFactory(task=task),
    "1 governance violation": lambda task: GovernanceViolationFactory(task=task),
    "1 builder": lambda task: BuilderFactory(current_task=task),
}
with_history = pytest.mark.parametrize("words", HISTORY)


@with_history
def test_a_task_with_history_stays(office, words):
    task = TaskFactory()
    HISTORY[words](task)
    for page in (office.client.get(office.url(task, "delete", task.pk)), office.delete(task)):
        assert page.status_code == 200
        assert page.context["protected"] == [words]
        assert shows(page, words)
    assert Task.objects.filter(pk=task.pk).exists()


@with_history
def test_what_holds_a_task_with_history_stays(office, words):
    task = TaskFactory()
    HISTORY[words](task)
    for row in (task.wave, task.wave.program):
        assert shows(office.delete(row), words)
    assert Program.objects.filter(waves__tasks=task).exists()


@with_history
def test_deletion_of_many_stops_at_history(office, words):
    task, other = TaskFactory(), TaskFactory()
    HISTORY[words](task)
    page = office.delete_selected(Task, [task, other])
    assert page.status_code == 200
    assert shows(page, words)
    assert Task.objects.filter(pk__in=[task.pk, other.pk]).count() == 2


def test_long_history_is_not_loaded_to_be_counted(office, monkeypatch):
    monkeypatch.setattr("kit.web.admin.corrections.HISTORY_COUNTED", 3)
    task = TaskFactory()
    HeartbeatFactory.create_batch(5, task=task)
    assert office.delete(task).context["protected"] == ["more than 3 heartbeats"]


def test_history_that_comes_while_the_admin_decides_is_found_too(office, monkeypatch):
    task = TaskFactory()
    HeartbeatFactory(task=task)
    page = "kit.web.admin.GovernedAdmin.get_deleted_objects"
    monkeypatch.setattr(page, lambda *args: ([], {}, set(), []))
    for attempt in (
        lambda: office.delete(task),
        lambda: office.delete_selected(Task, [task]),
    ):
        shown = office.client.get(attempt().url)
        assert shows(shown, "It has history and cannot be deleted. (rule: history)")
    assert Task.objects.filter(pk=task.pk).exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("together", [False, True])
def test_what_has_no_history_goes_and_leaves_a_trace(office, together):
    task = TaskFactory()
    entities = [task, task.wave, task.wave.program]
    program = task.wave.program
    page = office.delete_selected(Program, [program]) if together else office.delete(program)
    assert page.status_code == 302
    assert not Program.objects.filter(pk=program.pk).exists()
    for entity in entities:
        evidence = Evidence.objects.of(entity).get(action="deleted")
        assert evidence.context["user"] == "carol"


@pytest.mark.parametrize("together", [False, True])
def test_what_comes_after_the_question_does_not_go(office, together):
    wave = WaveFactory(state="planned")
    if together:
        question = office.act(Wave, "delete_selected", [wave])
        TaskFactory(wave=wave, state="planned")
        refused = office.act(Wave, "delete_selected", [wave], post="yes", **shown_by(question))
    else:
        question = office.client.get(office.url(wave, "delete", wave.pk))
        TaskFactory(wave=wave, state="planned")
        refused = office.confirm(question)
        assert refused.url == question.request["PATH_INFO"]
    assert shows(office.client.get(refused.url), "What is inside has changed meanwhile.")
    assert wave.tasks.count() == 1
    assert not LogEntry.objects.exists()
    answer = office.delete_selected(Wave, [wave]) if together else office.delete(wave)
    assert answer.status_code == 302
    assert not Wave.objects.filter(pk=wave.pk).exists()


@pytest.mark.parametrize(
    "factory",
    [
        BlockerFactory,
        GovernanceViolationFactory,
        ArchitectureValidationFactory,
        QAExecutionFactory,
    ],
)
def test_a_judgement_entered_by_mistake_goes_and_leaves_a_trace(office, factory):
    row = factory()
    assert office.delete(row, reason="A mistake.").status_code == 302
    evidence = Evidence.objects.get(action__endswith="_deleted")
    assert evidence.context["user"] == "carol"
    assert evidence.context["reason"] == "A mistake."


@pytest.mark.parametrize(
    "factory", [GovernanceViolationFactory, ArchitectureValidationFactory, QAExecutionFactory]
)
@pytest.mark.parametrize("together", [False, True])
def test_proof_is_removed_only_for_a_reason(office, factory, together):
    row = factory()
    question = office.client.get(office.url(row, "delete", row.pk))
    assert shows(question, "Reason:")
    for reason in ("", "  ", "\0"):
        response = (
            office.delete_selected(type(row), [row], reason=reason)
            if together
            else office.delete(row, reason=reason)
        )
        assert response.status_code == 302
        assert shows(
            office.client.get(response.url), "Reason:" if "\0" in reason else "Enter a reason"
        )
        assert type(row).objects.filter(pk=row.pk).exists()
    if together:
        office.delete_selected(type(row), [row], reason="Entered twice.")
    else:
        office.delete(row, reason="Entered twice.")
    assert not type(row).objects.filter(pk=row.pk).exists()
    assert Evidence.objects.latest("sequence").context["reason"] == "Entered twice."


@pytest.mark.parametrize("together", [False, True])
def test_a_wave_that_others_wait_for_stays(office, together):
    wave = WaveFactory()
    WaveFactory(program=wave.program, name="Later", dependencies=[str(wave.pk)])
    response = office.delete_selected(Wave, [wave]) if together else office.delete(wave)
    assert response.status_code == 302
    shown = office.client.get(response.url)
    assert shows(shown, 'wave "Later"')
    assert shows(shown, "(rule: programs_waves_dependencies)")
    assert Wave.objects.filter(pk=wave.pk).exists()
    assert not LogEntry.objects.exists()


def test_a_program_goes_with_waves_that_wait_for_each_other(office):
    program = ProgramFactory()
    wave = WaveFactory(program=program)
    WaveFactory(program=program, dependencies=[str(wave.pk)])
    assert office.delete(program).status_code == 302
    assert not Wave.objects.filter(program=program.pk).exists()


def test_rows_inside_another_page_are_not_deleted_there(office):
    wave = WaveFactory()
    task = TaskFactory(wave=wave)
    assert office.change(wave, **{"tasks-0-DELETE": "on"}).status_code == 302
    assert Task.objects.filter(pk=task.pk).exists()
