from django.contrib.auth.views import LogoutView
from django.urls import path

from foreman_office.access.organisations import personal
from foreman_office.dashboard.login import openid_views, views
from foreman_office.login_link import login_once

urlpatterns = [
    path("login/", personal(views.login), name="login"),
    path("login/code/", personal(views.login_code), name="login_code"),
    path("login/openid/", personal(openid_views.openid_login), name="openid_login"),
    path("login/openid/callback/", personal(openid_views.openid_callback), name="openid_callback"),
    path("login/once/<str:token>/", personal(login_once), name="login_once"),
    path("logout/", personal(LogoutView.as_view()), name="logout"),
]
