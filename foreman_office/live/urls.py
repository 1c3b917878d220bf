from django.urls import path

from foreman_office.live import views

app_name = "live"

urlpatterns = [path("", views.stream, name="stream")]
