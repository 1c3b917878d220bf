"""Of which organisations people are told: those in which they work, and no others.

A set of organisations, the office itself among them by the nil UUID; None is the whole office.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from foreman_office.access.organisations import OFFICE_ITSELF
from governance.models import Delivery, OrganisationMember
from kit.core.roles import READERS
from programs.models import Organisation

type OrganisationScope = frozenset[UUID] | None


@dataclass(frozen=True)
class PeopleAtWork:
    """Who works for which organisation, by which roles. Without organisations, all see all."""

    roles: dict[int, dict[UUID, set[str]]]
    are_apart: bool

    def scope(self, user: Any, roles: Collection[str] = READERS) -> OrganisationScope:
        """Return where a person has one of some roles; a superuser works for the whole office."""
        if not self.are_apart or user.is_superuser:
            return None
        return frozenset(
            organisation
            for organisation, found in self.roles.get(user.pk, {}).items()
            if not found.isdisjoint(roles)
        )


def people_at_work() -> PeopleAtWork:
    roles: dict[int, dict[UUID, set[str]]] = defaultdict(lambda: defaultdict(set))
    if not Organisation.objects.exists():
        return PeopleAtWork(roles, are_apart=False)
    for user, organisation, role in OrganisationMember.objects.values_list(
        "user_id", "organisation_id", "role"
    ):
        roles[user][organisation].add(role)
    for user, role in User.groups.through.objects.values_list("user_id", "group__name"):
        roles[user][OFFICE_ITSELF].add(role)
    return PeopleAtWork(roles, are_apart=True)


def narrowed(scope: OrganisationScope, *organisations: UUID | None) -> OrganisationScope:
    """Return what of a scope is of each of some organisations; NULL is the whole office."""
    for each in organisations:
        if each is not None:
            scope = frozenset({each} if scope is None else scope & {each})
    return scope


def scope_of(delivery: Delivery) -> OrganisationScope:
    """Return of what a message may tell now: who was to be told may work elsewhere meanwhile."""
    rule, channel = delivery.rule, delivery.channel
    person = delivery.user or (rule and rule.user)
    return narrowed(
        people_at_work().scope(person) if person else None,
        delivery.organisation_id,
        rule and rule.organisation_id,
        channel and channel.organisation_id,
    )
