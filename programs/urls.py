from django.urls import path

from programs import plan_views, task_views, views

app_name = "programs"

urlpatterns = [
    path("programs/", views.program_list, name="program_list"),
    path("programs/<uuid:pk>/", views.program, name="program"),
    path("programs/new/", plan_views.program_new, name="program_new"),
    path("programs/<uuid:pk>/edit/", plan_views.program_edit, name="program_edit"),
    path("programs/<uuid:pk>/delete/", plan_views.program_delete, name="program_delete"),
    path("programs/<uuid:pk>/add-wave/", plan_views.program_add_wave, name="program_add_wave"),
    path("programs/<uuid:pk>/approve/", views.program_approve, name="program_approve"),
    path("programs/<uuid:pk>/fail/", views.program_fail, name="program_fail"),
    path("waves/<uuid:pk>/", views.wave, name="wave"),
    path("waves/<uuid:pk>/edit/", plan_views.wave_edit, name="wave_edit"),
    path("waves/<uuid:pk>/delete/", plan_views.wave_delete, name="wave_delete"),
    path("waves/<uuid:pk>/add-task/", plan_views.wave_add_task, name="wave_add_task"),
    path("waves/<uuid:pk>/start/", views.wave_start, name="wave_start"),
    path("waves/<uuid:pk>/fail/", views.wave_fail, name="wave_fail"),
    path("tasks/", task_views.task_list, name="task_list"),
    path("tasks/<uuid:pk>/", task_views.task, name="task"),
    path("tasks/<uuid:pk>/edit/", plan_views.task_edit, name="task_edit"),
    path("tasks/<uuid:pk>/delete/", plan_views.task_delete, name="task_delete"),
    path("tasks/<uuid:pk>/start/", task_views.task_start, name="task_start"),
    path("tasks/<uuid:pk>/complete/", task_views.task_complete, name="task_complete"),
    path("tasks/<uuid:pk>/fail/", task_views.task_fail, name="task_fail"),
    path("tasks/<uuid:pk>/send-back/", task_views.task_send_back, name="task_send_back"),
]
