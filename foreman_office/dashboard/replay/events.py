"""What happened in the span of a replay: the acts of the evidence, each with its lane."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from builders.models import Builder
from foreman_office.dashboard.evidence.folding import Folded, fold
from foreman_office.dashboard.evidence.sentences import EvidenceEntry, describe
from foreman_office.dashboard.replay.lanes import HeldTask
from governance.models import Evidence
from kit.web.addresses import address_of, address_then
from kit.web.time_axis import TimeAxis, TimeSpan
from programs.models import BuilderName

MOST = 400  # acts at once; the rest is further parts of the replay
OFFICE = "office"

# Not told: that a builder is at work, or idle. That it failed is a stall, and told.
TELLING = ~Q(entity_type="builder", action="state_changed") | (
    Q(context__to="failed") | Q(context__from="failed")
)


class ReplayEvent(NamedTuple):
    """An act with its consequences, on its lane and at its place of the axis."""

    told: EvidenceEntry
    others: list[EvidenceEntry]
    lane: str  # a builder, or the office
    x: str
    shape: str  # of its mark: a run, a decision of a person, or anything else
    then: str  # the address of what it is about, as of its moment

    @property
    def at(self) -> datetime:
        return self.told.row.timestamp

    @property
    def words(self) -> str:
        about = f"{self.told.entity_name}: " if self.told.entity_name != self.lane else ""
        return f"{about}{self.told.what}{f' {self.told.object}' if self.told.object else ''}"


class ReplayPart(NamedTuple):
    """The events of a span, or of its first part; `goes_on` is from where the next part is."""

    events: list[ReplayEvent]
    goes_on: datetime | None


def events_in(span: TimeSpan, axis: TimeAxis, held: Mapping[str, Sequence[HeldTask]]) -> ReplayPart:
    """Return what happened in a span, in the order in which it did."""
    acts = Evidence.objects.as_it_happened().filter(
        TELLING, timestamp__gte=span.start, timestamp__lt=span.end
    )
    rows = list(acts.order_by("timestamp", "sequence")[: MOST + 1])
    goes_on = None
    if len(rows) > MOST:
        # What was done at once is told at once; of a single act of so many rows, the first.
        goes_on = rows[-1].timestamp
        if rows[0].timestamp == goes_on:
            goes_on += timedelta(microseconds=1)
        rows = [row for row in rows if row.timestamp < goes_on]
    holders = {
        task.task_id: [(builder, each) for builder, all in held.items() for each in all
                       if each.task_id == task.task_id]
        for tasks in held.values() for task in tasks
    }  # fmt: skip
    folded = fold(describe(rows), attrgetter("row"))
    return ReplayPart([_event(each, axis, holders) for each in folded], goes_on)


def _event(
    folded: Folded[EvidenceEntry],
    axis: TimeAxis,
    holders: Mapping[UUID, Sequence[tuple[str, HeldTask]]],
) -> ReplayEvent:
    told = folded.head
    lanes = (_lane_of(each.row, holders) for each in (told, *folded.others))
    return ReplayEvent(
        told,
        folded.others,
        next(filter(None, lanes), OFFICE),
        axis.x(told.row.timestamp),
        "run" if told.row.action == "qa_run_recorded" else _kind_of(told),
        _then(told),
    )


def _kind_of(told: EvidenceEntry) -> str:
    return "decision" if told.row.facts.get("user") else "other"


def _lane_of(row: Evidence, holders: Mapping[UUID, Sequence[tuple[str, HeldTask]]]) -> str | None:
    """Return the builder that an act concerns: itself, the holder of its task, or who acted."""
    if row.entity_type == "builder":
        return BUILDERS.get(row.entity_id)
    for builder, held in holders.get(row.entity_id, ()):
        if held.began <= row.timestamp and (held.ended is None or row.timestamp <= held.ended):
            return builder
    return row.actor if row.actor in BuilderName.values else None


BUILDERS = {Builder(pk=name).entity_id: str(name) for name in BuilderName.values}


def _then(told: EvidenceEntry) -> str:
    """Return the page of what an act is about, as of then; of what it deleted there is none."""
    row = told.row
    if row.action == "deleted":
        return ""
    if row.entity_type == "builder":
        name = BUILDERS.get(row.entity_id)
        return address_then(Builder(pk=name).get_absolute_url(), row.timestamp) if name else ""
    address = address_of(f"programs:{row.entity_type}", row.entity_id)
    return address_then(address, row.timestamp)
