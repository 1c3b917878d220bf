from django.urls import path

from foreman_office.dashboard.quality import views

urlpatterns = [
    path("quality/", views.quality, name="quality"),
    path("quality/validations/", views.quality_validations, name="quality_validations"),
    path("quality/runs/", views.quality_runs, name="quality_runs"),
    path("quality/runs/<uuid:pk>/", views.quality_run, name="quality_run"),
]
