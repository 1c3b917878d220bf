from django.urls import path

from foreman_office.dashboard.inbox import decision_views, views

urlpatterns = [
    path("", views.inbox, name="inbox"),
    path("decisions/", views.decisions, name="decisions"),
    path("decisions/<str:key>/", decision_views.decision, name="decision"),
    path(
        "decisions/<str:key>/acknowledge/",
        decision_views.decision_acknowledge,
        name="decision_acknowledge",
    ),
    path(
        "decisions/<str:key>/give-back/",
        decision_views.decision_give_back,
        name="decision_give_back",
    ),
    path("decisions/<str:key>/snooze/", decision_views.decision_snooze, name="decision_snooze"),
    path("decisions/<str:key>/wake/", decision_views.decision_wake, name="decision_wake"),
    path("decisions/<str:key>/assign/", decision_views.decision_assign, name="decision_assign"),
]
