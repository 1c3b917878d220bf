from django.urls import path

from foreman_office.dashboard.issues import views

urlpatterns = [
    path("blockers/", views.blocker_list, name="blocker_list"),
    path("blockers/new/", views.blocker_new, name="blocker_new"),
    path("blockers/new/<str:kind>/<uuid:pk>/", views.blocker_raise, name="blocker_raise"),
    path("blockers/<uuid:pk>/resolve/", views.blocker_resolve, name="blocker_resolve"),
    path("violations/", views.violation_list, name="violation_list"),
    path("violations/new/", views.violation_new, name="violation_new"),
    path("violations/new/<str:kind>/<str:pk>/", views.violation_record, name="violation_record"),
    path("violations/<uuid:pk>/resolve/", views.violation_resolve, name="violation_resolve"),
]
