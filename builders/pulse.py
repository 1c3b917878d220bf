"""What each builder's silence or speech means, computed when it is read."""

from datetime import datetime

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.utils.timezone import now

from builders.models import Builder, Heartbeat, silence_threshold
from programs.models import BuilderName


def with_verdict(at: datetime | None = None) -> QuerySet[Builder]:
    """Ask for the five builders in their usual order, each with its `pulse` and its `verdict`.

    The pulse is the time of the newest beat: `last_heartbeat` of a builder never heard from says
    when its row was made.
    """
    silent = Q(current_task__isnull=False, last_heartbeat__lt=(at or now()) - silence_threshold())
    return Builder.objects.annotate(
        pulse=Subquery(last_beat().values("timestamp")),
        verdict=Case(
            When(silent, then=Value("silent")),
            When(pulse=None, then=Value("never-heard")),
            When(state=Builder.State.FAILED, then=Value("failed")),
            When(state=Builder.State.BLOCKED, then=Value("waiting")),
            When(state=Builder.State.ACTIVE, then=Value("working")),
            default=Value("idle"),
            output_field=TextField(),
        ),
        place=Case(*(When(pk=name, then=place) for place, name in enumerate(BuilderName.values))),
    ).order_by("place")


def with_last_words(builders: QuerySet[Builder]) -> QuerySet[Builder]:
    """Add what each builder said in its last beat, and its task with wave and program."""
    return builders.annotate(last_message=Subquery(last_beat().values("message"))).select_related(
        "current_task__wave__program"
    )


def last_beat() -> QuerySet[Heartbeat]:
    return Heartbeat.objects.filter(builder=OuterRef("pk")).order_by("-timestamp")[:1]
