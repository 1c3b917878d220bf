"""The preferences of how pages look and behave, which are stored in the browser."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from foreman_office.dashboard.preferences.choices import CHOICES
from kit.web.decision_forms import came_from
from kit.web.htmx import render_page
from kit.web.timezones import zones_by_region


@login_required
@require_POST
def choice(request: HttpRequest) -> HttpResponse:
    """Store a preference of how pages look and behave in a cookie."""
    made = [(name, request.POST[name]) for name in CHOICES if name in request.POST]
    if not made or any(value not in CHOICES[name]() for name, value in made):
        return HttpResponseBadRequest("Unknown choice.")
    response = redirect(came_from(request) or "/")
    for name, value in made:
        response.set_cookie(
            name, value, max_age=timedelta(days=365), secure=settings.HTTPS, samesite="Lax"
        )
    return response


@login_required
@require_safe
def zone(request: HttpRequest) -> HttpResponse:
    """Show all time zones."""
    return render_page(request, "preferences/zone.html", {"regions": zones_by_region})
