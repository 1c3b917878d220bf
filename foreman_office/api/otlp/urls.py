from django.urls import path

from kit.web.late_views import LateView

VIEWS = "foreman_office.api.otlp.views"

urlpatterns = [
    path("v1/metrics", LateView(f"{VIEWS}.otlp_metrics"), name="otlp_metrics"),
    path("v1/logs", LateView(f"{VIEWS}.otlp_logs"), name="otlp_logs"),
]
