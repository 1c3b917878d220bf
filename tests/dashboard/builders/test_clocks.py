"""What pages say of clocks, closures, thresholds, and of builders that do not get on."""

import re
from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders.models import Builder, BuilderPause, Heartbeat
from foreman_office.dashboard.builders.track_record import presence
from kit.core.acts import act
from tests.factories import (
    BuilderFactory,
    HeartbeatFactory,
    OfficeAbsenceFactory,
    QAExecutionFactory,
    TaskFactory,
)
from tests.scenes import make_ready

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def holder(wave):
    """A builder that was given a task an hour ago, and says now that it is idle."""
    task = TaskFactory(wave=wave, state="in-progress", assigned_builder="ui-builder")
    long_ago = now() - 60 * MINUTE
    builder = BuilderFactory(current_task=task, assigned_at=long_ago, last_heartbeat=long_ago)
    HeartbeatFactory(builder=builder, task=task, status="active")
    HeartbeatFactory(builder=builder, task=task, status="idle")
    return builder


def test_idle_with_work_is_told_in_the_inbox_on_the_task_and_on_the_builder(person, holder):
    inbox = person.get("/").text
    assert "Idle with work" in inbox
    assert "It reports that it is idle, while assigned to" in inbox
    assert "Return the task to the plan" in inbox
    ends = "An active heartbeat about the task ends it."
    assert ends in person.get(holder.current_task.get_absolute_url()).text
    assert "It reports that it is idle" in person.get(holder.get_absolute_url()).text


def test_a_wrong_clock_is_named_on_the_builders_page(person, holder):
    Builder.objects.filter(pk=holder.pk).update(clock_lag=timedelta(seconds=10))
    assert "Its clock is 10 s behind." in person.get(holder.get_absolute_url()).text


@pytest.mark.parametrize("off", [timedelta(minutes=3), timedelta(seconds=-50)])
def test_a_task_tells_of_heartbeats_when_they_were_received(person, holder, off):
    task = holder.current_task
    Heartbeat.objects.all().delete()
    received = now() - 7 * MINUTE
    HeartbeatFactory(builder=holder, task=task, timestamp=received - off, received_at=received)
    content = person.get(task.get_absolute_url()).text
    assert re.search(r"<time[^>]*>7 min</time></b><span>since the last one", content)
    assert "its sender says" in content


def test_the_last_message_is_the_last_that_was_received(person, holder):
    task, received = holder.current_task, now() + timedelta(seconds=1)
    HeartbeatFactory(
        builder=holder,
        task=task,
        timestamp=received - 60 * MINUTE,
        received_at=received,
        message="said by a clock that was set back",
    )
    for address in (holder.get_absolute_url(), "/builders/"):
        assert "said by a clock that was set back" in person.get(address).text
    rows = re.findall(r"<tr>.*?</tr>", person.get(task.get_absolute_url()).text, re.DOTALL)
    told = [row for row in rows if "set back" in row or "at work" in row]
    assert "set back" in told[0]
    assert "its sender says" in told[0]


def test_a_closure_of_the_office_is_charged_to_nobody_and_marked(person, holder):
    end = now()
    began, ended = end - 40 * MINUTE, end - 10 * MINUTE
    OfficeAbsenceFactory(began_at=began, ended_at=ended)
    heard = presence(holder.pk, end - 60 * MINUTE, end)
    assert [(span.start, span.end) for span in heard.absent] == [(began, ended)]
    assert all(span.end <= began or span.start >= ended + 2 * MINUTE for span in heard.silences)
    assert "Office closed" in person.get(holder.get_absolute_url()).text


def test_a_declared_stall_goes_on_while_the_office_is_closed(person, holder):
    end = now()
    Builder.objects.filter(pk=holder.pk).update(
        state="failed", state_since=end - 40 * MINUTE, heard_at=end - 42 * MINUTE
    )
    OfficeAbsenceFactory(began_at=end - 30 * MINUTE, ended_at=end - MINUTE)
    stalled = Builder.objects.with_verdicts().get(pk=holder.pk)
    assert stalled.verdict == "silent"
    assert stalled.verdict_since == end - 40 * MINUTE


def test_an_announced_step_is_no_gap(wave):
    end = now()
    task = TaskFactory(wave=wave, state="in-progress", assigned_builder="ui-builder")
    start = end - 60 * MINUTE
    builder = BuilderFactory(current_task=task, assigned_at=start, last_heartbeat=start)
    HeartbeatFactory(builder=builder, task=task, timestamp=start, next_beat_within_seconds=1800)
    (gap,) = presence(builder.pk, start, end).silences
    assert abs(gap.start - (start + 30 * MINUTE)) < timedelta(seconds=1)


def test_the_threshold_of_a_builder_is_set_on_its_page(person, holder):
    address = f"/builders/{holder.pk}/silence-threshold/"
    assert person.post(address, {"seconds": "600"}).status_code == 302
    holder.refresh_from_db()
    assert holder.silence_threshold_seconds == 600
    assert "Silent after 600 s" in person.get(holder.get_absolute_url()).text
    person.post(address, {"seconds": ""})
    holder.refresh_from_db()
    assert holder.silence_threshold_seconds is None


def test_a_report_other_than_a_heartbeat_is_a_sign_of_life_too(wave):
    reported = now()
    start, end = reported - 60 * MINUTE, reported + 10 * MINUTE
    task = TaskFactory(wave=wave, state="in-progress", assigned_builder="ui-builder")
    builder = BuilderFactory(current_task=task, assigned_at=start, last_heartbeat=start)
    HeartbeatFactory(builder=builder, task=task, timestamp=start)
    with act(builder):
        QAExecutionFactory(task=task)
    before, after = presence(builder.pk, start, end).silences
    assert abs(before.end - reported) < MINUTE
    assert abs(after.start - (reported + 2 * MINUTE)) < MINUTE


@pytest.mark.parametrize("seconds", ["119", "0", "-1", "604801", "soon"])
def test_a_threshold_is_at_least_twice_the_interval(person, holder, seconds):
    answer = person.post(f"/builders/{holder.pk}/silence-threshold/", {"seconds": seconds})
    assert answer.status_code == 422
    holder.refresh_from_db()
    assert holder.silence_threshold_seconds is None


def test_a_pause_is_told_with_its_day(person, holder):
    answer = person.post(
        f"/builders/{holder.pk}/pause/", {"reason": "disk", "minutes": "10080"}, follow=True
    )
    until = BuilderPause.objects.get().ends_at
    assert f"paused until {until:%-d %b %Y %H:%M} UTC" in answer.text


def test_the_list_to_assign_from_offers_idle_builders_and_says_why_not_the_others(person, holder):
    task = make_ready(assigned_builder="ui-builder")
    BuilderFactory(builder_id="qa-builder")
    Builder.objects.exclude(pk__in=["qa-builder", "ui-builder"]).update(heard_at=None)
    page = person.get(task.get_absolute_url()).text
    assert page.index("qa-builder (idle)") < page.index("ui-builder (idle with work, has a task)")
    assert '<option value="ui-builder" disabled>' in page
    assert '<option value="api-builder" disabled>' in page
    assert '<option value="qa-builder" selected>' in page
