"""The tag of what would be deleted along with rows, for the forms that confirm a deletion."""

from typing import Any

from django import template
from django.db.models import Model, QuerySet

from kit.core.contents import contents

register = template.Library()


@register.simple_tag
def contents_of(rows: Model | QuerySet[Any]) -> str:
    """Return the digest of what is deleted along with a row or with rows."""
    if isinstance(rows, Model):
        rows = type(rows)._base_manager.filter(pk=rows.pk)
    return contents(rows)
