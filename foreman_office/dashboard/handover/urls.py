from django.urls import path

from foreman_office.dashboard.handover import views

urlpatterns = [
    path("handover/", views.handover, name="handover"),
    path("handover/read/", views.handover_read, name="handover_read"),
    path("handover/mail/", views.handover_mail, name="handover_mail"),
]
