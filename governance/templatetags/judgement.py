"""What the pages of the judgement say: where evidence is, and its values as they stand there."""

import json
from typing import Any
from uuid import UUID

from django import template
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from governance.trail import in_words

register = template.Library()
register.filter(in_words)


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
    """Show a value of the trail as it stands there; nothing is no empty text."""
    if value is None:
        return format_html('<span class="absent">{}</span>', "nothing")
    if isinstance(value, str):
        return value or format_html('<span class="absent">{}</span>', "empty")
    return format_html("<code>{}</code>", json.dumps(value, ensure_ascii=False))


@register.filter
def signed(number: int) -> str:
    """Say a difference with its sign."""
    return f"{number:+,}".replace("-", "\N{MINUS SIGN}") if number else "0"


@register.filter
def thousands(number: int) -> str:
    return f"{number:,}"
