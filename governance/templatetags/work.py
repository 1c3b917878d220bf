"""What pages of tasks and builders show of the judgement: causes, instructions, records."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django import forms, template
from django.conf import settings
from django.template.context import RequestContext
from django.utils.timezone import now

from builders.beats import DAY, HOUR, count_beats, draw_strip, window_of
from builders.models import Builder
from foreman_office.kit.charts import Span
from foreman_office.kit.roles import may_decide
from governance import instruction, offers
from governance.causes import causes_of
from governance.record import Record, presence, silences_of
from governance.templatetags.governance import shared
from governance.why import Derivation, derive
from programs.models import Task

register = template.Library()

GAPS_LISTED = 10
TOKENS_LISTED = 10


@register.inclusion_tag("components/causes.html", takes_context=True)
def causes(context: RequestContext, task: Task) -> dict[str, Any]:
    """Show why a task is not well, with what may be done about it."""
    decides, found = may_decide(context["request"]), causes_of(task)
    acts = [*offers.offers_on(task), *offers.offers_to_object(task)] if found and decides else []
    return {
        "task": task,
        "causes": found,
        "decides": decides,
        "acts": acts,
        "topics": f"task:{task.pk} beat:{task.pk} wave program",
        **shared(context),
    }


@register.inclusion_tag("components/instruction.html")
def instructed(task: Task) -> dict[str, Any]:
    """Show what the builder of a task is told, as the API tells it."""
    suite = instruction.suite_of(task)
    return {
        "task": task,
        "words": instruction.in_words(task, suite),
        "suite": suite,
        "architecture": instruction.architecture_of(task),
        "more": max(0, suite.failing_tests - len(suite.failing)) if suite.failing else 0,
    }


@register.inclusion_tag("components/beats.html")
def task_beats(task: Task, last: datetime) -> dict[str, Any]:
    """Draw the latest beats on a task, up to now or, where work has ended, to the last."""
    going_on = task.state in (Task.State.ASSIGNED, Task.State.IN_PROGRESS, Task.State.BLOCKED)
    end = now() if going_on else last
    label = "Lately" if going_on else "At the end of the work"
    window = window_of(label, task.started_at or end - HOUR.length, end)
    return {
        "strip": draw_strip(
            count_beats(task.heartbeats.all(), window, end),
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
    strips = [
        draw_strip(
            count_beats(builder.heartbeats.all(), window, end),
            window,
            end,
            key=f"beats-{window.key}",
            silences=within(heard.silences, end - window.length),
            paused=within(heard.paused, end - window.length),
        )
        for window in (HOUR, DAY)
    ]
    gaps = [Gap(*span, span.end - span.start, span.end == end) for span in heard.silences[::-1]]
    return {
        "builder": builder,
        "strips": strips,
        "gaps": gaps[:GAPS_LISTED],
        "number": len(gaps),
        "heard": heard,
        "threshold": settings.FOREMAN_SILENCE_THRESHOLD_SECONDS,
    }


class Gap(NamedTuple):
    start: datetime
    end: datetime
    length: timedelta
    goes_on: bool


def within(spans: list[Span], start: datetime) -> list[Span]:
    return [Span(max(span.start, start), span.end) for span in spans if span.end > start]


@register.inclusion_tag("components/beats.html")
def last_hour(builder: Builder) -> dict[str, Any]:
    """Draw a builder's beats of the last hour."""
    end = now()
    heard = presence(builder.pk, end - HOUR.length, end)
    counted = count_beats(builder.heartbeats.all(), HOUR, end)
    key = f"beats-{builder.pk}"
    return {
        "strip": draw_strip(
            counted, HOUR, end, key=key, silences=heard.silences, paused=heard.paused
        )
    }


@register.inclusion_tag("components/tokens.html", takes_context=True)
def tokens(context: RequestContext, builder: Builder) -> dict[str, Any]:
    """Show the tokens of a builder, and let whoever decides issue and revoke them."""
    rows = list(builder.tokens.order_by("-created_at")[:TOKENS_LISTED])
    decides = may_decide(context["request"])
    for row in rows:
        row.offers = []
        if decides and row.revoked_at is None:
            row.offers = [offers.offer(row, "builders:token_revoke", "Revoke", forms.Form)]
    issue = offers.offer(builder, "builders:builder_issue_token", "Issue a token")
    return {"tokens": rows, "issue": [issue] if decides else [], **shared(context)}


@register.simple_tag
def derivation_of(builder: Builder) -> Derivation:
    return derive(builder)


@register.simple_tag
def record_of(builder: Builder) -> Record:
    return Record(builder, now())
