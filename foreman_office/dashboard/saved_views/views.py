"""Saved views: the page of all of them, and what is done with one's own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from foreman_office.access.organisations import names_of_people
from foreman_office.dashboard.saved_views import actions
from foreman_office.dashboard.saved_views.columns import COLUMNS, without_words
from foreman_office.dashboard.saved_views.forms import ColumnsForm, NewViewForm, ViewForm
from foreman_office.dashboard.saved_views.places import PLACES, address_of_view
from governance.models import SavedView
from kit.core.roles import reads
from kit.web.decision_forms import cleaned_or_422, respond_done
from kit.web.htmx import render_page


@reads
def saved_view_list(request: HttpRequest) -> HttpResponse:
    """Show one's own views, each with its form, and those that others share."""
    views = SavedView.objects.shown_to(request.user).filter(place__in=PLACES)
    own, shared = [], []
    for view in views.order_by("place", "name", "pk"):
        view.list_name, view.address = PLACES[view.place], address_of_view(view.place, view.query)
        if view.user_id == request.user.pk:
            said = {name: getattr(view, name) for name in ViewForm.base_fields}
            view.form = ViewForm(initial=said, auto_id=f"{view.pk}-%s")
            own.append(view)
        else:
            shared.append(view)
    names = names_of_people({view.user_id for view in shared})
    for view in shared:
        view.shared_by = names.get(view.user_id, "")
    return render_page(request, "saved_views/saved_views.html", {"own": own, "shared": shared})


@reads
def saved_view(request: HttpRequest, pk: object) -> HttpResponse:
    """Lead to the list as it was saved, by an address that others may have."""
    view = get_object_or_404(
        SavedView.objects.shown_to(request.user).filter(place__in=PLACES), pk=pk
    )
    return redirect(address_of_view(view.place, view.query))


@reads
@require_POST
def saved_view_save(request: HttpRequest) -> HttpResponse:
    view = actions.save_view(**cleaned_or_422(request, NewViewForm), by=request.user)
    return respond_done(
        request, f"The view “{view}” is saved.", address_of_view(view.place, view.query)
    )


@reads
@require_POST
def columns_choose(request: HttpRequest) -> HttpResponse:
    """Keep the columns of a list for its reader."""
    chosen = cleaned_or_422(request, ColumnsForm)
    place = chosen["place"]
    without = [each for each in COLUMNS[place] if each.name not in chosen["shown"]]
    actions.choose_columns(place=place, without=without_words(without), by=request.user)
    return respond_done(request, f"{PLACES[place]}: the columns are kept.", reverse(place))


@reads
@require_POST
def saved_view_change(request: HttpRequest, pk: object) -> HttpResponse:
    view = own_view(request, pk)
    actions.change_view(view, **cleaned_or_422(request, ViewForm), by=request.user)
    return respond_done(request, f"The view “{view}” is saved.", reverse("saved_view_list"))


@reads
@require_POST
def saved_view_delete(request: HttpRequest, pk: object) -> HttpResponse:
    view = own_view(request, pk)
    actions.delete_view(view, by=request.user)
    return respond_done(request, f"The view “{view}” is deleted.", reverse("saved_view_list"))


def own_view(request: HttpRequest, pk: object) -> SavedView:
    return get_object_or_404(SavedView, pk=pk, user=request.user)
