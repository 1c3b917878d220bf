"""Tags of evidence: its sentences, the address of all of it, and its exact values."""

import json
from collections.abc import Iterable
from operator import attrgetter
from typing import Any
from uuid import UUID

from django import template
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from foreman_office.dashboard.evidence.folding import Folded, fold
from foreman_office.dashboard.evidence.sentences import (
    action_words,
    describe,
    recorded_as_completed,
    who_did,
)
from governance.models import Evidence
from governance.sealing.proofs import completion_of
from kit.web.templatetags.numbers import some
from programs.models import Task

register = template.Library()
register.filter("in_words", action_words)
register.filter(who_did)
register.filter(recorded_as_completed)


@register.filter
def folded(rows: Iterable[Evidence]) -> list[Folded[Evidence]]:
    """Return rows of a list, those of one transaction folded into one."""
    return fold(rows, lambda row: row)


@register.inclusion_tag("components/trail.html")
def trail(evidence: QuerySet[Evidence], about: UUID | None = None) -> dict[str, Any]:
    """Show evidence as sentences; `about` is the one entity that needs no naming."""
    return {"folded": fold(describe(evidence), attrgetter("row")), "about": about}


@register.inclusion_tag("components/completion_seal.html")
def completion_seal(task: Task) -> dict[str, Any]:
    """Show in which checkpoint the evidence is sealed that a task was completed."""
    sequence, checkpoint = completion_of(task.pk) or (None, None)
    return {"sequence": sequence, "checkpoint": checkpoint}


SHORT = 12  # a page that shows fewer rows of evidence shows all of it, imports left out
COUNTED = 100


@register.inclusion_tag("components/imported_rows_not_shown.html")
def imported_rows_not_shown(entity: Any, shown: QuerySet[Evidence]) -> dict[str, Any]:
    """Count the imported rows that evidence leaves out, where it leaves out no others."""
    number = 0
    if len(shown) < SHORT:
        number = Evidence.objects.of(entity).imported()[: COUNTED + 1].count()
    key = getattr(entity, "entity_id", entity.pk)
    about = {"of": f"{entity._meta.model_name}:{key}", "imports": "shown"}
    words = some(min(number, COUNTED), "imported row")
    return {
        "words": f"More than {words}" if number > COUNTED else words,
        "number": number,
        "address": reverse("governance:evidence_list", query=about),
    }


@register.simple_tag
def evidence_about(kind: str, key: UUID) -> str:
    """Return the address of the trail of one program, wave, task or builder."""
    return reverse("governance:evidence_list", query={"of": f"{kind}:{key}"})


@register.simple_tag
def evidence_within(entity: Model) -> str:
    """Return the address of the trail of a program or a wave and of everything inside it."""
    place = f"{entity._meta.model_name}:{entity.pk}"
    return reverse("governance:evidence_list", query={"within": place})


@register.filter
def exactly(value: Any) -> SafeString | str:
    """Show a value exactly as the trail has it; null and the empty text differ."""
    if value is None:
        return format_html('<span class="absent">{}</span>', "nothing")
    if isinstance(value, str):
        return value or format_html('<span class="absent">{}</span>', "empty")
    return format_html("<code>{}</code>", json.dumps(value, ensure_ascii=False))


@register.simple_tag
def record_address(row: Model) -> str:
    """Return where the record has what was done to a row: of a user it is the office log."""
    kind = row._meta.model_name
    if row._meta.app_label == "auth":
        return reverse("governance:office_log", query={"subject": str(row)})
    key = getattr(row, "entity_id", row.pk)
    if kind not in ("program", "wave", "task", "builder"):
        kind = getattr(row, "entity_type", "")
        if task := getattr(row, "task_id", None):
            kind, key = "task", task
        elif builder := getattr(row, "builder", None):
            kind, key = "builder", builder.entity_id
    return evidence_about(kind, key) if kind else ""
