from django.urls import path

from foreman_office.dashboard.evidence import office_log, views

urlpatterns = [
    path("evidence/", views.evidence_list, name="evidence_list"),
    path("evidence/office/", office_log.office_log, name="office_log"),
    path("evidence/office/<int:sequence>/proof/", views.office_log_proof, name="office_log_proof"),
    path("evidence/<int:sequence>/", views.evidence, name="evidence"),
    path("evidence/<int:sequence>/proof/", views.evidence_proof, name="evidence_proof"),
]
