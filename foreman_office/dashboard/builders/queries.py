"""What each builder's silence or speech means, computed when it is read."""

from datetime import datetime

from django.db.models import Case, OuterRef, QuerySet, Subquery, When

from builders.models import Builder, Heartbeat
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


def with_last_words(builders: QuerySet[Builder]) -> QuerySet[Builder]:
    """Add what each builder said in its last beat, and its task with wave and program."""
    return builders.annotate(last_message=Subquery(last_beat().values("message"))).select_related(
        "current_task__wave__program"
    )


def last_beat() -> QuerySet[Heartbeat]:
    return Heartbeat.objects.filter(builder=OuterRef("pk")).newest_first()[:1]
