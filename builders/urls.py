from django.urls import path

from builders import views

app_name = "builders"

urlpatterns = [
    path("", views.builder_list, name="builder_list"),
]
