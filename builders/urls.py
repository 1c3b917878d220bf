from django.urls import path

from builders import views

app_name = "builders"

urlpatterns = [
    path("", views.builder_list, name="builder_list"),
    path("<str:pk>/", views.builder, name="builder"),
    path("<str:pk>/pause/", views.builder_pause, name="builder_pause"),
    path("<str:pk>/resume/", views.builder_resume, name="builder_resume"),
    path("<str:pk>/issue-token/", views.builder_issue_token, name="builder_issue_token"),
    path("tokens/<uuid:pk>/revoke/", views.token_revoke, name="token_revoke"),
    path("tasks/<uuid:pk>/assign/", views.task_assign, name="task_assign"),
    path("tasks/<uuid:pk>/release/", views.task_release, name="task_release"),
]
