from django.urls import path

from programs import views

app_name = "programs"

urlpatterns = [
    path("programs/", views.program_list, name="program_list"),
    path("programs/<uuid:pk>/", views.program, name="program"),
    path("waves/<uuid:pk>/", views.wave, name="wave"),
    path("tasks/<uuid:pk>/", views.task, name="task"),
]
