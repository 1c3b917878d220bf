from django.urls import path

from foreman_office.dashboard.planning import plan_file_views, views

program_urlpatterns = [
    path("programs/new/", views.program_new, name="program_new"),
    path("programs/<uuid:pk>/edit/", views.program_edit, name="program_edit"),
    path("programs/<uuid:pk>/delete/", views.program_delete, name="program_delete"),
    path("programs/<uuid:pk>/add-wave/", views.program_add_wave, name="program_add_wave"),
    path("waves/<uuid:pk>/edit/", views.wave_edit, name="wave_edit"),
    path("waves/<uuid:pk>/delete/", views.wave_delete, name="wave_delete"),
    path("waves/<uuid:pk>/add-task/", views.wave_add_task, name="wave_add_task"),
    path("tasks/<uuid:pk>/edit/", views.task_edit, name="task_edit"),
    path("tasks/<uuid:pk>/delete/", views.task_delete, name="task_delete"),
]
plan_file_urlpatterns = [
    path("plans/import/", plan_file_views.plan_import, name="plan_import"),
    path("programs/<uuid:pk>/plan.yaml", plan_file_views.plan_export, name="plan_export"),
]
