from django.urls import path

from foreman_office.dashboard.evidence_archive import views

urlpatterns = [
    path("evidence/archive/", views.evidence_archive, name="evidence_archive"),
    path("evidence/archive.zip", views.evidence_archive_zip, name="evidence_archive_zip"),
]
