"""What people do about notices and messages: take a decision on, test a channel, send again.

What is queued is written as the office does, in one transaction with its job: the queue is no
member's. So is what others may hang on, and what is a person's own.
"""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import now

from foreman_office.notifications.channels import masked
from foreman_office.notifications.queue import defer
from foreman_office.notifications.rules import Target
from foreman_office.notifications.secrets import encrypt
from governance.models import Channel, Delivery, Notice, NotificationRule
from kit.core.acts import Actor, act, name_of
from kit.core.sql import ContractNow
from kit.runtime.database.members import as_office, organisation_in_use

State = Delivery.State
SNOOZE = ["snoozed_at", "snoozed_by", "snoozed_until", "snoozed_impact"]


def acknowledge(notice: Notice, *, by: Actor) -> Notice:
    """Record who has a decision, which all then see; it ends reminders."""
    with act(by):
        notice.acknowledged_at, notice.acknowledged_by = now(), name_of(by)
        notice.save(update_fields=["acknowledged_at", "acknowledged_by"])
    return notice


def give_back(notice: Notice, *, by: Actor) -> Notice:
    """Take an acknowledgement back; reminders go on."""
    with act(by):
        notice.acknowledged_at, notice.acknowledged_by = None, ""
        notice.save(update_fields=["acknowledged_at", "acknowledged_by"])
    return notice


def snooze(notice: Notice, *, until: datetime | None, impact: int, by: Actor) -> Notice:
    """Put a decision off for all until a time, or until it gets worse, which ends it in any case.

    `impact` is what it holds up now: with more it is worse.
    """
    with act(by):
        notice.snoozed_at, notice.snoozed_by = ContractNow(), name_of(by)
        notice.snoozed_until, notice.snoozed_impact = until, impact
        notice.save(update_fields=SNOOZE)
    return notice


def end_snooze(notice: Notice, *, by: Actor) -> Notice:
    """End the snooze of a decision: it is shown and told again."""
    with act(by):
        notice.snoozed_at = notice.snoozed_until = notice.snoozed_impact = None
        notice.snoozed_by = ""
        notice.save(update_fields=SNOOZE)
    return notice


def assign_decision(notice: Notice, *, person: str, by: Actor) -> Notice:
    """Assign a decision to a person who can decide, or to nobody by an empty name."""
    with act(by):
        notice.assigned_at = ContractNow() if person else None
        notice.assigned_by, notice.assigned_to = name_of(by) if person else "", person
        notice.save(update_fields=["assigned_at", "assigned_by", "assigned_to"])
    return notice


def send_again(rows: QuerySet[Delivery], *, by: Actor) -> int:
    """Queue messages again that failed; each keeps its id, by which it is known if it came."""
    keys = list(rows.filter(state=State.FAILED).values_list("pk", flat=True))
    with as_office(), act(by):
        failed = Delivery.objects.filter(pk__in=keys, state=State.FAILED)
        failed.update(
            state=State.QUEUED,
            attempts=0,
            finished_at=None,
            settled_at=None,
            settled_by="",
            due_at=ContractNow(),
            why=f"Sent again by {name_of(by)}.",
        )
        for key in keys:
            defer(key)
    return len(keys)


def set_aside(rows: QuerySet[Delivery], *, by: Actor) -> int:
    """Settle messages that failed, without sending them again."""
    with act(by):
        return rows.filter(state=State.FAILED, settled_at=None).update(
            settled_at=ContractNow(), settled_by=name_of(by)
        )


def send_test(target: Target, *, by: Actor) -> Delivery:
    """Queue a test message. How it went is told by its row, once a worker has tried."""
    organisation = organisation_in_use()
    with as_office(), act(by):
        delivery = Delivery.objects.create(
            reason=Delivery.Reason.TEST,
            organisation_id=organisation,
            channel=target.channel,
            user=target.user,
            target=target.key,
            addressee=target.words,
        )
        defer(delivery.pk)
    return delivery


def send_handover(user: Any, *, subject: str, body: str, by: Actor) -> Delivery:
    """Queue a handover, as it was read, to a person's e-mail address."""
    target, organisation = Target(user=user), organisation_in_use()
    with as_office(), act(by):
        delivery = Delivery.objects.create(
            reason=Delivery.Reason.HANDOVER,
            user=user,
            target=target.key,
            addressee=target.words,
            subject=subject,
            body=body,
            organisation_id=organisation,
        )
        defer(delivery.pk)
    return delivery


def save_channel(
    channel: Channel, *, name: str, address: str = "", secret: str = "", by: Actor
) -> Channel:
    """Store a channel. Without an address or a secret, it keeps the one that it has."""
    with act(by):
        channel.name = name
        if address:
            channel.address_encrypted = encrypt(address)
            channel.shown = masked(channel.kind, address)
        if secret:
            channel.secret_encrypted = encrypt(secret)
        channel.save()
    return channel


def disable_channel(channel: Channel, *, because: str, by: Actor) -> None:
    with act(by):
        Channel.objects.filter(pk=channel.pk, disabled_at=None).update(
            disabled_at=ContractNow(), disabled_because=because
        )


def enable_channel(channel: Channel, *, by: Actor) -> None:
    with act(by):
        Channel.objects.filter(pk=channel.pk).update(disabled_at=None, disabled_because="")


def delete_channel(channel: Channel, *, by: Actor) -> None:
    """Delete a channel with its rules, those of the whole office too; its messages stay."""
    with as_office(), act(by):
        channel.delete()


def save_rule(rule: NotificationRule, values: dict[str, Any], *, by: Actor) -> NotificationRule:
    """Store a rule, new or changed, with the values of its form.

    A new one belongs to the organisation for which its maker works.
    """
    if rule._state.adding:
        rule.organisation_id = organisation_in_use()
    with as_office(), act(by):
        for name, value in values.items():
            setattr(rule, name, value)
        rule.save()
    return rule


def delete_rule(rule: NotificationRule, *, by: Actor) -> None:
    with as_office(), act(by):
        rule.delete()
