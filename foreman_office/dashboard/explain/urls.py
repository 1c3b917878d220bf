from django.urls import path

from foreman_office.dashboard.explain import views

urlpatterns = [path("why/<str:kind>/<str:pk>/", views.why, name="why")]
