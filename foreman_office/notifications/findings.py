"""What the system checks say of notifications: whether anybody is told, and whether it arrives."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.core.checks import CheckMessage
from django.utils.timezone import now

from foreman_office.notifications.queue import worker_is_alive
from foreman_office.notifications.rules import RuleInForce, foremen_with_address, rules_in_force
from foreman_office.notifications.secrets import decrypt
from governance.models import Channel, Delivery
from kit.core.findings import warning

OVERDUE = timedelta(minutes=5)


def findings_of_notifications() -> Iterator[CheckMessage]:
    """Yield findings about whom messages reach."""
    rules = rules_in_force()
    if not rules:
        yield warning(
            61,
            "notifications",
            "Nobody away from the screen is told of anything: there is no channel in use, and no"
            " foreman with an e-mail address and mail set up.",
        )
    if not settings.FOREMAN_MAIL_IS_SET_UP and (foremen_with_address().exists() or mails(rules)):
        yield warning(
            62,
            "FOREMAN_MAIL_URL",
            "Mail is not set up, so nobody gets e-mail: set it to the address of a mail server.",
        )
    if rules and not settings.FOREMAN_URL:
        yield warning(
            63,
            "FOREMAN_URL",
            "Messages have no links to their decisions: set it to the address under which people"
            " reach the office.",
        )
    for channel in Channel.objects.order_by("name"):
        yield from findings_of_channel(channel)
    if (number := overdue()) and not worker_is_alive():
        yield warning(
            66,
            "messages",
            f"{number} should have left by now, and no worker is running: `manage.py office` starts"
            " one, and `manage.py deliver` is another.",
        )
    if number := Delivery.objects.given_up().count():
        yield warning(
            65,
            "messages",
            f"{number} could not be delivered: the inbox shows to whom, and offers to send them"
            " again.",
        )


def overdue() -> int:
    """Return how many messages should have left some minutes ago."""
    return Delivery.objects.queued().filter(due_at__lt=now() - OVERDUE).count()


def mails(rules: list[RuleInForce]) -> bool:
    return any(rule.target.channel is None for rule in rules)


def findings_of_channel(channel: Channel) -> Iterator[CheckMessage]:
    if channel.disabled_at:
        why = f"It is disabled. {channel.disabled_because}".strip()
        yield warning(64, f"channel {channel}", why)
    elif decrypt(channel.address_encrypted) is None:
        yield warning(
            64,
            f"channel {channel}",
            "Its address cannot be decrypted: set FOREMAN_CHANNEL_KEYS or SECRET_KEY_FALLBACKS to"
            " the key that it was encrypted with, or enter the address again.",
        )
