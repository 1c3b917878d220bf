from django.urls import path

from foreman_office.dashboard.ci_tokens import views

urlpatterns = [
    path("ci-tokens/", views.ci_token_list, name="ci_token_list"),
    path("ci-tokens/issue/", views.ci_token_issue, name="ci_token_issue"),
    path("ci-tokens/<uuid:pk>/revoke/", views.ci_token_revoke, name="ci_token_revoke"),
]
