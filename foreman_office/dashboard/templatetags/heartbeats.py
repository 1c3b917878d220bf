"""Tags of heartbeats over time, with the silences between them."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django import template
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.dashboard.builders.heartbeat_chart import (
    DAY,
    HOUR,
    count_beats,
    draw_strip,
    since_first_beat,
    window_of,
)
from foreman_office.dashboard.builders.track_record import presence, silences_of
from kit.web.time_axis import TimeSpan
from programs.models import Task

register = template.Library()

GAPS_LISTED = 10


@register.inclusion_tag("components/beats.html")
def task_beats(task: Task, last: datetime) -> dict[str, Any]:
    """Draw the latest beats on a task, up to now or, where work has ended, to the last."""
    going_on = task.state in (Task.State.ASSIGNED, Task.State.IN_PROGRESS, Task.State.BLOCKED)
    end = now() if going_on else last
    label = "Recent" if going_on else "Before the work ended"
    window = window_of(label, task.started_at or end - HOUR.length, end)
    return {
        "strip": draw_strip(
            count_beats(task.heartbeat_minutes.all(), window, end),
            window,
            end,
            key="beats-lately",
            silences=silences_of(task, end - window.length, end),
            progress=True,
        )
    }


@register.inclusion_tag("components/attendance.html")
def attendance(builder: Builder) -> dict[str, Any]:
    """Draw a builder's beats of the last hour and the last day, and list the gaps of the day."""
    end = now()
    heard = presence(builder.pk, end - DAY.length, end)
    strips = []
    for whole in (HOUR, DAY):
        buckets = count_beats(builder.heartbeat_minutes.all(), whole, end)
        window = since_first_beat(builder.heartbeats.all(), whole, buckets, end)
        strip = draw_strip(
            buckets,
            window,
            end,
            key=f"beats-{window.key}",
            silences=seconds_within(heard.silences, end - window.length),
            paused=seconds_within(heard.paused, end - window.length),
            absent=seconds_within(heard.absent, end - window.length),
        )
        strips.append(strip)
    gaps = [Gap(*span, span.end - span.start, span.end == end) for span in heard.silences[::-1]]
    return {
        "builder": builder,
        "strips": strips,
        "gaps": gaps[:GAPS_LISTED],
        "number": len(gaps),
        "heard": heard,
        "threshold": builder.threshold_seconds,
    }


class Gap(NamedTuple):
    start: datetime
    end: datetime
    length: timedelta
    goes_on: bool


def seconds_within(spans: list[TimeSpan], start: datetime) -> list[TimeSpan]:
    return [TimeSpan(max(span.start, start), span.end) for span in spans if span.end > start]


@register.inclusion_tag("components/beats.html")
def last_hour(builder: Builder) -> dict[str, Any]:
    """Draw a builder's beats of the last hour."""
    end = now()
    heard = presence(builder.pk, end - HOUR.length, end)
    counted = count_beats(builder.heartbeat_minutes.all(), HOUR, end)
    key = f"beats-{builder.pk}"
    return {
        "strip": draw_strip(
            counted, HOUR, end, key=key, silences=heard.silences, paused=heard.paused
        )
    }
