from django.contrib import admin
from django.urls import include, path

from foreman_office import health, metrics
from foreman_office.api.client_archive import client_pyz
from foreman_office.api.docs import api_docs
from foreman_office.api.office_api import api
from kit.web.late_views import LateView

handler500 = "kit.web.unavailable.server_error"

urlpatterns = [
    # First, because so is a heartbeat: what stands before is tried with every one.
    path("api/docs", api_docs, name="api_docs"),
    path("api/", api.urls),
    path("mcp", LateView("foreman_office.api.mcp.view.mcp"), name="mcp"),
    path("otlp/", include("foreman_office.api.otlp.urls")),
    path("", include("foreman_office.dashboard.urls")),
    path("client.pyz", client_pyz, name="client"),
    path("live/", include("kit.live.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
