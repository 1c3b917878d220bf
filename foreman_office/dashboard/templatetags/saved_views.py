"""The views of a list, in its head: opened, and saved as it is shown."""

from typing import Any

from django import template
from django.template.context import RequestContext
from django.utils.safestring import SafeString

from foreman_office.dashboard.saved_views.columns import COLUMNS, left_out, without_words
from foreman_office.dashboard.saved_views.forms import ColumnsForm, NewViewForm
from foreman_office.dashboard.saved_views.places import (
    WITHOUT,
    address_of_view,
    place_shown,
    query_of_view,
)
from foreman_office.dashboard.saved_views.reading import views_of
from kit.web.decision_forms import shared

register = template.Library()


@register.inclusion_tag("saved_views/menu.html", takes_context=True)
def saved_views(context: RequestContext) -> dict[str, Any]:
    """Show the views of the list that is shown; nothing where none can be saved."""
    request = context["request"]
    if not (place := place_shown(request)):
        return {"place": ""}
    now = query_of_view(asked_with_columns(request))
    listed = [
        (view, address_of_view(place, view.query), view.query == now) for view in views_of(request)
    ]
    form = NewViewForm(initial={"place": place, "query": now}, auto_id="view-%s")
    found = {"place": place, "listed": listed, "form": form, "user": request.user}
    return found | shared(context)


def asked_with_columns(request: Any) -> str:
    """Return what the address asks for, with the columns that the list is shown without."""
    asked = request.GET.copy()
    if columns := left_out(request):
        asked[WITHOUT] = without_words(columns)
    return str(asked.urlencode())


@register.inclusion_tag("saved_views/columns.html", takes_context=True)
def columns_menu(context: RequestContext) -> dict[str, Any]:
    """Offer the choice of the columns of the list that is shown, where it has one."""
    request = context["request"]
    place = place_shown(request)
    if place not in COLUMNS:
        return {"form": None}
    hidden = left_out(request)
    shown = [column.name for column in COLUMNS[place] if column not in hidden]
    form = ColumnsForm(place=place, initial={"place": place, "shown": shown}, auto_id="columns-%s")
    asked = request.GET.copy()
    asked.pop(WITHOUT, None)  # what is chosen holds then, whatever a view says
    back = f"{request.path}?{asked.urlencode()}" if asked else context["listing"].everything
    return {"form": form, "hidden": len(hidden), "back": back} | shared(context)


@register.simple_tag(takes_context=True)
def without_columns(context: RequestContext) -> SafeString | str:
    """Return the attribute of a table that leaves columns out, by their places."""
    hidden = left_out(context["request"])
    places = " ".join(str(column.position) for column in hidden)
    return SafeString(f' data-without="{places}"') if places else ""
