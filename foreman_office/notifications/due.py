"""What is to be said now, to whom, and why: one message for each, or one for many at once."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Max, Min

from foreman_office.notifications.assigned import assigned_messages
from foreman_office.notifications.queue import defer_all
from foreman_office.notifications.rules import (
    DueMessage,
    RuleInForce,
    Target,
    covers,
    rules_in_force,
    told_for,
)
from foreman_office.notifications.scopes import OrganisationScope
from governance.models import Delivery, Notice, NotificationRule

FOLDED = 3  # more decisions than these for one addressee at once are one message
SEVERAL_TIMES = 3  # that it came within the time of flapping: it is told at once
QUIET_AFTER_TOLD = timedelta(minutes=20)  # what comes again within it is not told anew

Reason = Delivery.Reason


class WhenTold(NamedTuple):
    """When an addressee was told of a notice, first and last."""

    first: datetime
    last: datetime


def queue_due_messages(at: datetime) -> int:
    """Create the deliveries that are due and queue them, in the transaction under way."""
    rules = rules_in_force()
    notices = list(Notice.objects.open().order_by("-broken", "opened_at", "pk")) if rules else []
    if not notices:
        return 0
    messages = [*due_messages(rules, notices, told_of(notices), at)]
    rows = Delivery.objects.bulk_create(
        Delivery(
            reason=message.reason,
            rule=message.row,
            channel=message.target.channel,
            user=message.target.user,
            target=message.target.key,
            addressee=message.target.words,
            organisation_id=message.organisation,
            queued_at=at,
            due_at=at,
        )
        for message in messages
    )
    through = Delivery.notices.through
    through.objects.bulk_create(
        through(delivery_id=row.pk, notice_id=notice.pk)
        for row, message in zip(rows, messages, strict=True)
        for notice in message.notices
    )
    return defer_all((row.pk, row.queued_at) for row in rows)


def told_of(notices: list[Notice]) -> dict[tuple[int, str], WhenTold]:
    """Return, by notice and addressee, when messages were queued that were not suppressed."""
    of_notices = Delivery.notices.through.objects.filter(
        notice__in=notices, delivery__state__in=["queued", "sent", "failed"]
    ).exclude(delivery__reason__in=[Reason.DIGEST, Reason.TEST])
    rows = of_notices.values_list("notice_id", "delivery__target").annotate(
        Min("delivery__queued_at"), Max("delivery__queued_at")
    )
    return {(notice, target): WhenTold(first, last) for notice, target, first, last in rows}


def due_messages(
    rules: list[RuleInForce],
    notices: list[Notice],
    told: dict[tuple[int, str], WhenTold],
    at: datetime,
) -> Iterator[DueMessage]:
    """Yield the messages; those to one addressee for one reason are folded where they are many.

    What is of two organisations is never one message: each has its own record of what was sent.
    """
    found: dict[tuple[str, str, UUID | None], DueMessage] = {}
    said: set[tuple[str, int]] = set()  # an addressee is told of a notice once in a sweep
    for message in assigned_messages(rules, notices, at):
        said |= {(message.target.key, notice.pk) for notice in message.notices}
        yield message
    for rule in rules:
        for notice in notices:
            for target, reason, scope in reasons(rule, notice, told, at):
                if (target.key, notice.pk) not in said:
                    said.add((target.key, notice.pk))
                    of = told_for(scope, notice)
                    one = DueMessage(target, reason, rule.row, [], of)
                    found.setdefault((target.key, reason, of), one).notices.append(notice)
    for message in found.values():
        about = message.notices
        for part in [about] if len(about) > FOLDED else [[notice] for notice in about]:
            yield message._replace(notices=part)
    yield from digests(rules, notices, at)


def reasons(
    rule: RuleInForce, notice: Notice, told: dict[tuple[int, str], WhenTold], at: datetime
) -> Iterator[tuple[Target, str, OrganisationScope]]:
    """Yield whom a rule has told of a decision now, why, and of what that person is told."""
    if not rule.is_about(notice) or rule.is_quiet(notice, at) or notice.is_snoozed(at):
        return
    before = told.get((notice.pk, rule.target.key))
    if reason := reason_to_tell(rule.rule, notice, before, at):
        yield rule.target, reason, rule.scope
    then = rule.next_target
    if not then or not covers(rule.next_scope, notice):
        return
    if not before or notice.acknowledged_at or (notice.pk, then.key) in told:
        return
    since = max(before.first, notice.snooze_ended_at(at) or before.first)
    if at - since >= timedelta(minutes=rule.rule.next_minutes or 0):
        yield then, Reason.ESCALATED, rule.next_scope


def reason_to_tell(
    rule: NotificationRule, notice: Notice, told: WhenTold | None, at: datetime
) -> str | None:
    """Return why an addressee is told of a decision now, or None."""
    lasts = at - notice.opened_at >= timedelta(seconds=rule.delay_seconds)
    if told and notice.worsened_at and notice.worsened_at > told.last:
        return Reason.WORSENED
    if notice.acknowledged_at:
        return None
    if not told:
        return Reason.OPENED if lasts or len(notice.openings) >= SEVERAL_TIMES else None
    if (ended := notice.snooze_ended_at(at)) and ended > told.last:
        return Reason.REPEATED
    if notice.opened_at > told.last:
        return Reason.RETURNED if lasts and at - told.last >= QUIET_AFTER_TOLD else None
    if rule.repeat_minutes and at - told.last >= timedelta(minutes=rule.repeat_minutes):
        return Reason.REPEATED
    return None


def digests(rules: list[RuleInForce], notices: list[Notice], at: datetime) -> Iterator[DueMessage]:
    """Yield the daily digests that are due and were not queued yet."""
    due: dict[tuple[str, UUID | None], tuple[datetime, DueMessage]] = {}
    for rule in rules:
        if not (begins := rule.digest_begins(at)):
            continue
        listed: dict[UUID | None, list[Notice]] = defaultdict(list)
        for notice in filter(rule.is_about, notices):
            listed[told_for(rule.scope, notice)].append(notice)
        for of, about in listed.items():
            message = DueMessage(rule.target, Reason.DIGEST, rule.row, about, of)
            due.setdefault((rule.target.key, of), (begins, message))
    if not due:
        return
    digested = Delivery.objects.filter(target__in={key for key, _ in due}, reason=Reason.DIGEST)
    rows = digested.values_list("target", "organisation_id").annotate(Max("queued_at"))
    sent = {(target, of): last for target, of, last in rows}
    for key, (begins, message) in due.items():
        if key not in sent or sent[key] < begins:
            yield message
