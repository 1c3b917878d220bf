"""Who calls the API: a builder, or a CI system or script of the foreman.

What follows the token of an organisation is done as its members' role of the database, which sees
nothing of the others: until the request is answered, or a token is looked at again. Tokens are the
office's to read, and so is what heartbeats and exports of usage are stored with.
"""

from collections.abc import Callable
from contextlib import ExitStack
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja.security import HttpBearer

from builders import actions
from builders.known_tokens import known_token
from builders.models import Builder, CIToken
from kit.runtime.database.members import as_member
from kit.web.api import Problem

# The callers that may report about a task.
Caller = Builder | CIToken


class CallersMiddleware:
    """Serve a request for the organisation of its token, once that was looked at, to its end."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with ExitStack() as request.works_for:  # type: ignore[attr-defined]
            return self.get_response(request)


def work_for(request: HttpRequest, organisation: UUID | None) -> None:
    """Do what follows for an organisation, or for the whole office, and not as before."""
    serving: ExitStack = request.works_for  # type: ignore[attr-defined]
    serving.close()
    request.organisation = organisation  # type: ignore[attr-defined]
    if organisation:
        serving.enter_context(as_member(organisation))


def organisation_of(request: HttpRequest) -> UUID | None:
    """Return the organisation of a request's token; None for one of the whole office."""
    found: UUID | None = request.organisation  # type: ignore[attr-defined]
    return found


class Bearer(HttpBearer):
    """Return the builder whose token it is."""

    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        work_for(request, None)
        known = known_token(token)
        if known is None:
            if actions.authenticate_ci(token):
                raise builders_only()
            return None
        work_for(request, known.organisation_id)
        return known.builder_id


class ReporterBearer(HttpBearer):
    """Return the builder whose token it is, or the CI token itself."""

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        work_for(request, None)
        if known := known_token(token):
            work_for(request, known.organisation_id)
            return calling_builder(known.builder_id)
        ci_token = actions.authenticate_ci(token)
        if ci_token:
            work_for(request, ci_token.organisation_id)
        return ci_token


def calling_builder(name: str) -> Builder:
    """Return a builder as the organisation of its token sees it.

    While it is at work for another one, it is no more than its name.
    """
    found = Builder.objects.select_related("current_task__wave__program").filter(pk=name).first()
    return found or Builder(builder_id=name)


def builders_only() -> Problem:
    return Problem(
        403,
        "Authorization",
        "builder_token",
        "A CI token may report runs and validations, and read tasks and lists. This needs a token"
        " of a builder.",
    )
