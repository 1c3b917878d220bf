from django.urls import path

from foreman_office.dashboard.builders import views

urlpatterns = [
    path("", views.builder_list, name="builder_list"),
    path("<str:pk>/", views.builder, name="builder"),
    path("<str:pk>/pause/", views.builder_pause, name="builder_pause"),
    path("<str:pk>/resume/", views.builder_resume, name="builder_resume"),
    path("<str:pk>/silence-threshold/", views.builder_threshold, name="builder_threshold"),
    path("<str:pk>/budget/", views.builder_budget, name="builder_budget"),
    path("<str:pk>/issue-token/", views.builder_issue_token, name="builder_issue_token"),
    path("tokens/<uuid:pk>/revoke/", views.token_revoke, name="token_revoke"),
    path("questions/<uuid:pk>/answer/", views.question_answer, name="question_answer"),
    path("tasks/<uuid:pk>/assign/", views.task_assign, name="task_assign"),
    path("tasks/<uuid:pk>/release/", views.task_release, name="task_release"),
]
