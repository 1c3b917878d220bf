from django.urls import path

from programs import views

app_name = "programs"

urlpatterns = [
    path("programs/", views.program_list, name="program_list"),
    path("programs/<uuid:pk>/", views.program, name="program"),
    path("programs/<uuid:pk>/approve/", views.program_approve, name="program_approve"),
    path("programs/<uuid:pk>/fail/", views.program_fail, name="program_fail"),
    path("waves/<uuid:pk>/", views.wave, name="wave"),
    path("waves/<uuid:pk>/start/", views.wave_start, name="wave_start"),
    path("waves/<uuid:pk>/fail/", views.wave_fail, name="wave_fail"),
    path("tasks/", views.task_list, name="task_list"),
    path("tasks/<uuid:pk>/", views.task, name="task"),
    path("tasks/<uuid:pk>/start/", views.task_start, name="task_start"),
    path("tasks/<uuid:pk>/complete/", views.task_complete, name="task_complete"),
    path("tasks/<uuid:pk>/fail/", views.task_fail, name="task_fail"),
    path("tasks/<uuid:pk>/send-back/", views.task_send_back, name="task_send_back"),
]
