"""The records between two places, each sorted into the one section of a handover that tells it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT

from foreman_office.dashboard.evidence.folding import ORDER, TRANSACTION
from governance.handover import decisions_told
from governance.models import Evidence, OfficeLogEntry
from governance.record_places import Place
from programs.models import State

RAISED = {"blocker_raised", "blocker_reopened", "violation_recorded", "violation_reopened"}
RESOLVED = {"blocker_resolved", "blocker_deleted", "violation_resolved", "violation_deleted"}
NOTED = {"note_recorded", "entity_note_recorded"}
MOVED = "state_changed"
PLAN = ("program", "wave", "task")

# The sections, in the order in which they are read.
STILL, OVER, DECIDED, FINISHED, NOTES = "still", "over", "decided", "finished", "notes"
TITLES = {
    STILL: "Went wrong, and still is",
    OVER: "Went wrong, and is over",
    DECIDED: "Was decided",
    FINISHED: "Was finished",
    NOTES: "Notes",
}


class SpanRow(NamedTuple):
    """What a handover asks of each record, before it reads those that it shows."""

    sequence: int
    timestamp: Any
    action: str
    entity_type: str
    entity_id: UUID
    blocker: str | None
    violation: str | None
    classification: str | None
    came_from: str | None
    went_to: str | None
    user: str | None
    request: str | None
    transaction: str

    @property
    def trouble(self) -> object:
        """Return what a record of trouble is about: the same for its beginning and its end."""
        if self.action in RAISED | RESOLVED:
            return self.blocker or self.violation or self.sequence
        return self.entity_type, self.entity_id

    @property
    def key(self) -> str:
        """Return the key of the decision that a blocker, a violation or a failure is."""
        about = f"{self.entity_type}-{self.entity_id}"
        if self.action == MOVED:
            return f"{self.went_to}-{about}"
        if self.violation:
            return f"violation-{about}-{self.violation}"
        kind = "stall" if self.classification == "builder_stall" else "blocker"
        return f"{kind}-{about}-{self.classification}"

    @property
    def act(self) -> object:
        """Return what the records of one act have in common."""
        return self.timestamp, self.request or self.transaction


CONTEXT = {
    "blocker": KT("context__snapshot__blocker_id"),
    "violation": KT("context__snapshot__violation_id"),
    "classification": KT("context__snapshot__classification"),
    "came_from": KT("context__from"),
    "went_to": KT("context__to"),
    "by_user": KT("context__user"),
    "request": KT("context__request_id"),
    "transaction": TRANSACTION,
}


def between(since: Place, until: Place) -> QuerySet[Evidence]:
    """Return the evidence that is in one place and not in the other."""
    return Evidence.objects.filter(since.evidence.unread(), until.evidence.read())


def told_between(since: Place, until: Place) -> QuerySet[OfficeLogEntry]:
    """Return what the office log tells of decisions between two places."""
    return decisions_told().filter(since.office.unread(), until.office.read())


def read_span(since: Place, until: Place) -> list[SpanRow]:
    """Return the records that a section may tell, in the order of their numbers."""
    told = Q(action__in=[*RAISED, *RESOLVED, *NOTED])
    told |= Q(action=MOVED, entity_type__in=PLAN) | Q(context__has_key="user")
    rows = between(since, until).as_it_happened().filter(told)
    columns = "sequence", "timestamp", "action", "entity_type", "entity_id", *CONTEXT
    found = rows.annotate(**CONTEXT).order_by("sequence").values_list(*columns)
    return [SpanRow(*row) for row in found]


def sort_rows(rows: Iterable[SpanRow]) -> dict[str, list[SpanRow]]:
    """Return for each section the records that it shows, in their order.

    Of a trouble its last record is shown, of a finished entity that with which it finished, of an
    act of a person the one that the others follow from; nothing is shown in two sections.
    """
    rows = list(rows)
    found: dict[str, list[SpanRow]] = defaultdict(list)
    shown: set[int] = set()
    for section, row in sorted([*_troubles(rows), *_moves(rows)], key=lambda each: each[1]):
        found[section].append(row)
        shown.add(row.sequence)
    for row in rows:
        if row.action in NOTED:
            found[NOTES].append(row)
            shown.add(row.sequence)
    found[DECIDED] = [row for row in _acts_of_people(rows) if row.sequence not in shown]
    return found


def _troubles(rows: list[SpanRow]) -> Iterator[tuple[str, SpanRow]]:
    last = {row.trouble: row for row in rows if row.action in RAISED | RESOLVED}
    for row in last.values():
        yield STILL if row.action in RAISED else OVER, row


def _moves(rows: list[SpanRow]) -> Iterator[tuple[str, SpanRow]]:
    last: dict[object, SpanRow] = {}
    failed = set()
    for row in rows:
        if row.action == MOVED and row.entity_type in PLAN:
            last[row.trouble] = row
            if State.FAILED in (row.came_from, row.went_to):
                failed.add(row.trouble)
    for about, row in last.items():
        if row.went_to == State.COMPLETED:
            yield FINISHED, row
        elif about in failed:
            yield STILL if row.went_to == State.FAILED else OVER, row


def _acts_of_people(rows: list[SpanRow]) -> list[SpanRow]:
    """Return of each act of a person the record that the others follow from."""
    heads: dict[object, SpanRow] = {}
    for row in rows:
        if row.user:
            head = heads.setdefault(row.act, row)
            if ORDER.get(row.action, len(ORDER)) < ORDER.get(head.action, len(ORDER)):
                heads[row.act] = row
    return sorted(heads.values())


PROGRAMS = """
    SELECT task_id, program_id FROM tasks JOIN waves USING (wave_id) WHERE task_id = ANY (%(task)s)
    UNION ALL SELECT wave_id, program_id FROM waves WHERE wave_id = ANY (%(wave)s)
    UNION ALL SELECT program_id, program_id FROM programs WHERE program_id = ANY (%(program)s)
"""


def programs_of(rows: Iterable[SpanRow]) -> dict[UUID, UUID]:
    """Return the program of each program, wave and task that records are about, in one query."""
    wanted: dict[str, set[UUID]] = {kind: set() for kind in PLAN}
    for row in rows:
        if row.entity_type in wanted:
            wanted[row.entity_type].add(row.entity_id)
    with connection.cursor() as cursor:
        cursor.execute(PROGRAMS, {kind: [*keys] for kind, keys in wanted.items()})
        return dict(cursor.fetchall())
