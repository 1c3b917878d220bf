from django.urls import path

from foreman_office.dashboard.quality import case_page, views

urlpatterns = [
    path("quality/", views.quality, name="quality"),
    path("quality/validations/", views.quality_validations, name="quality_validations"),
    path("quality/validations/<uuid:pk>/", views.quality_validation, name="quality_validation"),
    path("quality/runs/", views.quality_runs, name="quality_runs"),
    path("quality/tests/", case_page.quality_test, name="quality_test"),
    path("quality/runs/<uuid:pk>/", views.quality_run, name="quality_run"),
]
