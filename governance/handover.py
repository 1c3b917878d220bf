"""How far people have read the record, and how far it can be read now."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils.timezone import now

from governance.models import Evidence, HandoverReading, OfficeLogEntry, RecordKind
from governance.record_places import Place, Reach, reach_from
from governance.sealing.settled import Settled
from kit.runtime.database.members import as_office, organisation_in_use

DAY = timedelta(hours=24)
# Rows beyond a place that are read at once: a handover of more has further pages.
MOST_EVIDENCE, MOST_OFFICE = 20_000, 5_000
# What the office log tells of decisions; logins are no matter of a handover.
OF_DECISIONS = [
    *("decision_acknowledged", "decision_given_back", "decision_snoozed"),
    *("decision_snooze_ended", "decision_assigned", "decision_unassigned"),
]

_evidence = Settled()
_office = Settled(kind=RecordKind.OFFICE)


class LastReading(NamedTuple):
    """The place from which things are new for a person, since when, and how it is known."""

    place: Place
    since: datetime
    known_by: str  # "read", or "day": the last 24 hours, for whom nothing was read yet


def last_reading(user: Any) -> LastReading:
    """Return where a person has read to; for a first time, where the record was a day ago.

    Where they work for an organisation, what they have read of the whole office before is read.
    """
    own = Q(organisation_id=organisation_in_use()) | Q(organisation_id=None)
    with as_office():
        rows = HandoverReading.objects.filter(own, user=user)
        row = rows.order_by(F("organisation_id").asc(nulls_last=True)).first()
    if row:
        return LastReading(Place.parse(row.place), row.read_at, "read")
    since = now() - DAY
    return LastReading(place_at(since), since, "day")


FIRST_AFTER = """
    SELECT
        (SELECT sequence FROM evidence_trail WHERE timestamp > %(moment)s
            ORDER BY timestamp, sequence LIMIT 1),
        (SELECT max(sequence) FROM evidence_trail),
        (SELECT min(sequence) FROM office_log
            WHERE action = ANY (%(actions)s) AND timestamp > %(moment)s),
        (SELECT max(sequence) FROM office_log)
"""


def place_at(moment: datetime) -> Place:
    """Return the place before the first rows after a moment, if not more than can be read."""
    with connection.cursor() as cursor:
        cursor.execute(FIRST_AFTER, {"moment": moment, "actions": OF_DECISIONS})
        first, last, first_told, last_told = cursor.fetchone()
    return Place(
        reach_before(first, last or 0, MOST_EVIDENCE),
        reach_before(first_told, last_told or 0, MOST_OFFICE),
    )


def reach_before(first: int | None, last: int, most: int) -> Reach:
    return Reach(max(0, last - most, last if first is None else first - 1))


def decisions_told() -> QuerySet[OfficeLogEntry]:
    return OfficeLogEntry.objects.filter(action__in=OF_DECISIONS)


def last_number(model: Any) -> int:
    number = model.objects.order_by("-sequence").values_list("sequence", flat=True).first()
    return int(number or 0)


def settled_numbers() -> tuple[int, int]:
    """Return up to where each table is complete. Ask before the snapshot that is then read."""
    if settings.FOREMAN_READ_ONLY:  # a standby gives out no ids of transactions
        return _evidence.sealed(), _office.sealed()
    return _evidence.advance(), _office.advance()


def place_now(since: Place, settled: tuple[int, int]) -> Place:
    """Return up to where this transaction sees the record, from a place on."""
    return Place(
        reach_from("evidence_trail", since.evidence, settled[0], MOST_EVIDENCE),
        reach_from("office_log", since.office, settled[1], MOST_OFFICE),
    )


def place_between(since: Place, until: Place | None, settled: tuple[int, int]) -> Place:
    """Return the end of a span: as asked, but never beyond what is read at once."""
    end = place_now(since, settled)
    if until is None:
        return end
    return Place(until.evidence.clipped(end.evidence.upto), until.office.clipped(end.office.upto))


def is_at_end(place: Place) -> bool:
    """Return whether nothing is there beyond a place."""
    return place.evidence.upto >= last_number(Evidence) and place.office.upto >= last_number(
        OfficeLogEntry
    )


def is_known(place: Place) -> bool:
    """Return whether the record reaches to a place; that of the office is one for all."""
    with as_office():
        return place.evidence.upto <= last_number(Evidence) and place.office.upto <= last_number(
            OfficeLogEntry
        )
