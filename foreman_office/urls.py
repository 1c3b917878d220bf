from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from foreman_office import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("login/", views.login, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("theme/", views.theme, name="theme"),
    path("", include("programs.urls")),
    path("builders/", include("builders.urls")),
    path("admin/", admin.site.urls),
]
