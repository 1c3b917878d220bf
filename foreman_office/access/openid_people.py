"""The users behind a provider's logins: made at the first, with the groups of the claim.

They are found by issuer and subject alone. A user with the same name is another.
"""

import re
import unicodedata
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection, transaction

from foreman_office.access.openid import Denied, provider_name
from foreman_office.access.security_log import note
from foreman_office.access.sessions import other_sessions
from governance.models import OpenIDAccount
from kit.web.provider_settings import MAPPED_TO

LONGEST_NAME = 100


def person_of(claims: dict[str, Any]) -> User:
    """Return the user of whom the provider speaks, with the groups that it gives; or raise Denied.

    One who has lost all groups is logged out everywhere.
    """
    account = account_of(claims)
    groups = groups_of(claims)
    with transaction.atomic():
        if account is None and groups:
            account = new_account(claims)
        if account is not None:
            follow(account.user, groups or set())
    name = account.user.get_username() if account else "(no user)"
    if groups is None:
        claim = settings.FOREMAN_OPENID_CLAIM
        words = f"{provider_name()} does not say in “{claim}” which groups you are in."
        raise Denied("missing claim", words, user=name)
    if account is None or not groups:
        raise Denied("no group", "None of your groups may use this office.", user=name)
    if not account.user.is_active:
        raise Denied("closed account", "Your account in this office is closed.", user=name)
    return account.user


def account_of(claims: dict[str, Any]) -> OpenIDAccount | None:
    found = OpenIDAccount.objects.select_related("user")
    return found.filter(issuer=claims["iss"], subject=claims["sub"]).first()


def groups_of(claims: dict[str, Any]) -> set[str] | None:
    """Return the groups of the office that the claim stands for; None if there is no such claim."""
    said = claims.get(settings.FOREMAN_OPENID_CLAIM)
    if isinstance(said, str):
        said = [said]
    if not isinstance(said, list):
        return None
    mapped = settings.FOREMAN_OPENID_GROUPS
    return {mapped[value] for value in said if isinstance(value, str) and value in mapped}


def new_account(claims: dict[str, Any]) -> OpenIDAccount:
    """Make a user without a password; of two first logins at once, the second finds the first's."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE openid_accounts IN SHARE ROW EXCLUSIVE MODE")
    if account := account_of(claims):
        return account
    user = User(username=free_name(claims))
    user.set_unusable_password()
    user.save()
    return OpenIDAccount.objects.create(user=user, issuer=claims["iss"], subject=claims["sub"])


def free_name(claims: dict[str, Any]) -> str:
    """Return the name that the provider prefers, with a number if the office has such a user."""
    wanted = next(
        (str(claims[key]) for key in ("preferred_username", "email", "sub") if claims.get(key)), ""
    )
    plain = re.sub(r"[^\w.@+-]", "-", unicodedata.normalize("NFKC", wanted))[:LONGEST_NAME]
    name, number = plain, 1
    while User.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{plain}-{number}"
    return name


def follow(user: User, groups: set[str]) -> None:
    """Set a user's groups to those of the claim, among the office's own."""
    ours = Group.objects.filter(name__in=MAPPED_TO)
    held = set(user.groups.values_list("name", flat=True)) & {*MAPPED_TO}
    if lost := held - groups:
        user.groups.remove(*ours.filter(name__in=lost))
    if gained := groups - held:
        user.groups.add(*ours.filter(name__in=gained))
    is_staff = "admin" in groups or user.is_superuser
    if user.is_staff != is_staff:
        user.is_staff = is_staff
        user.save(update_fields=["is_staff"])
    if not groups:
        ended, _ = other_sessions(user, None).delete()
        note("all sessions ended", user.get_username(), reason="no group", ended=str(ended))
