"""What each builder's silence or speech means, computed when it is read."""

from datetime import datetime

from django.db import connection
from django.db.models import Case, OuterRef, QuerySet, Subquery, When

from builders.models import Builder, Heartbeat
from kit.runtime.database.members import organisation_in_use
from programs.models import BuilderName


def with_verdict(at: datetime | None = None) -> QuerySet[Builder]:
    """Return the five builders in their usual order, each with its verdict and its clocks."""
    return (
        Builder.objects.with_verdicts(at)
        .annotate(
            place=Case(
                *(When(pk=name, then=place) for place, name in enumerate(BuilderName.values))
            )
        )
        .order_by("place")
    )


def busy_elsewhere() -> list[str]:
    """Return the builders that hold a task of another organisation: more is not told of them."""
    if organisation_in_use() is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT builders_busy_elsewhere()")
        found = {name for (name,) in cursor.fetchall()}
    return [name for name in BuilderName.values if name in found]


def with_last_words(builders: QuerySet[Builder]) -> QuerySet[Builder]:
    """Add what each builder said in its last beat, and its task with wave and program."""
    return builders.annotate(last_message=Subquery(last_beat().values("message"))).select_related(
        "current_task__wave__program"
    )


def last_beat() -> QuerySet[Heartbeat]:
    return Heartbeat.objects.filter(builder=OuterRef("pk")).newest_first()[:1]
