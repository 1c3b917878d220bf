"""Rows as they were at a moment, rebuilt from the evidence alone.

`rebuild` knows, as the replay does, what each act says of which row (governance/replayed_tables);
the questions below it read the evidence of an entity and of what was inside it, up to the moment.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from json import loads
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from governance.models import Evidence
from governance.replayed_tables import (
    CHANGED,
    DELETED,
    ITSELF,
    MADE,
    ReplayedTable,
    replayed_tables,
)

# The number of an act is given when its row was locked, its time when its transaction began: what
# was recorded behind a later act was not yet so, if its transaction took no longer than this.
LONGEST_TRANSACTION = timedelta(minutes=5)

# What heartbeats measure, and people set: governance/as_of_progress puts both together.
MEASURED_AND_SET = {("task", "progress_percentage")}

type PastKey = tuple[str, UUID]
type RowKey = tuple[str, str]  # what evidence calls a row of a table, and its key


class TrailAct(NamedTuple):
    """What the evidence says of a row: the row itself, or what changed of it."""

    sequence: int
    timestamp: datetime
    entity_type: str
    entity_id: UUID
    action: str
    changes: dict[str, list[Any]]
    snapshot: dict[str, Any]


class PastRow(NamedTuple):
    """A row as it was, without what is measured or derived; and since when each column was so."""

    values: dict[str, Any]
    told_at: dict[str, datetime]
    made_at: datetime


class SaidOfRow(NamedTuple):
    """Which row an act tells of, and how."""

    table: ReplayedTable
    verb: str
    key: str


def rebuild(acts: Iterable[TrailAct]) -> dict[RowKey, PastRow]:
    """Return the rows that are there after these acts, which come in the order of their numbers."""
    rows: dict[RowKey, PastRow] = {}
    for act in acts:
        said = said_of_row(act)
        if not said:
            continue
        place = said.table.noun, said.key
        if said.verb == DELETED:
            rows.pop(place, None)
            continue
        after = after_act(said, act)
        told = dict.fromkeys(after, act.timestamp)
        if said.verb in MADE or place not in rows:
            rows[place] = PastRow({said.table.key: said.key} | after, told, act.timestamp)
        else:
            rows[place].values.update(after)
            rows[place].told_at.update(told)
    return rows


def said_of_row(act: TrailAct) -> SaidOfRow | None:
    """Return which row an act tells of; nothing for what is not replayed."""
    if act.action in _verbs()[act.entity_type]:
        return SaidOfRow(_verbs()[act.entity_type][act.action], act.action, str(act.entity_id))
    if table := _verbs()[""].get(act.action):
        key = act.snapshot.get(table.key)
        return SaidOfRow(table, act.action.removeprefix(table.prefix), str(key)) if key else None
    return None


def after_act(said: SaidOfRow, act: TrailAct) -> dict[str, Any]:
    """Return the values of the row's columns after an act, of those that the act tells."""
    table = said.table
    if said.verb in table.changed:
        values = {column: pair[1] for column, pair in act.changes.items()}
    else:
        values = {**act.snapshot}
    if table.noun == "task" and values.get("state") == "completed" and said.verb in table.changed:
        values.setdefault("progress_percentage", 100)  # whatever it was (programs_tasks_times)
    for column in table.untold:
        if (table.noun, column) not in MEASURED_AND_SET:
            values.pop(column, None)
    for column in table.times & values.keys():
        values[column] = told_moment(values[column])
    return values


def told_moment(text: Any) -> Any:
    """Return a time of the trail; one beyond Python's range stays text."""
    with suppress(TypeError, ValueError):
        return datetime.fromisoformat(text)
    return text


@cache
def _verbs() -> dict[str, dict[str, ReplayedTable]]:
    """Return, by what evidence is about, the table that each action tells of.

    What has no prefix tells of the entity itself; everything else stands under no entity.
    """
    found: dict[str, dict[str, ReplayedTable]] = {"": {}} | {noun: {} for noun in ITSELF}
    for table in replayed_tables():
        if table.trail == "evidence_trail" and not table.beside_found.startswith("encode"):
            verbs = (*MADE, *table.changed, *table.after, DELETED)
            place = found["" if table.prefix else table.noun]
            place |= {table.prefix + verb: table for verb in verbs}
    return found


# --- the acts up to a moment ----------------------------------------------------------------------

# Of what changed an entity itself, the last word on each column is enough.
ACTS = """
    WITH about (entity_type, entity_id) AS (
        SELECT * FROM unnest(%(kinds)s::text[], %(keys)s::uuid[])
    ), acts AS (
        SELECT act.sequence, act.timestamp, entity_type, entity_id, act.action,
            act.context -> 'changes' AS changes, act.context -> 'snapshot' AS snapshot
        FROM about
        CROSS JOIN LATERAL (
            SELECT min(sequence) AS first FROM evidence_trail AS later
            WHERE later.entity_type = about.entity_type AND later.entity_id = about.entity_id
                AND witnessed AND timestamp > %(moment)s AND timestamp <= %(until)s
        ) AS later
        JOIN evidence_trail AS act USING (entity_type, entity_id)
        WHERE act.witnessed AND act.timestamp <= %(moment)s AND act.action = ANY (%(actions)s)
            AND act.sequence < coalesce(later.first, 9223372036854775807)
    )
    SELECT sequence, timestamp, entity_type, entity_id, action,
        coalesce(changes, '{}')::text, coalesce(snapshot, '{}')::text
    FROM acts
    WHERE action <> ALL (%(changed)s) OR changes #>> '{state,1}' = 'completed' OR sequence IN (
        SELECT max(sequence) FROM acts, jsonb_object_keys(changes) AS told (column_name)
        WHERE action = ANY (%(changed)s)
        GROUP BY entity_id, column_name
    )
    ORDER BY sequence
"""


def acts_about(
    entities: Collection[PastKey], moment: datetime, nouns: Collection[str]
) -> list[TrailAct]:
    """Return the acts on entities up to a moment that tell of rows of these nouns."""
    actions = [
        action
        for verbs in _verbs().values()
        for action, table in verbs.items()
        if table.noun in nouns
    ]
    params = {
        "kinds": [kind for kind, _ in entities],
        "keys": [key for _, key in entities],
        "moment": moment,
        "until": moment + LONGEST_TRANSACTION,
        "actions": sorted(set(actions)),
        "changed": list(CHANGED),
    }
    with connection.cursor() as cursor:
        cursor.execute(ACTS, params)
        return [
            TrailAct(*told, loads(changes), loads(snapshot))
            for *told, changes, snapshot in cursor.fetchall()
        ]


def rows_as_of(
    entities: Collection[PastKey], moment: datetime, nouns: Collection[str]
) -> dict[str, list[PastRow]]:
    """Return the rows of these nouns that were about these entities, by noun."""
    found: dict[str, list[PastRow]] = {noun: [] for noun in nouns}
    for (noun, _), row in rebuild(acts_about(entities, moment, nouns)).items():
        found[noun].append(row)
    return found


def tasks_come_to(waves: Collection[UUID], moment: datetime) -> list[UUID]:
    """Return the tasks that had ever been in one of these waves."""
    return _subjects(Evidence.objects.came_to_wave(waves), moment)


def waves_come_to(program: UUID, moment: datetime) -> list[UUID]:
    """Return the waves that had ever been in a program."""
    return _subjects(Evidence.objects.came_to_program(program), moment)


def _subjects(evidence: Any, moment: datetime) -> list[UUID]:
    keys = evidence.filter(timestamp__lte=moment).order_by().values_list("entity_id", flat=True)
    return list(keys.distinct())


class KnownSince(NamedTuple):
    """When the office first and last heard of an entity, and whether it is deleted."""

    made_at: datetime
    deleted_at: datetime | None


def known_since(kind: str, key: UUID) -> KnownSince | None:
    """Return since when the office knows an entity, and when it was deleted; None if never."""
    about = Evidence.objects.filter(entity_type=kind, entity_id=key, witnessed=True)
    made = about.filter(action="created").order_by("timestamp").first()
    if not made:
        return None
    deleted = about.filter(action=DELETED).order_by("timestamp").last()
    return KnownSince(made.timestamp, deleted and deleted.timestamp)
