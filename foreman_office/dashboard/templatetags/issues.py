"""Tags of blockers and violations: what each holds up, and what may be done about it."""

from typing import Any
from uuid import UUID

from django import template
from django.db.models import QuerySet
from django.template.context import RequestContext
from django.urls import reverse
from django.utils.safestring import SafeString

from foreman_office.dashboard import available_actions
from governance.entities import name_entities
from governance.models import Blocker
from kit.core.roles import may_decide
from kit.web.decision_forms import shared
from kit.web.templatetags.display import offers as draw_offers

register = template.Library()


@register.inclusion_tag("components/blockers.html", takes_context=True)
def blocker_rows(
    context: RequestContext, blockers: QuerySet[Blocker], about: UUID | None = None
) -> dict[str, Any]:
    """Show blockers, each with what it holds up, unless that is what the page is about."""
    rows = name_entities(blockers)
    if may_decide(context["request"]):
        for row in rows:
            row.offers = [] if row.resolved_at else [available_actions.offer_resolution(row)]
    return {"blockers": rows, "about": about, **shared(context)}


@register.simple_tag(takes_context=True)
def offers_for(context: RequestContext, entity: Any) -> SafeString:
    """Show what may be decided about a builder, a violation or a blocker."""
    offered: list[Any] = []
    if may_decide(context["request"]):
        is_trouble = hasattr(entity, "resolved_at")
        offered = (
            [available_actions.offer_resolution(entity)]
            if is_trouble
            else available_actions.offers_on(entity)
        )
    return draw_offers(context, offered)


@register.simple_tag
def blockers_of(program: UUID, **more: str) -> str:
    """Return the address of the list of a program's blockers."""
    return reverse("governance:blocker_list", query={"program": program, **more})
