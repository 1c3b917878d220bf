"""The API for builders: one document, one form of error, a router from each app."""

from ninja import NinjaAPI

from builders.api import router as builders
from foreman_office.kit.api import add_error_handlers
from governance.api import ReportParser
from governance.api import router as governance

api = NinjaAPI(
    title="Foreman Office",
    version="1",
    description="What builders tell the office and ask it, each with a token of its own.",
    parser=ReportParser(),
    docs_url=None,
    urls_namespace="api",
)
add_error_handlers(api)
api.add_router("", builders)
api.add_router("", governance)
