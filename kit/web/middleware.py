"""The middleware around the views: which requests Django's own applies to, and errors as answers.

Refused becomes 409, InvalidForm 422, a database that cannot be used 503, and what comes too often
429: as a page or as JSON.
"""

from collections.abc import Callable

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django_htmx import middleware as htmx

from kit.core.acts import Refused
from kit.web import timezones
from kit.web.api import is_from_a_machine
from kit.web.decision_forms import InvalidForm, came_from
from kit.web.expired import leads_to_login, login_ended
from kit.web.later import TryLater
from kit.web.unavailable import database_failed, is_beyond_a_limit, is_outage, try_later


class NotStoredMiddleware:
    """Mark every answer as not to be stored, but for static files, which say that they are public.

    Pages, tokens and forms are for the one who asked: no proxy and no disk has them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        said = response.headers.get("Cache-Control", "")
        if "public" not in said and "no-store" not in said:
            response.headers["Cache-Control"] = f"{said}, no-store" if said else "no-store"
        return response


class PagesOnly:
    """Skip a middleware for the API: a builder has no session, no time zone, no htmx.

    A heartbeat's way to its view is as short as it can be without these.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_from_a_machine(request):
            return self.get_response(request)  # type: ignore[attr-defined]
        return super().__call__(request)  # type: ignore[misc]


class SessionMiddleware(PagesOnly, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(PagesOnly, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(PagesOnly, messages.MessageMiddleware):
    pass


class HtmxMiddleware(PagesOnly, htmx.HtmxMiddleware):
    pass


class ZoneMiddleware(PagesOnly, timezones.ChosenZoneMiddleware):
    pass


class RefusedMiddleware:
    """Answer a refusal or outage of the database, or a form with errors, with its explanation."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not is_from_a_machine(request) and leads_to_login(request, response):
            return login_ended(request)
        # A user opened the address of an act, perhaps by way of the login: explain that.
        if response.status_code == 405 and not response.content and request.accepts("text/html"):
            page = render(request, "405.html", status=405)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return answer_to(request, error)


def answer_to(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """Return the answer to an error that is no fault of the office."""
    if is_outage(error) or is_beyond_a_limit(error):
        return database_failed(request, error)
    if isinstance(error, TryLater):
        return try_later(request, error)
    part = "#part" if request.headers.get("HX-Request") else ""
    back = came_from(request) or "/"
    if isinstance(error, InvalidForm):
        context = {"form": error.form, "back": back}
        return render(request, f"unfilled.html{part}", context, status=422)
    if not isinstance(error, Refused):
        return None
    if not request.accepts("text/html"):
        body = {"rule": error.rule, "message": error.message, "unmet": error.unmet}
        return JsonResponse(body, status=409)
    context = {"refused": error, "back": back}
    return render(request, f"refused.html{part}", context, status=409)
