"""The indexes of what is detected and later resolved: blockers and violations."""

from django.db import models
from django.db.models import F, Q


def detection_indexes(noun: str, key: str) -> list[models.Index]:
    """Return the indexes for what came last and what was resolved last."""
    return [
        models.Index(F("detected_at").desc(), F(key).desc(), name=f"idx_{noun}_detected"),
        models.Index(
            F("resolved_at").desc(),
            F(key).desc(),
            name=f"idx_{noun}_resolved",
            condition=Q(resolved_at__isnull=False),
        ),
    ]
