from django.urls import path

from foreman_office.dashboard.replay import views

urlpatterns = [
    path("replay/", views.replay, name="replay"),
]
