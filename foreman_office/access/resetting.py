"""Removing somebody else's second factor, for one who lost the app and the recovery codes."""

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from foreman_office.access import second_factor
from foreman_office.access.security_log import note
from foreman_office.access.sessions import other_sessions
from governance.models import SecondFactor


def having_one() -> QuerySet[SecondFactor]:
    """Return the ids of the users that have a second factor."""
    return SecondFactor.objects.filter(confirmed_at__isnull=False).values("user")


def reset(user: User, reason: str, request: HttpRequest | None = None) -> bool:
    """Remove a user's second factor and end their sessions; return whether there was one."""
    if not second_factor.remove(user):
        return False
    other_sessions(user, None).delete()
    note("second factor removed", user.get_username(), request, reason=reason)
    return True
