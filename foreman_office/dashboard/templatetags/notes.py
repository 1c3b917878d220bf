"""Tags of notes: on the page of a thing, and their number in a list."""

from typing import Any

from django import template
from django.template.context import RequestContext

from foreman_office.dashboard.notes import queries
from foreman_office.dashboard.notes.subjects import LABELS, NotedSubject
from kit.core.roles import may_decide
from kit.web.decision_forms import shared

register = template.Library()


@register.inclusion_tag("components/notes.html", takes_context=True)
def notes_on(context: RequestContext, row: Any, kind: str = "") -> dict[str, Any]:
    """Show the newest notes on a row of a kind, the older ones folded."""
    kind = kind or row._meta.model_name
    subject = NotedSubject(kind, str(row.key if kind == "decision" else row.pk), str(row), row, row)
    decides = may_decide(context["request"])
    notes = queries.shown_notes(subject, decides=decides)
    return {"notes": notes, "label": LABELS[kind], **shared(context)}


@register.simple_tag
def number_notes(rows: list[Any], kind: str) -> str:
    """Add to each row of a list the number of its notes; draw nothing."""
    queries.count_notes(rows, kind)
    return ""
