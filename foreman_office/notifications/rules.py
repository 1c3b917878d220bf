"""The rules in force: those of people and of the office, and what holds for foremen without one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q

from foreman_office.access.organisations import OFFICE_ITSELF
from foreman_office.notifications.scopes import (
    OrganisationScope,
    PeopleAtWork,
    narrowed,
    people_at_work,
)
from governance.models import Channel, Notice, NotificationRule
from kit.core.roles import DECIDERS, Role
from kit.runtime.database.members import as_office, organisation_in_use
from kit.web.timezones import USUAL, zones

DIGEST_WITHIN = timedelta(hours=1)  # after its time, if the office was closed then


@dataclass(frozen=True)
class Target:
    """An addressee: a channel, or the e-mail address of a person."""

    channel: Channel | None = None
    user: Any = None

    @property
    def key(self) -> str:
        return f"channel-{self.channel.pk}" if self.channel else f"user-{self.user.pk}"

    @property
    def words(self) -> str:
        return str(self.channel) if self.channel else f"{self.user.get_username()}, by e-mail"


@dataclass(frozen=True)
class RuleInForce:
    """A rule with its addressee. `row` is None where it is what holds without a rule."""

    target: Target
    rule: NotificationRule
    row: NotificationRule | None = None
    next_target: Target | None = None
    programs: frozenset[str] = field(default_factory=frozenset)
    scope: OrganisationScope = None
    next_scope: OrganisationScope = None  # of whom it tells next

    def is_about(self, notice: Notice) -> bool:
        """Return whether a decision is of an organisation, kind and program of the rule."""
        rule = self.rule
        return (
            covers(self.scope, notice)
            and (notice.broken or rule.band == NotificationRule.Band.ALL)
            and (not rule.kinds or notice.kind in rule.kinds)
            and (not self.programs or str(notice.program_id) in self.programs)
            # Whom messages do not reach is not told so by another one.
            and notice.key
            not in (
                f"delivery-{self.target.key}",
                f"delivery-{self.target.key}-{notice.organisation_id}",
            )
        )

    def is_quiet(self, notice: Notice, at: datetime) -> bool:
        """Return whether a decision is kept back until the quiet hours end."""
        begin, end = self.rule.quiet_from, self.rule.quiet_until
        if begin is None or end is None or (notice.broken and self.rule.quiet_spares_broken):
            return False
        clock = at.astimezone(self.zone).time()
        return begin <= clock < end if begin <= end else clock >= begin or clock < end

    def digest_begins(self, at: datetime) -> datetime | None:
        """Return since when the newest digest is due; None where it is not."""
        if self.rule.digest_at is None:
            return None
        today = at.astimezone(self.zone)
        times = (on_day(day, self.rule.digest_at) for day in (today, today - timedelta(days=1)))
        begins = next((time for time in times if time <= at), None)
        is_due = begins and at < begins + DIGEST_WITHIN and self.rule.created_at < begins
        return begins if is_due else None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.rule.zone if self.rule.zone in zones() else USUAL)


def covers(scope: OrganisationScope, notice: Notice) -> bool:
    """Return whether a decision is of what somebody is told of."""
    return scope is None or (notice.organisation_id in scope and not notice.is_whole_office)


def told_for(scope: OrganisationScope, notice: Notice) -> UUID | None:
    """Return whose a message of a decision is: of who works for all, it is the whole office's."""
    return None if scope is None else notice.organisation_id


class DueMessage(NamedTuple):
    """A message that is due: to whom, why, by which rule, of which decisions, and whose it is."""

    target: Target
    reason: str
    row: NotificationRule | None
    notices: list[Notice]
    organisation: UUID | None = None


def on_day(moment: datetime, clock: time) -> datetime:
    """Return when it is so late on the day of a moment, in its zone.

    In UTC: within a zone Python reckons by the clock on the wall, which is put forward and back.
    """
    local = moment.replace(
        hour=clock.hour, minute=clock.minute, second=clock.second, microsecond=0, fold=0
    )
    return local.astimezone(UTC)


def rules_in_force() -> list[RuleInForce]:
    """Return the rules by which messages can be sent at the moment."""
    people = people_at_work()
    return [*stated_rules(people), *usual_rules(people)]


def stated_rules(people: PeopleAtWork) -> Iterator[RuleInForce]:
    """Yield the rules that were made; each is limited to what its person may see."""
    rows = NotificationRule.objects.filter(is_on=True).filter(
        Q(channel=None) | Q(channel__disabled_at=None), Q(user=None) | Q(user__is_active=True)
    )
    for row in rows.select_related("channel", "user", "next_user").order_by("created_at"):
        if row.channel or row.user.email:
            target = Target(row.channel) if row.channel else Target(user=row.user)
            reached = row.next_user and row.next_user.is_active and row.next_user.email
            then = Target(user=row.next_user) if reached else None
            own = people.scope(row.user) if row.user else None
            yield RuleInForce(
                target,
                row,
                row,
                then,
                frozenset(row.program_ids),
                narrowed(own, row.organisation_id, row.channel and row.channel.organisation_id),
                people.scope(row.next_user) if then else None,
            )


def usual_rules(people: PeopleAtWork) -> Iterator[RuleInForce]:
    """Yield what holds for each foreman with an e-mail address, where they have made no rule."""
    if not settings.FOREMAN_MAIL_IS_SET_UP:
        return
    for user in foremen_with_address().prefetch_related("notification_rules"):
        scope, stated = people.scope(user, DECIDERS), user.notification_rules.all()
        if scope is not None and all(rule.organisation_id for rule in stated):
            scope -= {rule.organisation_id for rule in stated}
        elif stated:
            continue
        if scope is None or scope:
            yield RuleInForce(Target(user=user), NotificationRule(user=user), scope=scope)


def deciders() -> Any:
    """Return the users who may decide, in the organisation for which this thread works."""
    organisation = organisation_in_use()
    decides = Q(groups__name=Role.FOREMAN) | Q(is_superuser=True)
    members = Q(organisation_members__role=Role.FOREMAN)
    if organisation is None:
        decides |= members
    elif organisation != OFFICE_ITSELF:
        decides = members & Q(organisation_members__organisation=organisation)
    return User.objects.filter(decides, is_active=True).order_by("pk").distinct()


def names_of_deciders() -> list[str]:
    found = deciders()
    with as_office():
        return list(found.values_list("username", flat=True))


def foremen_with_address() -> Any:
    """Return the deciders that mail reaches; who serves a member reads them as the office does."""
    return deciders().exclude(email="")


def people_with_address() -> dict[int, Any]:
    """Return the deciders that mail reaches, by their numbers."""
    found = foremen_with_address()
    with as_office():
        return {person.pk: person for person in found}
