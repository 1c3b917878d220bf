from django.urls import path

from foreman_office.dashboard.notes import views

urlpatterns = [
    path("notes/<str:kind>/<str:pk>/", views.notes, name="notes"),
    path("notes/<str:kind>/<str:pk>/write/", views.note_write, name="note_write"),
    path("notes/<str:kind>/<uuid:pk>/withdraw/", views.note_withdraw, name="note_withdraw"),
]
