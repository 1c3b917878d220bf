from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from foreman_office import health, metrics, views
from foreman_office.api import api
from foreman_office.api_docs import api_docs
from foreman_office.login_link import login_once

handler500 = "foreman_office.kit.unavailable.server_error"

urlpatterns = [
    # First, because so is a heartbeat: what stands before is tried with every one.
    path("api/docs", api_docs, name="api_docs"),
    path("api/", api.urls),
    path("", views.inbox, name="inbox"),
    path("login/", views.login, name="login"),
    path("login/once/<str:token>/", login_once, name="login_once"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("search/", views.search, name="search"),
    path("choice/", views.choice, name="choice"),
    path("zone/", views.zone, name="zone"),
    path("", include("programs.urls")),
    path("builders/", include("builders.urls")),
    path("", include("governance.urls")),
    path("live/", include("foreman_office.live.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
