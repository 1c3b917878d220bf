from django.urls import path

from foreman_office.dashboard.preferences import views

urlpatterns = [
    path("choice/", views.choice, name="choice"),
    path("zone/", views.zone, name="zone"),
]
