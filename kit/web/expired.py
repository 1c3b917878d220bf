"""The answers to a form whose secret is old, or whose sender's login has ended.

Nothing that was typed is lost: the answer carries it over. A page with script is told the present
secret, and sends the form once more by itself.
"""

from typing import Any
from urllib.parse import quote, urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_BAD_ORIGIN, REASON_BAD_REFERER, get_token
from django.shortcuts import render
from django.urls import reverse

from kit.web.decision_forms import came_from
from kit.web.htmx import wants_part
from kit.web.templatetags.sending import SENDING_KEY

SECRET, USER, USER_NAME = "Foreman-Secret", "Foreman-User", "Foreman-User-Name"
UNSEEN = {"csrfmiddlewaretoken", "next", "shown", SENDING_KEY}
FROM_ELSEWHERE = {REASON_BAD_ORIGIN.partition("%")[0], REASON_BAD_REFERER.partition("%")[0]}


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose secret is not the session's: 403, with a form to send it again."""
    user: Any = request.user
    is_ours = not any(reason.startswith(words) for words in FROM_ELSEWHERE)
    if wants_part(request):
        if not user.is_authenticated:
            return login_ended(request)
        response = render(request, "403_csrf.html#part", status=403)
        if is_ours:
            response.headers[SECRET] = get_token(request)
            response.headers[USER] = str(user.pk)
            response.headers[USER_NAME] = quote(user.get_username())
        return response
    carried = carried_over(request) if is_ours and user.is_authenticated else {}
    return render(request, "403_csrf.html", carried, status=403)


def login_ended(request: HttpRequest) -> HttpResponse:
    """Return a 401 that the login has ended, with a link to log in again in another tab."""
    if wants_part(request):
        address = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
        context = {"login": redirect_to_login(address).url}
        response = render(request, "login/ended.html#part", context, status=401)
        response.headers["Cache-Control"] = "no-store"
        return response
    back = came_from(request) or "/"
    context = {"login": redirect_to_login(back).url, **carried_over(request)}
    return render(request, "login/ended.html", context, status=401)


def leads_to_login(request: HttpRequest, response: Any) -> bool:
    """Return whether a form was sent without a login, so that its answer leads to the login."""
    if request.method != "POST" or response.status_code != 302:
        return False
    address = urlsplit(response.headers["Location"])
    logins = {reverse("login"), reverse("admin:login")}
    return "next=" in address.query and address.path in logins and request.path not in logins


def carried_over(request: HttpRequest) -> dict[str, Any]:
    """Return what was filled in, for a form that sends it again: no password, no code."""
    if any("password" in name or name == "code" for name in request.POST):
        return {}
    carried = [
        (name, value)
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken"
        for value in values
    ]
    return {
        "carried": carried,
        "typed": [
            (name.replace("_", " ").capitalize(), value)
            for name, value in carried
            if value.strip() and name not in UNSEEN
        ],
        "files": [*request.FILES],
    }
