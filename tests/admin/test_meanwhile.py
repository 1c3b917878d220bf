"""Records that two correct at once, times of a repeated hour, and bulk acts on what was shown."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from builders.actions import issue_token
from builders.models import BuilderToken
from governance.models import GovernanceViolation
from kit.web.admin import bulk_acts
from programs.models import Program, Task, Wave
from tests.admin.conftest import posted
from tests.factories import (
    BuilderFactory,
    GovernanceViolationFactory,
    ProgramFactory,
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db
REPEATED = datetime(2026, 10, 25, 0, 30, 0, 123456, UTC)

WHY = {"reason": "A slip."}


def test_a_correction_leaves_what_another_saved_meanwhile(office):
    task = TaskFactory(name="Old", acceptance_criteria="one")
    older = posted(office.open(task))
    Task.objects.filter(pk=task.pk).update(acceptance_criteria="two")
    answer = office.client.post(office.url(Task, "change", task.pk), older | {"name": "New"} | WHY)
    assert answer.status_code == 302
    task.refresh_from_db()
    assert (task.name, task.acceptance_criteria) == ("New", "two")


def test_what_two_have_corrected_comes_back_with_both_values(office):
    program = ProgramFactory(name="Old")
    older = posted(office.open(program)) | {"name": "Mine"} | WHY
    Program.objects.filter(pk=program.pk).update(name="Theirs")
    where = office.url(Program, "change", program.pk)
    back = office.client.post(where, older)
    assert back.status_code == 422
    assert "<b>Yours:</b> Mine" in back.text
    assert "<b>Saved meanwhile:</b> Theirs" in back.text
    [conflict] = back.context["adminform"].form.conflicts.values()
    choice = {conflict.choice: f"mine:{conflict.version}"}
    assert office.client.post(where, posted(back) | choice).status_code == 302
    assert Program.objects.get().name == "Mine"


def test_a_row_inside_its_parent_keeps_what_another_saved(office):
    wave = WaveFactory(name="Old", sequence_number=3)
    older = posted(office.open(wave.program))
    Wave.objects.filter(pk=wave.pk).update(name="Theirs")
    where = office.url(Program, "change", wave.program.pk)
    answer = office.client.post(where, older | {"waves-0-sequence_number": "5"} | WHY)
    assert answer.status_code == 302
    wave.refresh_from_db()
    assert (wave.name, wave.sequence_number) == ("Theirs", 5)


@pytest.mark.parametrize("hour", [0, 1])
def test_a_moment_of_the_repeated_hour_stays_to_the_microsecond(office, hour):
    moment = REPEATED.replace(hour=hour)
    task = TaskFactory(name="Old", state="in-progress")
    Task.objects.filter(pk=task.pk).update(started_at=moment)
    office.client.cookies["zone"] = "Europe/Berlin"
    page = office.open(task)
    assert f"02:30:00.123456+0{2 - hour}:00" in page.text
    assert office.change(task, name="New", reason="A typo.").status_code == 302
    task.refresh_from_db()
    assert (task.name, task.started_at) == ("New", moment)


def test_a_repeated_hour_is_entered_with_its_distance_from_utc(office):
    violation = GovernanceViolationFactory()
    office.client.cookies["zone"] = "Europe/Berlin"
    when = {"detected_at_0": "2026-10-25", "detected_at_1": "02:30:00", "reason": "It was late."}
    back = office.change(violation, **when)
    assert "Enter 02:30:00+02:00 or 02:30:00+01:00." in back.text
    office.change(violation, **when | {"detected_at_1": "02:30:00+01:00"})
    violation.refresh_from_db()
    assert violation.detected_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_only_what_was_shown_is_resolved(office):
    GovernanceViolationFactory.create_batch(2, violation_type="vv")
    where = office.url(GovernanceViolation, "changelist") + "?q=vv"
    first = GovernanceViolation.objects.first()
    data = {"action": "resolve", "select_across": "1", "_selected_action": [str(first.pk)]}
    page = office.client.post(where, data)
    assert page.context["count"] == 2
    late = GovernanceViolationFactory(violation_type="vv")
    carried = {}
    for name, value in page.context["carried"]:
        carried.setdefault(name, []).append(value)
    office.client.post(where, carried | {"resolution": "Fixed."})
    assert GovernanceViolation.objects.get(resolved_at=None) == late


def test_more_than_can_be_acted_on_at_once_is_said(office, monkeypatch):
    monkeypatch.setattr(bulk_acts, "ACTED_ON_AT_MOST", 2)
    rows = GovernanceViolationFactory.create_batch(3)
    page = office.act(GovernanceViolation, "resolve", rows[:1], select_across="1")
    assert (page.context["count"], page.context["left"]) == (2, 1)
    assert "1 more match." in page.text


def test_tokens_across_pages_are_revoked_after_a_question(office, admin_user):
    builder = BuilderFactory()
    token, _ = issue_token(builder, by=admin_user)
    page = office.act(BuilderToken, "revoke", [token], select_across="1")
    assert page.context["count"] == 1
    late, _ = issue_token(builder, by=admin_user)
    carried = dict(page.context["carried"])
    office.client.post(reverse("admin:builders_buildertoken_changelist"), carried)
    assert BuilderToken.objects.get(revoked_at=None) == late
