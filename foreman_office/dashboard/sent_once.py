"""A form that is sent twice is executed once: each has a key, and its first answer is kept."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render

from governance.models import SentForm
from kit.core.acts import together
from kit.web.api import is_from_a_machine
from kit.web.decision_forms import came_from, is_shown_once
from kit.web.htmx import wants_part
from kit.web.middleware import answer_to
from kit.web.templatetags.sending import SENDING_KEY

type PostedView = Callable[..., HttpResponseBase]

# Fields that are new in each answer, and so do not tell one sending from another.
NEW_IN_EACH_ANSWER = {"csrfmiddlewaretoken"}
LONGEST_KEPT = 2**20  # bytes of an answer: a longer one is a preview, and changed nothing
KEPT_HEADERS = ("Content-Type", "Location", "HX-Trigger", "HX-Redirect", "Cache-Control")


class SentOnceMiddleware:
    """Run a form with a key once; a second sending gets the answer to the first.

    It is the last middleware, next to the view: the transaction in which the view acts stores the
    key.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: PostedView, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if request.method != "POST" or is_from_a_machine(request):
            return None
        if not request.POST.get(SENDING_KEY) or not request.user.is_authenticated:
            return None
        try:
            return respond_once(request, lambda: view(request, *args, **kwargs))
        except Exception as error:
            if answer := answer_to(request, error):
                return answer
            raise


def respond_once(request: HttpRequest, do: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Execute a form and answer, or repeat the answer that its key got before.

    Of concurrent requests with one key the first acts, and the others wait here for its answer.
    What was refused or had errors left nothing, and may be sent again.
    """
    user = request.user.pk
    digest = digest_of(request)
    with together():
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO sent_forms (user_id, digest) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [user, digest],
            )
            is_first = cursor.rowcount == 1
        kept = SentForm.objects.filter(pk=(user, digest))
        if not is_first:
            return answer_again(request, kept.get())
        response = do()
        if callable(getattr(response, "render", None)):
            response = response.render()  # type: ignore[attr-defined]
        if is_done(response):
            kept.update(**answer_of(response))
        else:
            kept.delete()
        return response


def digest_of(request: HttpRequest) -> bytes:
    """Return a digest of one sending: the key of the form, its address, what was filled in."""
    filled = sorted(
        (name, values) for name, values in request.POST.lists() if name not in NEW_IN_EACH_ANSWER
    )
    sent = hashlib.sha256(json.dumps([request.get_full_path(), filled]).encode())
    for name, files in request.FILES.lists():
        for file in files:
            sent.update(f"{name} {file.name} {file.size} ".encode())
            for chunk in file.chunks():
                sent.update(chunk)
            file.seek(0)
    return sent.digest()


def is_done(response: HttpResponseBase) -> bool:
    """Return whether a form was accepted. The admin answers 200 also to one with errors."""
    errors = (getattr(response, "context_data", None) or {}).get("errors")
    is_taken = response.status_code < 400 and not errors
    return is_taken and not response.streaming and len(response.content) <= LONGEST_KEPT  # type: ignore[attr-defined]


def answer_of(response: Any) -> dict[str, Any]:
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    if is_shown_once(response):
        return {"status": response.status_code, "headers": headers, "body": None}
    return {"status": response.status_code, "headers": headers, "body": response.text}


def answer_again(request: HttpRequest, kept: SentForm) -> HttpResponse:
    """Repeat the first answer, or answer that it was shown once only."""
    if kept.body is None:
        part = "#part" if wants_part(request) else ""
        context = {"back": came_from(request) or "/"}
        return render(request, f"sent_twice.html{part}", context, status=409)
    if "Location" in kept.headers:
        messages.info(request, "The form arrived twice. It was done once.")
        return HttpResponseRedirect(kept.headers["Location"])
    return HttpResponse(kept.body, status=kept.status, headers=kept.headers)
