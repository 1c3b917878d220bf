from django.urls import path

from foreman_office.dashboard.saved_views import views

urlpatterns = [
    path("views/", views.saved_view_list, name="saved_view_list"),
    path("views/save/", views.saved_view_save, name="saved_view_save"),
    path("views/columns/", views.columns_choose, name="columns_choose"),
    path("views/<uuid:pk>/", views.saved_view, name="saved_view"),
    path("views/<uuid:pk>/change/", views.saved_view_change, name="saved_view_change"),
    path("views/<uuid:pk>/delete/", views.saved_view_delete, name="saved_view_delete"),
]
