"""Whoever is staff has a second factor, where the office asks for that."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from foreman_office.access import second_factor
from kit.web.htmx import wants_part
from kit.web.middleware import PagesOnly

# What is open before that: setting it up, and the way out.
OPEN = {
    *("account", "account_sessions_end", "choice", "login", "login_code", "login_once", "logout"),
    *("second_factor", "second_factor_begin", "second_factor_confirm"),
}


class SecondFactorRequired:
    """Lead staff without a second factor to its page, whatever they ask for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if not is_missing(getattr(request, "user", None)):
            return None
        request.must_set_up_second_factor = True  # type: ignore[attr-defined]
        if request.resolver_match.view_name in OPEN:  # type: ignore[union-attr]
            return None
        if request.method not in ("GET", "HEAD") or wants_part(request):
            raise PermissionDenied
        return redirect("second_factor")


class SecondFactorMiddleware(PagesOnly, SecondFactorRequired):
    pass


def is_missing(user: Any) -> bool:
    """Return whether this user has to set up a second factor first."""
    if not settings.FOREMAN_STAFF_SECOND_FACTOR or user is None or not user.is_authenticated:
        return False
    return (user.is_staff or user.is_superuser) and not second_factor.has_one(user)
