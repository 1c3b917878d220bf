"""The views of a list that a person may open, and the one that opens with it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from foreman_office.access.organisations import names_of_people
from foreman_office.dashboard.saved_views.places import address_of_view, place_shown
from governance.models import SavedView
from kit.web.htmx import wants_part


def views_of(request: HttpRequest) -> list[Any]:
    """Return the views of the list that is shown, one's own first; read once a request."""
    if not hasattr(request, "saved_views"):
        rows = SavedView.objects.shown_to(request.user).filter(place=place_shown(request))
        own = [view for view in rows if view.user_id == request.user.pk]
        shared = [view for view in rows if view.user_id != request.user.pk]
        names = names_of_people({view.user_id for view in shared})
        for view in shared:
            view.shared_by = names.get(view.user_id, "")
        request.saved_views = [*own, *shared]  # type: ignore[attr-defined]
    return request.saved_views  # type: ignore[attr-defined,no-any-return]


def opens_with_default[**P](
    view: Callable[P, HttpResponseBase],
) -> Callable[P, HttpResponseBase]:
    """Lead a list without any filter to the view that its reader opens it with, if there is one."""

    @wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request: Any = args[0]
        # The address of the whole list says more, then.
        request.opens_elsewhere = lambda: default_of(request) is not None
        is_bare = request.method == "GET" and not request.GET and not wants_part(request)
        if is_bare and (default := default_of(request)):
            return redirect(address_of_view(default.place, default.query))
        return view(*args, **kwargs)

    return wrapped


def default_of(request: HttpRequest) -> Any:
    """Return the view with which a list opens; one without any filter is the list itself."""
    if not request.user.is_authenticated:
        return None
    own = (view for view in views_of(request) if view.user_id == request.user.pk)
    return next((view for view in own if view.is_default and view.query), None)
