"""Log lines about logins, passwords and roles: who, for whom, and from which address.

What happens in no table, such as a login, also goes to the office log; what changes in tables is
there by triggers (governance_log_access).

No line has a name that is no user's: people type passwords where a name belongs.
"""

import json
import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from kit.web.client_address import client_address
from kit.web.middleware import PagesOnly

logger = logging.getLogger("foreman.security")

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)

LEFT_BY_TRIGGERS = {
    *("user created", "user deleted", "password changed", "rights changed"),
    *("roles given", "roles taken", "roles all taken"),
}
# What a user may do by, apart from groups and permissions.
RIGHTS = ("is_active", "is_staff", "is_superuser")


class KnownRequest:
    """Remember the request in which users are changed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        before = _request.set(request)
        try:
            return self.get_response(request)
        finally:
            _request.reset(before)


class KnownRequestMiddleware(PagesOnly, KnownRequest):
    pass


def note(event: str, user: str, request: HttpRequest | None = None, **more: str) -> None:
    """Write a line: what happened to whom, by whom, from where."""
    fields = {"event": event, "user": user, **more}
    request = request or _request.get()
    if request is not None:
        by: Any = getattr(request, "user", None)
        if by is not None and by.is_authenticated:
            fields["by"] = by.get_username()
        fields["address"] = client_address(request.META)
    else:
        fields["by"] = "a command"
    words = " ".join(f"{name}={value!r}" for name, value in fields.items() if name != "event")
    logger.info("%s: %s", event, words, extra={"fields": fields})
    if event not in LEFT_BY_TRIGGERS:
        details = {name: value for name, value in fields.items() if name not in ("event", "user")}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT governance_note_office(%s, %s, %s, %s)",
                [event.replace(" ", "_"), user, fields.get("by"), json.dumps(details)],
            )


def declare_person(sender: Any, **kwargs: Any) -> None:
    """Declare to the triggers who changes users and rights, where no act does."""
    by: Any = getattr(_request.get(), "user", None)
    if by is not None and by.is_authenticated and connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('foreman.context', %s, true)"
                " WHERE coalesce(current_setting('foreman.context', true), '') = ''",
                [json.dumps({"user": by.get_username()})],
            )


# --- logins ---------------------------------------------------------------------------------------


def note_login(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    note("logged in", user.get_username(), request)


def note_logout(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        note("logged out", user.get_username(), request)


def note_failure(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    name = str(credentials.get("username", ""))
    known = User.objects.filter(username=name).exists()
    note("login failed", name if known else "(no user)", request)


# --- passwords and roles --------------------------------------------------------------------------


def remember(sender: type[User], instance: User, **kwargs: Any) -> None:
    """Keep what a user was before it is saved."""
    touched = set(kwargs.get("update_fields") or ("password", *RIGHTS))
    instance.was = None  # type: ignore[attr-defined]
    if instance.pk and touched & {"password", *RIGHTS}:
        was = User.objects.filter(pk=instance.pk).values("password", *RIGHTS).first()
        instance.was = was  # type: ignore[attr-defined]


def note_change(sender: type[User], instance: User, created: bool, **kwargs: Any) -> None:
    """Note a new user, a new password and changed rights."""
    name, was = instance.get_username(), getattr(instance, "was", None)
    if created:
        rights = [right for right in RIGHTS if getattr(instance, right)]
        note("user created", name, rights=" ".join(rights))
        return
    if was is None:
        return
    for right in RIGHTS:
        if was[right] != getattr(instance, right):
            note("rights changed", name, rights=f"{right} {getattr(instance, right)}".lower())
    if was["password"] != instance.password and not is_only_hashed_again(instance, kwargs):
        note("password changed", name)


def is_only_hashed_again(user: User, saved: dict[str, Any]) -> bool:
    """Return whether a login stores the same password with the present cost."""
    is_new = getattr(user, "_password", None) is not None
    return not is_new and set(saved.get("update_fields") or ()) == {"password"}


def note_deletion(sender: type[User], instance: User, **kwargs: Any) -> None:
    note("user deleted", instance.get_username())


def note_roles(
    sender: Any,
    instance: Model,
    action: str,
    reverse: bool,
    model: type[Model],
    pk_set: set[Any] | None,
    **kwargs: Any,
) -> None:
    """Note groups and permissions that a user or a group is given, or loses."""
    verbs = {"post_add": "given", "post_remove": "taken", "pre_clear": "all taken"}
    if action not in verbs or (pk_set is not None and not pk_set):
        return
    others = ", ".join(sorted(map(str, model._default_manager.filter(pk__in=pk_set or ()))))
    whose, what = (others, str(instance)) if reverse else (str(instance), others)
    note(f"roles {verbs[action]}", whose, roles=what)
