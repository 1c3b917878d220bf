"""Who calls the API: a builder, or a CI system or script of the foreman."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from builders import actions
from builders.models import Builder, CIToken
from kit.web.api import Problem

# The callers that may report about a task.
Caller = Builder | CIToken


class Bearer(HttpBearer):
    """Return the builder whose token it is."""

    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        builder = actions.authenticate(token)
        if builder is None and actions.authenticate_ci(token):
            raise builders_only()
        return builder


class ReporterBearer(HttpBearer):
    """Return the builder whose token it is, or the CI token itself."""

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        if name := actions.authenticate(token):
            return Builder.objects.get(pk=name)
        return actions.authenticate_ci(token)


def builders_only() -> Problem:
    return Problem(
        403,
        "Authorization",
        "builder_token",
        "A CI token may report runs and validations, and read tasks and lists. This needs a token"
        " of a builder.",
    )
