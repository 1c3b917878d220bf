"""Figures of blockers and violations: how many, how old, and how long resolving takes."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    Aggregate,
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    Min,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from builders.models import Builder
from governance.models import Blocker, GovernanceViolation
from kit.core.acts import FOREMAN
from programs.models import Program, Task, Wave

WINDOW = timedelta(days=30)
# When what is open is taken to end, so that it sorts after all that has ended.
NOT_YET = datetime(3000, 1, 1, tzinfo=UTC)

type Issue = Blocker | GovernanceViolation


class MedianAndP90(Aggregate):
    """The median and the 90th percentile of a duration, between two values where it falls there."""

    name = "MedianAndP90"
    function = "percentile_cont"
    template = "%(function)s(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = ArrayField(DurationField())


class Summary(NamedTuple):
    """What is open now, and how long it took to resolve what was resolved within `WINDOW`."""

    open: int
    by_class: list[tuple[str, int]]
    oldest: Any
    resolved: int
    median: timedelta | None
    p90: timedelta | None
    days: int = WINDOW.days


def timed(troubles: QuerySet[Any]) -> QuerySet[Any]:
    """Annotate `ended`, when each was resolved, and `lasted`; open ones end last."""
    ended = Coalesce("resolved_at", Value(NOT_YET), output_field=DateTimeField())
    lasted = ExpressionWrapper(ended - F("detected_at"), output_field=DurationField())
    return troubles.annotate(ended=ended, lasted=lasted)


def summarize(
    troubles: QuerySet[Any], by: str, at: datetime | None = None, among: Iterable[Any] = ()
) -> Summary:
    """Sum blockers or violations up by a field, of those open and those within the window.

    The oldest is taken from `among` if it is there, and else read.
    """
    troubles = troubles.order_by()
    unresolved = troubles.filter(resolved_at=None)
    labels = dict(troubles.model._meta.get_field(by).choices or ())
    counted = list(
        unresolved.values_list(by)
        .annotate(number=Count("pk"), since=Min("detected_at"))
        .order_by("-number", by)
    )
    by_class = [(labels.get(value, value), number) for value, number, _ in counted]
    since = min((since for _, _, since in counted), default=None)
    took = ExpressionWrapper(F("resolved_at") - F("detected_at"), output_field=DurationField())
    resolved = troubles.filter(resolved_at__gt=(at or now()) - WINDOW).aggregate(
        number=Count("pk"),
        # What was resolved before it was detected does not show how long resolving takes.
        spans=MedianAndP90(took, filter=Q(resolved_at__gte=F("detected_at"))),
    )
    median, p90 = resolved["spans"] or (None, None)
    return Summary(
        open=sum(number for _, number in by_class),
        by_class=by_class,
        oldest=since and oldest_of(unresolved, since, among),
        resolved=resolved["number"],
        median=median,
        p90=p90,
    )


def oldest_of(unresolved: QuerySet[Any], since: datetime, among: Iterable[Any]) -> Any:
    here = (each for each in among if each.detected_at == since and not each.resolved_at)
    return next(here, None) or unresolved.filter(detected_at=since).first()


def name_subjects(violations: Sequence[Any]) -> None:
    """Set each violation's `entity`, as blockers have one: its task, or else its builder.

    `entity_type` and `entity_id` are what evidence calls it.
    """
    for violation in violations:
        violation.entity = violation.task or violation.builder
        if violation.task_id:
            violation.entity_type, violation.entity_id = "task", violation.task_id
        else:
            violation.entity_type = "builder"
            violation.entity_id = Builder(pk=violation.builder_id or FOREMAN).entity_id


def name_of_program(entity: Any) -> str | None:
    """Return the name of the program that an entity belongs to; a builder belongs to none."""
    match entity:
        case Program():
            return entity.name
        case Wave():
            return entity.program.name
        case Task():
            return entity.wave.program.name
    return None
