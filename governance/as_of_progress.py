"""The progress of tasks at a moment: what was set is evidence, what was reported are heartbeats.

Which heartbeats changed the progress is not recorded. The last one that did is told where it is
certain (builders_heartbeats_apply): the builder held the task, and the heartbeat was in order.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.utils.timezone import now

from builders.retention import retention
from governance.as_of import PastRow
from programs.models import Task

LOOKED_AT = 4  # heartbeats of a task: those that changed nothing, and the one that did

BEATS = """
    SELECT asked.task_id, beat.received, beat.progress_percentage,
        beat.received_at IS NULL OR EXISTS (
            SELECT FROM heartbeats AS sooner
            WHERE sooner.builder_id = beat.builder_id AND sooner.timestamp > beat.timestamp
                AND coalesce(sooner.received_at, sooner.timestamp) <= beat.received
        ),
        held.task_id = asked.task_id::text
            AND coalesce(became.state, 'idle') = beat.status
    FROM unnest(%(tasks)s::uuid[], %(since)s::timestamptz[]) AS asked (task_id, since)
    CROSS JOIN LATERAL (
        SELECT builder_id, timestamp, received_at, status, progress_percentage,
            coalesce(received_at, timestamp) AS received,
            builder_entity_id(builder_id) AS entity_id
        FROM heartbeats
        WHERE heartbeats.task_id = asked.task_id AND progress_percentage IS NOT NULL
            AND coalesce(received_at, timestamp) > asked.since
            AND coalesce(received_at, timestamp) <= %(moment)s
        ORDER BY coalesce(received_at, timestamp) DESC, timestamp DESC
        LIMIT %(looked_at)s
    ) AS beat
    LEFT JOIN LATERAL (
        SELECT context #>> '{changes,current_task_id,1}' AS task_id FROM evidence_trail
        WHERE entity_type = 'builder' AND evidence_trail.entity_id = beat.entity_id AND witnessed
            AND action IN ('assigned', 'released') AND evidence_trail.timestamp <= beat.received
        ORDER BY evidence_trail.timestamp DESC, sequence DESC LIMIT 1
    ) AS held ON true
    LEFT JOIN LATERAL (
        SELECT context ->> 'to' AS state FROM evidence_trail
        WHERE entity_type = 'builder' AND evidence_trail.entity_id = beat.entity_id AND witnessed
            AND context ? 'to' AND evidence_trail.timestamp <= beat.received
        ORDER BY evidence_trail.timestamp DESC, sequence DESC LIMIT 1
    ) AS became ON true
    ORDER BY asked.task_id, beat.received DESC, beat.timestamp DESC
"""


class ReportedProgress(NamedTuple):
    """A heartbeat with progress; whether it may have been out of order, and whether it counted."""

    received: datetime
    progress: int
    is_doubtful: bool
    counted: bool


def progress_of_tasks(tasks: Iterable[PastRow], moment: datetime) -> dict[UUID, int | None]:
    """Return the progress of tasks at a moment; None where it is not certain any more."""
    rows = {UUID(str(row.values["task_id"])): row for row in tasks}
    # Nothing is reported of a task that is completed.
    open_since = {
        key: row.told_at["progress_percentage"]
        for key, row in rows.items()
        if row.values["state"] != Task.State.COMPLETED
    }
    beats = _reported(open_since, moment)
    removed_before = now() - retention()
    old = [key for key, since in open_since.items() if not beats[key] and since < removed_before]
    removed = _worked_since(old, open_since)
    return {
        key: None
        if key in removed
        else progress_after(row.values["progress_percentage"], beats[key])
        for key, row in rows.items()
    }


def progress_after(told: int, beats: Sequence[ReportedProgress]) -> int | None:
    """Return the progress after heartbeats, the last of which comes first; None if uncertain."""
    for place, beat in enumerate(beats):
        if not beat.counted:
            continue
        alike = [other for other in beats[place + 1 :] if other.received == beat.received]
        if beat.is_doubtful or any(other.progress != beat.progress for other in alike):
            return None
        return beat.progress
    return told if len(beats) < LOOKED_AT else None


def mean_progress(parts: Collection[int | None]) -> int | None:
    """Return the mean as the database rounds it: 0 of nothing, None if one is not known."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return (2 * sum(known) + len(known)) // (2 * len(known)) if known else 0


def _reported(since: dict[UUID, datetime], moment: datetime) -> dict[UUID, list[ReportedProgress]]:
    params = {
        "tasks": [*since],
        "since": [*since.values()],
        "moment": moment,
        "looked_at": LOOKED_AT,
    }
    found: dict[UUID, list[ReportedProgress]] = defaultdict(list)
    if since:
        with connection.cursor() as cursor:
            cursor.execute(BEATS, params)
            for task, received, progress, is_doubtful, counted in cursor.fetchall():
                beat = ReportedProgress(received, progress, is_doubtful, bool(counted))
                found[task].append(beat)
    return found


def _worked_since(keys: Collection[UUID], since: dict[UUID, datetime]) -> set[UUID]:
    """Return the tasks of which heartbeats may have been removed that changed their progress."""
    if not keys:
        return set()
    worked = {
        key: (received, sent)
        for key, received, sent in Task.objects.filter(pk__in=keys).values_list(
            "pk", "work_received_at", "worked_at"
        )
    }
    return {
        key
        for key in keys
        if any(at and at > since[key] for at in worked.get(key, (since[key].max,)))
    }
