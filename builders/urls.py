from django.urls import path

from builders import views

app_name = "builders"

urlpatterns = [
    path("", views.builder_list, name="builder_list"),
    path("pause/", views.builder_pause, name="builder_pause"),
    path("<str:pk>/resume/", views.builder_resume, name="builder_resume"),
]
