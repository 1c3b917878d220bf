"""What pages of any app show of the judgement: the trail, the blockers."""

from typing import Any
from uuid import UUID

from django import template
from django.db.models import QuerySet

from governance.entities import name_entities
from governance.models import Blocker, Evidence
from governance.trail import tell

register = template.Library()


@register.inclusion_tag("components/trail.html")
def trail(evidence: QuerySet[Evidence], about: UUID | None = None) -> dict[str, Any]:
    """Show evidence as sentences; `about` is the one entity that needs no naming."""
    return {"happenings": tell(evidence), "about": about}


@register.inclusion_tag("components/blockers.html")
def blocker_rows(blockers: QuerySet[Blocker], about: UUID | None = None) -> dict[str, Any]:
    """Show blockers, each with what it holds up, unless that is what the page is about."""
    return {"blockers": name_entities(blockers), "about": about}
