from django.urls import path

from foreman_office.dashboard.bulk import views

program_urlpatterns = [
    path("programs/bulk/", views.program_bulk, name="program_bulk"),
    path("tasks/bulk/", views.task_bulk, name="task_bulk"),
]
blocker_urlpatterns = [path("blockers/bulk/", views.blocker_bulk, name="blocker_bulk")]
