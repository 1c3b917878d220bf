"""What is around the views: who needs what of Django's own, and what becomes of errors.

Refused becomes 409, Unfilled 422, a database that cannot be used 503: as a page or as JSON.
"""

from collections.abc import Callable

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django_htmx import middleware as htmx

from foreman_office.kit import zones
from foreman_office.kit.acts import Refused
from foreman_office.kit.api import is_from_a_machine
from foreman_office.kit.decide import Unfilled, came_from
from foreman_office.kit.unavailable import is_outage, unavailable


class PagesOnly:
    """Keep a middleware off the API: a builder has no session, no zone to read times in, no htmx.

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


class ZoneMiddleware(PagesOnly, zones.ZoneMiddleware):
    pass


class RefusedMiddleware:
    """Answer a refusal of the database, its absence, or a form with errors, with what it says."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Somebody came to an act by its address, perhaps by way of the login: say so.
        if response.status_code == 405 and not response.content and request.accepts("text/html"):
            page = render(request, "405.html", status=405)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if is_outage(error):
            return unavailable(request, error)
        part = "#part" if request.headers.get("HX-Request") else ""
        back = came_from(request) or "/"
        if isinstance(error, Unfilled):
            context = {"form": error.form, "back": back}
            return render(request, f"unfilled.html{part}", context, status=422)
        if not isinstance(error, Refused):
            return None
        if not request.accepts("text/html"):
            body = {"rule": error.rule, "message": error.message, "unmet": error.unmet}
            return JsonResponse(body, status=409)
        context = {"refused": error, "back": back}
        return render(request, f"refused.html{part}", context, status=409)
