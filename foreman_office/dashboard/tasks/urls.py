from django.urls import path

from foreman_office.dashboard.tasks import views

urlpatterns = [
    path("tasks/", views.task_list, name="task_list"),
    path("tasks/<uuid:pk>/", views.task, name="task"),
    path("tasks/<uuid:pk>/certificate.json", views.task_certificate, name="task_certificate"),
    path("tasks/<uuid:pk>/note/", views.task_note, name="task_note"),
    path("tasks/<uuid:pk>/link/", views.task_link, name="task_link"),
    path("task-links/<uuid:pk>/remove/", views.task_link_remove, name="task_link_remove"),
    path("tasks/<uuid:pk>/start/", views.task_start, name="task_start"),
    path("tasks/<uuid:pk>/complete/", views.task_complete, name="task_complete"),
    path("tasks/<uuid:pk>/unblock/", views.task_unblock, name="task_unblock"),
    path("tasks/<uuid:pk>/fail/", views.task_fail, name="task_fail"),
    path("tasks/<uuid:pk>/send-back/", views.task_send_back, name="task_send_back"),
]
