from django.urls import path

from foreman_office.access.organisations import personal
from foreman_office.dashboard.account import second_factor_views, views

urlpatterns = [
    path("account/", personal(views.account), name="account"),
    path(
        "account/sessions/end/", personal(views.account_sessions_end), name="account_sessions_end"
    ),
    path("account/organisation/", views.organisation_choose, name="organisation_choose"),
    path(
        "account/second-factor/",
        personal(second_factor_views.second_factor_page),
        name="second_factor",
    ),
    path(
        "account/second-factor/begin/",
        personal(second_factor_views.second_factor_begin),
        name="second_factor_begin",
    ),
    path(
        "account/second-factor/confirm/",
        personal(second_factor_views.second_factor_confirm),
        name="second_factor_confirm",
    ),
    path(
        "account/second-factor/remove/",
        personal(second_factor_views.second_factor_remove),
        name="second_factor_remove",
    ),
    path(
        "account/recovery-codes/",
        personal(second_factor_views.recovery_codes_renew),
        name="recovery_codes_renew",
    ),
]
