"""The admin's site: its only door is the login of the office."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse


class OfficeAdminSite(admin.AdminSite):
    site_header = "Foreman Office records"
    site_title = "Foreman Office"
    index_title = "Records"
    site_url = None  # base_site.html has a link of its own

    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the person corrects records: as staff, or where they work now."""
        user: Any = request.user
        return bool(user.is_active and getattr(user, "opens_records", user.is_staff))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Refuse a user who is no admin, instead of asking for another login."""
        guarded = super().admin_view(view, cacheable)

        def for_admins(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return guarded(request, *args, **kwargs)

        return for_admins

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the login of the office."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied
        after = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        return redirect_to_login(after)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Lead to the office's own page for it, which limits attempts at the old password."""
        return redirect("account")
