"""How a login ends: at once, or after a code for whoever has a second factor.

Every way in leads here: the password, a login link, another provider's login.
"""

from datetime import timedelta
from time import time

from django.contrib import auth
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.crypto import constant_time_compare

from foreman_office.access import attempts, second_factor
from foreman_office.access.security_log import note

PENDING = "waits_for_code"
PATIENCE = timedelta(minutes=10)


def enter(
    request: HttpRequest, user: User, after: str, lasts: timedelta | None = None
) -> HttpResponse:
    """Log a user in who has proved who it is, or ask for the code first.

    A session `lasts` as long as Django's, or as long as is said here.
    """
    seconds = lasts and int(lasts.total_seconds())
    if not second_factor.has_one(user):
        return begin_session(request, user, after, seconds)
    request.session[PENDING] = [user.pk, mark_of_password(user), time(), after, seconds]
    return redirect("login_code")


def begin_session(
    request: HttpRequest, user: User, after: str, seconds: int | None
) -> HttpResponse:
    auth.login(request, user)
    request.session.set_expiry(seconds)
    return redirect(after)


def waits_for_code(request: HttpRequest) -> User | None:
    """Return the user of whom this session has proved all but the code."""
    pk, mark, since, *_ = request.session.get(PENDING) or (None, "", 0)
    if time() - since > PATIENCE.total_seconds():
        return None
    user = User.objects.filter(pk=pk, is_active=True).first()
    return user if user and constant_time_compare(mark_of_password(user), mark) else None


def enter_with_code(request: HttpRequest, user: User, typed: str) -> HttpResponse | None:
    """Log the waiting user in if the code is right; raise TryLater after too many wrong ones."""
    if not takes_code(request, user, typed):
        return None
    *_, after, seconds = request.session.pop(PENDING)
    return begin_session(request, user, after, seconds)


def takes_code(request: HttpRequest, user: User, typed: str) -> bool:
    """Return whether a code is right, with the limits and the lines of a login."""
    name = user.get_username()
    asker = attempts.Asker.of_code(request, name, second_factor.is_of_an_app(typed))
    attempts.count_attempt(asker)
    if not second_factor.accepts(user, typed):
        note("login failed", name, request, reason="wrong code")
        return False
    attempts.succeeded(asker)
    if not second_factor.is_of_an_app(typed):
        left = second_factor.unused(user).count()
        note("recovery code used", name, request, left=str(left))
    return True


def mark_of_password(user: User) -> str:
    """Return what changes with the password, and tells nothing of it."""
    return user.get_session_auth_hash()[:24]
