from django.urls import path

from foreman_office.dashboard.fulfilment import views

urlpatterns = [
    path("tasks/<uuid:pk>/validate/", views.task_validate, name="task_validate"),
    path("tasks/<uuid:pk>/report/", views.task_report, name="task_report"),
    path("tasks/<uuid:pk>/evidence/", views.task_evidence, name="task_evidence"),
]
