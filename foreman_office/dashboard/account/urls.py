from django.urls import path

from foreman_office.dashboard.account import second_factor_views, views

urlpatterns = [
    path("account/", views.account, name="account"),
    path("account/sessions/end/", views.account_sessions_end, name="account_sessions_end"),
    path("account/second-factor/", second_factor_views.second_factor_page, name="second_factor"),
    path(
        "account/second-factor/begin/",
        second_factor_views.second_factor_begin,
        name="second_factor_begin",
    ),
    path(
        "account/second-factor/confirm/",
        second_factor_views.second_factor_confirm,
        name="second_factor_confirm",
    ),
    path(
        "account/second-factor/remove/",
        second_factor_views.second_factor_remove,
        name="second_factor_remove",
    ),
    path(
        "account/recovery-codes/",
        second_factor_views.recovery_codes_renew,
        name="recovery_codes_renew",
    ),
]
