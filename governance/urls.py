from django.urls import path

from governance import views

app_name = "governance"

urlpatterns = [
    path("why/<str:kind>/<str:pk>/", views.why, name="why"),
    path("blockers/<uuid:pk>/resolve/", views.blocker_resolve, name="blocker_resolve"),
    path("violations/<uuid:pk>/resolve/", views.violation_resolve, name="violation_resolve"),
]
