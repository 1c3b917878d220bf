from django.contrib.auth.views import LogoutView
from django.urls import path

from foreman_office.dashboard.login import openid_views, views
from foreman_office.login_link import login_once

urlpatterns = [
    path("login/", views.login, name="login"),
    path("login/code/", views.login_code, name="login_code"),
    path("login/openid/", openid_views.openid_login, name="openid_login"),
    path("login/openid/callback/", openid_views.openid_callback, name="openid_callback"),
    path("login/once/<str:token>/", login_once, name="login_once"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
