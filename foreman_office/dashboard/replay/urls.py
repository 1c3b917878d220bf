from django.urls import path

from foreman_office.dashboard.replay import views

urlpatterns = [
    path("replay/", views.replayed_span, name="replay"),
]
