"""The API for builders: one document, one form of error, a router for each kind of request."""

from functools import cached_property
from typing import Any

from django.db import InternalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import conditional_page
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from foreman_office.api.assignment import router as assignment
from foreman_office.api.heartbeat import router as heartbeat
from foreman_office.api.hooks import router as hooks
from foreman_office.api.notes import router as notes
from foreman_office.api.questions import router as questions
from foreman_office.api.tasks import ReportParser
from foreman_office.api.tasks import router as tasks
from foreman_office.reading.feed import router as feed
from foreman_office.reading.lists import router as lists
from foreman_office.reading.pull import router as pull
from kit.core.outages import DATABASE_AWAY, is_read_only
from kit.web.api import add_error_handlers
from kit.web.unavailable import database_failed


class OfficeAPI(NinjaAPI):
    @cached_property
    def document(self) -> OpenAPISchema:
        """Return the API's description of itself, built once per process."""
        return super().get_openapi_schema()

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        return self.document


api = OfficeAPI(
    title="Foreman Office",
    version="1",
    description="Builders report to the office and read their assignments; CI systems report runs"
    " and validations. Each has a token.",
    parser=ReportParser(),
    docs_url=None,
    docs_decorator=conditional_page,
    urls_namespace="api",
)
add_error_handlers(api)
for failure in DATABASE_AWAY:  # which ninja itself would answer with a traceback under DEBUG
    api.exception_handler(failure)(database_failed)


@api.exception_handler(InternalError)
def internal_error(request: HttpRequest, failure: InternalError) -> HttpResponse:
    if not is_read_only(failure):
        raise failure
    return database_failed(request, failure)


for router in (heartbeat, assignment, tasks, questions, notes, hooks, lists, feed, pull):
    api.add_router("", router)
