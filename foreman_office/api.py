"""The API for builders: one document, one form of error, a router from each app."""

from functools import cached_property
from typing import Any

from django.views.decorators.http import conditional_page
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from builders.api import router as builders
from foreman_office.kit.api import add_error_handlers
from foreman_office.kit.unavailable import DatabaseError, unavailable
from governance.api import ReportParser
from governance.api import router as governance


class OfficeAPI(NinjaAPI):
    @cached_property
    def document(self) -> OpenAPISchema:
        """What the API says of itself, put together once in a process."""
        return super().get_openapi_schema()

    def get_openapi_schema(self, **kwargs: Any) -> OpenAPISchema:
        return self.document


api = OfficeAPI(
    title="Foreman Office",
    version="1",
    description="What builders tell the office and ask it, each with a token of its own.",
    parser=ReportParser(),
    docs_url=None,
    docs_decorator=conditional_page,
    urls_namespace="api",
)
add_error_handlers(api)
for failure in DatabaseError:  # which ninja itself would answer with a traceback under DEBUG
    api.exception_handler(failure)(unavailable)
api.add_router("", builders)
api.add_router("", governance)
