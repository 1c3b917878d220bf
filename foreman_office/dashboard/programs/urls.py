from django.urls import path

from foreman_office.dashboard.programs import forecast_views, views

urlpatterns = [
    path("programs/", views.program_list, name="program_list"),
    path("programs/<uuid:pk>/", views.program, name="program"),
    path("programs/<uuid:pk>/forecast/", forecast_views.program_forecast, name="program_forecast"),
    path("programs/<uuid:pk>/approve/", views.program_approve, name="program_approve"),
    path("programs/<uuid:pk>/send-back/", views.program_send_back, name="program_send_back"),
    path("programs/<uuid:pk>/budget/", views.program_budget, name="program_budget"),
    path("programs/<uuid:pk>/unblock/", views.program_unblock, name="program_unblock"),
    path("programs/<uuid:pk>/allow-pull/", views.program_allow_pull, name="program_allow_pull"),
    path("programs/<uuid:pk>/forbid-pull/", views.program_forbid_pull, name="program_forbid_pull"),
    path("programs/<uuid:pk>/archive/", views.program_archive, name="program_archive"),
    path("programs/<uuid:pk>/unarchive/", views.program_unarchive, name="program_unarchive"),
    path("programs/<uuid:pk>/fail/", views.program_fail, name="program_fail"),
    path("waves/<uuid:pk>/", views.wave, name="wave"),
    path("waves/<uuid:pk>/forecast/", forecast_views.wave_forecast, name="wave_forecast"),
    path("waves/<uuid:pk>/start/", views.wave_start, name="wave_start"),
    path("waves/<uuid:pk>/unblock/", views.wave_unblock, name="wave_unblock"),
    path("waves/<uuid:pk>/accept/", views.wave_accept, name="wave_accept"),
    path("waves/<uuid:pk>/fail/", views.wave_fail, name="wave_fail"),
]
