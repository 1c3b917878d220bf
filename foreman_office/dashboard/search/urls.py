from django.urls import path

from foreman_office.dashboard.search import views

urlpatterns = [path("search/", views.search, name="search")]
