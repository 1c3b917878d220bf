"""One attempt to deliver a message: is it still so, what does it say, and how did it go."""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.timezone import now

from foreman_office.notifications.actions import disable_channel
from foreman_office.notifications.queue import defer
from foreman_office.notifications.results import SendingResult
from foreman_office.notifications.scopes import OrganisationScope, scope_of
from foreman_office.notifications.sending import hand_over
from foreman_office.notifications.wording import compose
from governance.models import Channel, Delivery, Notice, Watcher
from kit.core.sql import ContractNow
from kit.web.timezones import USUAL, zones

State, Reason = Delivery.State, Delivery.Reason
# Seconds until the next attempt; after the last one it has failed for good.
PAUSES = (30, 120, 600, 1800, 7200)
MOST_ATTEMPTS = len(PAUSES) + 1
MAIL_IS_NOT_SET_UP = "Mail is not set up: FOREMAN_MAIL_URL is missing."


def attempt_delivery(delivery_id: str, look_again: Callable[[], object]) -> None:
    """Make the next attempt of a delivery, unless it is finished.

    `look_again` compares the notices with the decisions, where no watcher does.
    """
    rows = Delivery.objects.queued().select_related("channel", "user", "rule__user")
    delivery = rows.filter(pk=delivery_id).first()
    if delivery is None:
        return
    if delivery.attempts >= MOST_ATTEMPTS:  # counted before each, whatever ended the process
        note_result(
            delivery, SendingResult("The worker ended while it was sending this.", is_final=True)
        )
        return
    if not Watcher.objects.alive().exists():
        look_again()
    scope = scope_of(delivery)
    notices = still_so(delivery, scope)
    if why := reason_to_suppress(delivery, notices, scope):
        conclude(delivery, State.SUPPRESSED, why)
        return
    message = compose(delivery, notices, zone_of(delivery))
    Delivery.objects.queued().filter(pk=delivery.pk).update(
        attempts=F("attempts") + 1, subject=message.subject, body=message.body
    )
    delivery.attempts += 1
    if is_mail(delivery) and not settings.FOREMAN_MAIL_IS_SET_UP:
        note_result(delivery, SendingResult(MAIL_IS_NOT_SET_UP, is_final=True))
        return
    note_result(delivery, hand_over(delivery, message))


def is_mail(delivery: Delivery) -> bool:
    return delivery.channel is None or delivery.channel.kind == Channel.Kind.EMAIL


def zone_of(delivery: Delivery) -> ZoneInfo:
    name = delivery.rule.zone if delivery.rule else USUAL
    return ZoneInfo(name if name in zones() else USUAL)


def open_notices(delivery: Delivery, scope: OrganisationScope) -> QuerySet[Notice]:
    """Return the decisions of a message that are pending, and not another organisation's by now."""
    notices = delivery.notices.open()
    return notices if scope is None else notices.filter(organisation_id__in=scope)


def still_so(delivery: Delivery, scope: OrganisationScope) -> list[Notice]:
    """Return the decisions of a message that are pending and still to be told.

    What somebody has, or has put off, is not, unless it got worse; nor is what was assigned to
    another meanwhile.
    """
    notices = open_notices(delivery, scope).order_by("-broken", "opened_at", "pk")
    if delivery.reason not in (Reason.DIGEST, Reason.WORSENED):
        notices = notices.filter(acknowledged_at=None)
    if delivery.reason == Reason.ASSIGNED:
        person = delivery.user or (delivery.rule and delivery.rule.user)
        return list(notices.filter(assigned_to=person.get_username() if person else ""))
    if delivery.reason != Reason.DIGEST:
        at = now()
        return [notice for notice in notices if not notice.is_snoozed(at)]
    return list(notices)


def reason_to_suppress(delivery: Delivery, notices: list[Notice], scope: OrganisationScope) -> str:
    """Return why a message must not leave, or the empty text."""
    if delivery.channel is None and delivery.user is None:
        return "Its channel or its person was deleted."
    if delivery.channel and delivery.channel.disabled_at:
        return f"The channel is disabled. {delivery.channel.disabled_because}".strip()
    if delivery.user and not delivery.user.is_active:
        return "The person's account is closed."
    if scope is not None and not scope:
        return "The person works for this organisation no more."
    if notices or delivery.reason in (Reason.TEST, Reason.HANDOVER):
        return ""
    pending = open_notices(delivery, scope)
    taken = pending.exclude(acknowledged_by="").first()
    if taken:
        return f"Acknowledged by {taken.acknowledged_by} before it left."
    put_off = pending.snoozed().first()
    if put_off and delivery.reason != Reason.ASSIGNED:
        return f"Snoozed by {put_off.snoozed_by} before it left."
    if delivery.reason == Reason.ASSIGNED and pending.exists():
        return "Assigned to another person before it left."
    return "No longer so when it was to leave."


def note_result(delivery: Delivery, outcome: SendingResult) -> None:
    """Write down how an attempt went, and queue the next one if it failed and may yet succeed."""
    if not outcome.why:
        conclude(delivery, State.SENT)
    elif outcome.is_final or delivery.attempts >= MOST_ATTEMPTS:
        with transaction.atomic():
            conclude(delivery, State.FAILED, outcome.why)
            if outcome.is_gone and delivery.channel:
                disable_channel(delivery.channel, because=outcome.why, by=None)
    else:
        pause = timedelta(seconds=PAUSES[delivery.attempts - 1])
        due_at = now() + max(pause, outcome.pause)
        with transaction.atomic():
            again = Delivery.objects.queued().filter(pk=delivery.pk)
            if again.update(why=outcome.why, due_at=due_at):
                defer(delivery.pk, due_at)


def conclude(delivery: Delivery, state: str, why: str = "") -> None:
    Delivery.objects.queued().filter(pk=delivery.pk).update(
        state=state, why=why, finished_at=ContractNow()
    )
