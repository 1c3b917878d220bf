"""The archive: what may be put away, what stays as it is while it is, and where it is found."""

import pytest
from django.urls import reverse

from builders.actions import assign_task
from foreman_office.dashboard.inbox.pending_decisions import count_pending
from foreman_office.dashboard.inbox.views import unfinished_programs
from foreman_office.plan_files.exporting import export
from governance.models import Blocker, Evidence
from governance.replay import Replay
from kit.core.acts import Refused, act
from programs import actions
from programs.models import FINISHED, Program, State, Task, Wave
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)
from tests.scenes import past_the_rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def finished(task):
    """A completed program of one wave with one task."""
    for entity in (task, task.wave, task.wave.program):
        force(entity, "completed")
    return Program.objects.get()


@pytest.fixture
def archived(finished):
    return actions.archive_program(finished, reason="The client has it.", by=None)


def force(entity, state):
    with act(None, override="A scene."):
        type(entity).objects.filter(pk=entity.pk).update(state=state)


def post(client, program, act="archive", **sent):
    address = reverse(f"programs:program_{act}", args=[program.pk])
    return client.post(address, {"reason": "The client has it."} | sent)


# --- put away and taken out -----------------------------------------------------------------------


def test_a_foreman_puts_it_away_and_takes_it_out_with_a_reason_that_evidence_keeps(
    person, finished
):
    assert post(person, finished, reason=" ").status_code == 422
    assert post(person, finished).status_code == 302
    page = person.get(finished.get_absolute_url()).text
    assert "archived <time" in page
    assert "Take out of the archive" in page
    assert reverse("programs:program_edit", args=[finished.pk]) not in page
    assert post(person, finished, "unarchive", reason="They want more.").status_code == 302
    finished.refresh_from_db()
    assert not finished.is_archived
    acts = Evidence.objects.of(finished).filter(context__changes__has_key="archived_at")
    told = [(each.context["reason"], each.context["user"]) for each in acts.order_by("sequence")]
    assert told == [
        ("The client has it.", "johan"), ("They want more.", "johan")
    ]  # fmt: skip
    page = person.get(finished.get_absolute_url()).text
    for words in ("Archived", "The client has it.", "Taken out of the archive", "They want more."):
        assert words in page
    assert Replay().first_differences() == []


@pytest.mark.parametrize("state", [state for state in State.values if state not in FINISHED])
def test_what_is_not_finished_is_never_archived(task, state, refuses):
    program = task.wave.program
    past_the_rules(program, state=state)
    program.refresh_from_db()
    with refuses("programs_archived_at_check"):
        actions.archive_program(program, reason="Away.", by=None)
    with refuses("programs_archived_at_check"), act(None, override="By force."):
        Program.objects.update(archived_at="2026-11-20T00:00Z")


def test_without_a_reason_neither_act_is_done(finished, refuses):
    with refuses("programs_programs_archived"):
        Program.objects.update(archived_at="2026-11-20T00:00Z")
    actions.archive_program(finished, reason="Away.", by=None)
    with refuses("programs_programs_archived"):
        Program.objects.update(archived_at=None)


def test_nothing_may_be_under_way_or_open_in_it(person, task):
    program = task.wave.program
    past_the_rules(program, state="failed")
    assign_task(task, BuilderFactory(), by=None, override="A scene.")
    other = TaskFactory(wave=task.wave)
    BlockerFactory(entity=other)
    GovernanceViolationFactory(task=other)
    answer = post(person, program)
    assert answer.status_code == 409
    assert "1 task of it is assigned or in progress." in answer.text
    with pytest.raises(Refused) as caught:
        actions.archive_program(program, reason="Away.", by=None)
    assert {each["rule"] for each in caught.value.unmet} == {"nothing_under_way", "nothing_open"}
    with pytest.raises(Refused), act(None, override="By force."):
        actions.archive_program(program, reason="Away.", by=None)
    program.refresh_from_db()
    assert not program.is_archived


def test_an_abandoned_program_with_planned_work_may_be_archived(task):
    force(task.wave.program, "failed")
    program = actions.archive_program(Program.objects.get(), reason="Away.", by=None)
    assert program.is_archived
    assert count_pending().total == 0


# --- while it is archived -------------------------------------------------------------------------


def test_nothing_of_it_is_changed_until_it_is_taken_out(archived, refuses, sql):
    wave, task = Wave.objects.get(), Task.objects.get()
    for rows, change in (
        (Program.objects, {"name": "Another"}),
        (Program.objects, {"state": "in-progress"}),
        (Program.objects, {"due_on": "2026-12-24"}),
        (Program.objects, {"archived_at": None, "name": "Another"}),
    ):
        with refuses("programs_programs_archived"), act(None, override="By force.", reason="So."):
            rows.update(**change)
    for rows, change in (
        (Wave.objects, {"name": "Another"}),
        (Wave.objects, {"state": "in-progress"}),
        (Task.objects, {"name": "Another"}),
        (Task.objects, {"state": "planned"}),
        (Task.objects, {"due_on": "2026-12-24"}),
        (Task.objects, {"assigned_builder": "ui-builder"}),
    ):
        with refuses("programs_plan_archived"), act(None, override="By force.", reason="So."):
            rows.filter(pk__in=[wave.pk, task.pk]).update(**change)
    with refuses("programs_plan_enters_archived"), act(None, override="By force."):
        WaveFactory(program=archived, state="completed")
    with refuses("programs_plan_enters_archived"), act(None, override="By force."):
        TaskFactory(wave=wave, state="completed")
    with refuses("programs_plan_archived"):
        sql("DELETE FROM tasks")
    with refuses("programs_programs_archived"):
        sql("DELETE FROM programs")
    stranger = TaskFactory()
    with refuses("programs_plan_archived"), act(None, override="By force."):
        Task.objects.filter(pk=stranger.pk).update(wave=wave)
    for entity in (archived, wave, task):
        with refuses("governance_blockers_unarchived"), act(None, override="By force."):
            BlockerFactory(entity=entity)
    assert not Blocker.objects.exists()
    actions.unarchive_program(archived, reason="So.", by=None)
    actions.edit(Program.objects.get(pk=archived.pk), name="Another", by=None)


def test_the_form_of_an_archived_plan_says_why_it_is_refused(person, archived):
    answer = person.post(
        reverse("programs:wave_edit", args=[Wave.objects.get().pk]),
        {"name": "Another", "sequence_number": 9},
    )
    assert answer.status_code == 422
    assert "is archived: take it out of the archive first." in answer.text


def test_it_is_whole_in_the_record(person, archived):
    task = Task.objects.get()
    for entity in (archived, task.wave, task):
        assert person.get(entity.get_absolute_url()).status_code == 200
    evidence = person.get("/evidence/", {"within": f"program:{archived.pk}"})
    assert "Archived" in evidence.text
    with export(archived) as file:
        assert archived.name in file.read().decode()
    assert Replay().first_differences() == []


# --- where it is found ----------------------------------------------------------------------------


def test_it_is_out_of_lists_and_selects_and_found_by_the_filter(person, archived):
    other = TaskFactory()
    task = Task.objects.get(wave__program=archived)

    def names(where, **asked):
        return {row.pk for row in person.get(where, asked).context["listing"].rows}

    assert names("/programs/") == {other.wave.program_id}
    assert names("/programs/", archived="only") == {archived.pk}
    assert names("/programs/", archived="all") == {archived.pk, other.wave.program_id}
    assert names("/tasks/") == {other.pk}
    assert names("/tasks/", archived="only") == {task.pk}
    assert names("/tasks/", archived="all") == {task.pk, other.pk}
    assert names("/tasks/", program=archived.pk) == {task.pk}
    assert names("/tasks/", wave=task.wave_id) == {task.pk}
    tokens, badges = reverse("builders:ci_token_list"), reverse("builders:badge_list")
    for where in ("/tasks/", "/blockers/", tokens, badges):
        page = person.get(where).text
        assert f'value="{other.wave.program_id}"' in page, where
        assert f'value="{archived.pk}"' not in page, where
    assert f'value="{archived.pk}" selected' in person.get("/tasks/", {"program": archived.pk}).text
    assert archived not in unfinished_programs()
    found = person.get("/blockers/new/", {"q": archived.name}).text
    assert archived.get_absolute_url() not in found


def test_a_viewer_reads_it_and_decides_nothing(client, archived):
    client.force_login(UserFactory(roles=["viewer"]))
    assert "Take out of the archive" not in client.get(archived.get_absolute_url()).text
    assert post(client, archived, "unarchive").status_code == 403
