"""An office that only reads: whatever would change something is refused before it is tried.

Nobody logs in here, because a login is counted, limited and kept in the database. Who logged in at
the office that writes is known here, too: the standby has the sessions, and FOREMAN_COOKIE_DOMAIN
lets the browser send them.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from kit.core.acts import Refused
from kit.web.api import error, is_api, refuse
from kit.web.middleware import answer_to

RULE = "office_read_only"
SAFE = ("GET", "HEAD", "OPTIONS")
# Addresses that change something at a GET.
WRITING = {"login_once", "login_code", "openid_callback"}


class ReadOnlyMiddleware:
    """Answer what would change something with the reason, and where to do it instead."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not settings.FOREMAN_READ_ONLY:
            return None
        name = request.resolver_match.view_name  # type: ignore[union-attr]
        if request.method in SAFE and name not in WRITING:
            return None
        if is_api(request):
            answer = refuse(503, error(None, RULE, reason_to_refuse()))
            answer.headers["Retry-After"] = "60"
            return answer
        return answer_to(request, Refused(RULE, reason_to_refuse()))


def reason_to_refuse() -> str:
    there = f" Use {settings.FOREMAN_WRITER}." if settings.FOREMAN_WRITER else ""
    return f"This office only reads, and changes nothing.{there}"
