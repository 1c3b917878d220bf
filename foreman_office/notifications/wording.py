"""What a message says: its subject, its text, and the same as data for a webhook."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.timezone import now

from governance.models import Delivery, Notice
from kit.web.templatetags.numbers import some

NOTED = 1000  # decisions of each kind that are noted, the oldest first
LISTED = 20  # decisions that a message for many lists
LISTED_AS_DATA = 100  # and that a webhook has
LONGEST_SUBJECT = 180
WINDOW = 20  # minutes of which it is said how often something came
Reason = Delivery.Reason


@dataclass(frozen=True)
class Message:
    subject: str
    body: str
    data: list[dict[str, Any]]
    left_out: int = 0  # of the decisions, from the data


def compose(delivery: Delivery, notices: list[Notice], zone: ZoneInfo) -> Message:
    """Return what a delivery says of the decisions that are still pending."""
    if delivery.reason == Reason.TEST:
        subject = "Test message of Foreman Office"
        body = f"This is a test of “{delivery.addressee}”. Nothing is wrong."
        return Message(subject, f"{body}\n\n{link('')}".rstrip(), [])
    if delivery.reason == Reason.HANDOVER:  # written as it was asked for
        return Message(delivery.subject, delivery.body, [])
    data = [decision_data(notice) for notice in notices[:LISTED_AS_DATA]]
    if len(notices) == 1 and delivery.reason != Reason.DIGEST:
        return Message(
            subject_line(subject_of(delivery, notices[0])),
            body_of(delivery, notices[0], zone),
            data,
        )
    return Message(
        subject_line(subject_of_many(delivery, notices)),
        body_of_many(notices, zone),
        data,
        len(notices) - len(data),
    )


def subject_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


def subject_of(delivery: Delivery, notice: Notice) -> str:
    """Return the entity, what changed, and why it is told."""
    about = f"{notice.entity_name}: " if notice.entity_name else ""
    match delivery.reason:
        case Reason.WORSENED:
            return f"Worse: {about}{notice.title}, now holds up {notice.impact_words}"
        case Reason.REPEATED:
            return f"Reminder: {about}{notice.title}, not acknowledged yet"
        case Reason.ASSIGNED:
            return f"Assigned to {notice.assigned_to}: {about}{notice.title}"
        case Reason.ESCALATED:
            return f"Not acknowledged: {about}{notice.title}"
        case Reason.RETURNED:
            return f"Again: {about}{notice.title}{how_often(notice)}"
    band = "Broken now" if notice.broken else "To decide"
    return f"{band}: {about}{notice.title}{how_often(notice)}"


def how_often(notice: Notice) -> str:
    times = len(notice.openings)
    return f" ({times} times in {WINDOW} min)" if times > 1 else ""


def body_of(delivery: Delivery, notice: Notice, zone: ZoneInfo) -> str:
    lines = [
        notice.happened,
        f"Since: {local_words(notice.since, zone)}{how_often(notice)}",
        f"Holds up: {notice.impact_words}",
        f"If nothing is done: {notice.otherwise}",
        f"What can be done: {notice.remedy}",
    ]
    if delivery.reason == Reason.ESCALATED:
        lines.append("Others were told before, and nobody has acknowledged it.")
    if notice.assigned_to:
        lines.append(f"Assigned to {notice.assigned_to} by {notice.assigned_by}.")
    return "\n".join([*(line for line in lines if line), "", link(notice.key)]).rstrip()


def subject_of_many(delivery: Delivery, notices: list[Notice]) -> str:
    broken = sum(notice.broken for notice in notices)
    waiting = len(notices) - broken
    parts = [f"{at_least(broken)}{broken} broken"] if broken else []
    parts += [f"{at_least(waiting)}{some(waiting, 'decision')} to take"] if waiting else []
    what = "Daily digest" if delivery.reason == Reason.DIGEST else delivery.get_reason_display()
    return f"{what}: {', '.join(parts)}"


def at_least(number: int) -> str:
    """Return what stands before a number of which there may be more than are noted."""
    return "at least " if number >= NOTED else ""


def body_of_many(notices: list[Notice], zone: ZoneInfo) -> str:
    lines = []
    for notice in notices[:LISTED]:
        band = "Broken now" if notice.broken else "To decide"
        owner = f"; {notice.acknowledged_by} has it" if notice.acknowledged_by else ""
        owner += f"; assigned to {notice.assigned_to}" if notice.assigned_to else ""
        owner += snooze_words(notice, zone)
        lines.append(f"- {band}: {notice}, since {local_words(notice.since, zone)}{owner}")
        if address := link(notice.key):
            lines.append(f"  {address}")
    if more := len(notices) - LISTED:
        lines += [f"And {more} more."] if more > 0 else []
    return "\n".join([*lines, "", link("")]).rstrip()


def snooze_words(notice: Notice, zone: ZoneInfo) -> str:
    if not notice.is_snoozed(now()):
        return ""
    until = notice.snoozed_until
    until_when = local_words(until, zone) if until else "it gets worse"
    return f"; snoozed by {notice.snoozed_by} until {until_when}"


def local_words(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%-d %b %Y, %H:%M %Z")


def link(key: str) -> str:
    """Return the absolute address of a decision, or of all; empty without FOREMAN_URL."""
    if not settings.FOREMAN_URL:
        return ""
    path = reverse("decision", args=[key]) if key else reverse("inbox")
    return settings.FOREMAN_URL.rstrip("/") + path


def decision_data(notice: Notice) -> dict[str, Any]:
    """Return a decision as a webhook has it."""
    return {
        "key": notice.key,
        "kind": notice.kind,
        "band": "broken" if notice.broken else "waiting",
        "title": notice.title,
        "entity_type": notice.entity_type or None,
        "entity_id": notice.entity_id or None,
        "entity": notice.entity_name or None,
        "program_id": str(notice.program_id) if notice.program_id else None,
        "since": notice.since.isoformat(),
        "happened": notice.happened,
        "impact": notice.impact_words,
        "if_nothing_is_done": notice.otherwise,
        "what_can_be_done": notice.remedy,
        "times": len(notice.openings),
        "acknowledged_by": notice.acknowledged_by or None,
        "assigned_to": notice.assigned_to or None,
        "link": link(notice.key) or None,
    }
