"""The views of a list, in its head: opened, and saved as it is shown."""

from typing import Any

from django import template
from django.template.context import RequestContext

from foreman_office.dashboard.saved_views.forms import NewViewForm
from foreman_office.dashboard.saved_views.places import address_of_view, query_of_view
from foreman_office.dashboard.saved_views.reading import place_shown, views_of
from kit.web.decision_forms import shared

register = template.Library()


@register.inclusion_tag("saved_views/menu.html", takes_context=True)
def saved_views(context: RequestContext) -> dict[str, Any]:
    """Show the views of the list that is shown; nothing where none can be saved."""
    request = context["request"]
    if not (place := place_shown(request)):
        return {"place": ""}
    now = query_of_view(request.GET.urlencode())
    listed = [
        (view, address_of_view(place, view.query), view.query == now) for view in views_of(request)
    ]
    form = NewViewForm(initial={"place": place, "query": now}, auto_id="view-%s")
    found = {"place": place, "listed": listed, "form": form, "user": request.user}
    return found | shared(context)
