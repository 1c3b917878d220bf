from django.urls import path

from foreman_office.dashboard.badges import views

urlpatterns = [
    path("badges/", views.badge_list, name="badge_list"),
    path("badges/make/", views.badge_make, name="badge_make"),
    path("badges/<uuid:pk>/revoke/", views.badge_revoke, name="badge_revoke"),
]
public_urlpatterns = [
    path("badges/<str:key>.svg", views.badge_svg, name="badge_svg"),
    path("badges/<str:key>.json", views.badge_json, name="badge_json"),
]
