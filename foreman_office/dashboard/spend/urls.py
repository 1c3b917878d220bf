from django.urls import path

from foreman_office.dashboard.spend import views

urlpatterns = [path("spend/", views.spend, name="spend")]
