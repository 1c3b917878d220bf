"""What is deleted along with rows."""

import hashlib
from collections.abc import Iterator
from typing import Any

from django.db.models import CASCADE, QuerySet

from kit.core.acts import Refused

CHANGED_MEANWHILE = "contents_changed_meanwhile"  # the rule of a refused deletion


def contents(rows: QuerySet[Any], *, lock: bool = False) -> str:
    """Return a digest of the keys of what is deleted along with rows; empty where nothing is.

    A form that confirms a deletion sends it along, so that nothing is deleted that was not shown.
    With `lock` no row can be added to the rows, or to those inside them, until the transaction
    ends.
    """
    keys = sorted(_inside(rows, lock))
    return hashlib.sha256("\n".join(keys).encode()).hexdigest() if keys else ""


def confirm_contents(rows: QuerySet[Any], shown: str) -> None:
    """Refuse a deletion of rows with other contents than were shown; otherwise lock them."""
    if contents(rows, lock=True) != shown:
        words = "What is inside has changed meanwhile. Nothing was deleted."
        raise Refused(CHANGED_MEANWHILE, words)


def _inside(rows: QuerySet[Any], lock: bool) -> Iterator[str]:
    if lock:
        list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk"))
    for relation in rows.model._meta.related_objects:
        if relation.on_delete is not CASCADE:
            continue
        related = relation.related_model._base_manager.filter(
            **{f"{relation.field.name}__in": rows.order_by()}
        )
        label = related.model._meta.label_lower
        yield from (f"{label} {key}" for key in related.values_list("pk", flat=True))
        yield from _inside(related, lock)
