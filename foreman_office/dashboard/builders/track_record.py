"""What a builder did with its time, and how its work went: figures, each with its definition.

Which tasks it had and when is in the evidence; when it was heard is in its heartbeats. The
database joins both, so that a month of heartbeats is one row of an answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from builders.models import Builder, silence_threshold
from kit.core import prepared_query
from kit.web.templatetags.numbers import some
from kit.web.templatetags.times import NOTHING
from kit.web.time_axis import TimeSpan, long_span
from programs.models import Task

ATTENDED = timedelta(days=7)  # the window of continuity, which reads each of its minutes
JUDGED = timedelta(days=30)  # the window of the figures of work

# The spans with an assigned task, and those of them without a sign of life. A sign is a heartbeat,
# when it was received; another report of the builder, which is in the evidence under its name;
# being given a task; the end of a pause, or of a time in which the office was closed. It lasts for
# the builder's threshold, or for the step that the heartbeat announced.
#
# Of each minute the first and the last heartbeat are read, and of the last minute, of which a part
# may be asked for, those of the part: between them nobody is silent whose threshold is a minute or
# more. Where it is less, all are read.
PRESENCE = """
WITH own AS (
    SELECT threshold, threshold >= interval '1 minute' AS is_by_minutes,
        date_bin('1 minute', %(start)s, 'epoch') AS first_minute,
        date_bin('1 minute', %(end)s, 'epoch') AS last_minute
    FROM builders CROSS JOIN LATERAL (
        SELECT coalesce(make_interval(secs => silence_threshold_seconds), %(threshold)s)
    ) AS said (threshold)
    WHERE builder_id = %(builder)s
), moves AS (
    (
        SELECT timestamp, sequence, context #>> '{changes,current_task_id,1}' AS task
        FROM evidence_trail
        WHERE entity_type = 'builder' AND entity_id = builder_entity_id(%(builder)s)
            AND timestamp < %(start)s AND action IN ('assigned', 'released')
        ORDER BY timestamp DESC, sequence DESC LIMIT 1
    ) UNION ALL (
        SELECT timestamp, sequence, context #>> '{changes,current_task_id,1}'
        FROM evidence_trail
        WHERE entity_type = 'builder' AND entity_id = builder_entity_id(%(builder)s)
            AND timestamp >= %(start)s AND timestamp < %(end)s
            AND action IN ('assigned', 'released')
    )
), hands AS (
    SELECT task, timestamp AS began,
        lead(timestamp, 1, %(end)s) OVER (ORDER BY timestamp, sequence) AS ended
    FROM moves
    UNION ALL
    SELECT current_task_id::text, least(assigned_at, %(end)s), %(end)s
    FROM builders WHERE builder_id = %(builder)s AND assigned_at IS NOT NULL
), holds AS (
    SELECT tstzrange(began, ended) AS span FROM hands
    WHERE task IS NOT NULL AND began <= ended AND task = coalesce(%(task)s, task)
), own_beats AS NOT MATERIALIZED (
    SELECT coalesce(received_at, timestamp) AS received, next_beat_within_seconds AS announced
    FROM heartbeats
    WHERE builder_id = %(builder)s AND coalesce(received_at, timestamp) < %(end)s
), own_evidence AS NOT MATERIALIZED (
    SELECT timestamp AS received FROM evidence_trail
    WHERE actor = %(builder)s AND actor <> 'foreman' AND witnessed AND timestamp < %(end)s
), own_minutes AS NOT MATERIALIZED (
    SELECT first_at, last_at, last_announced_seconds FROM heartbeat_minutes
    WHERE builder_id = %(builder)s AND (SELECT is_by_minutes FROM own)
        AND minute >= (SELECT first_minute FROM own) AND minute < (SELECT last_minute FROM own)
), beats AS (
    SELECT received, allowed, lag(received) OVER (ORDER BY received) AS before,
        lag(allowed) OVER (ORDER BY received) AS allowed_before
    FROM (
        SELECT received, greatest((SELECT threshold FROM own),
            CASE WHEN announced IS NOT NULL
                THEN make_interval(secs => least(announced, 3600))
            END) AS allowed
        FROM (
            SELECT last_at AS received, last_announced_seconds AS announced FROM own_minutes
            WHERE last_at >= %(start)s
            UNION ALL
            SELECT first_at, NULL FROM own_minutes
            WHERE first_at >= %(start)s AND first_at < last_at
            UNION ALL (
                SELECT * FROM own_beats
                WHERE received >= greatest((SELECT last_minute FROM own), %(start)s)
                    AND (SELECT is_by_minutes FROM own)
                ORDER BY received DESC LIMIT 1
            ) UNION ALL (
                SELECT * FROM own_beats
                WHERE received >= greatest((SELECT last_minute FROM own), %(start)s)
                    AND (SELECT is_by_minutes FROM own)
                ORDER BY received LIMIT 1
            ) UNION ALL (
                SELECT * FROM own_beats
                WHERE received >= %(start)s AND NOT (SELECT is_by_minutes FROM own)
            ) UNION ALL (
                SELECT * FROM own_beats
                WHERE received >= %(start)s - interval '1 day' AND received < %(start)s
                ORDER BY received DESC LIMIT 1
            )
        ) AS heard
        UNION ALL
        SELECT received, (SELECT threshold FROM own) FROM own_evidence
        WHERE received >= %(start)s
        UNION ALL (
            SELECT received, (SELECT threshold FROM own) FROM own_evidence
            WHERE received >= %(start)s - interval '1 day' AND received < %(start)s
            ORDER BY received DESC LIMIT 1
        )
    ) AS beat
), pairs AS (
    SELECT received, before, allowed_before FROM beats WHERE received >= %(start)s
    UNION ALL
    SELECT %(end)s, received, allowed
    FROM (SELECT) AS always
    LEFT JOIN (SELECT received, allowed FROM beats ORDER BY received DESC LIMIT 1) AS latest ON true
), unheard AS (
    SELECT tstzrange(before + allowed_before, received) AS span FROM pairs
    WHERE received - before > allowed_before OR before IS NULL
), absences AS (
    SELECT tstzrange(began_at, ended_at) AS span FROM office_absences
    WHERE ended_at > %(start)s - (SELECT threshold FROM own) AND began_at < %(end)s
), pauses AS (
    SELECT tstzrange(started_at, coalesce(ended_at, ends_at)) AS span FROM builder_pauses
    WHERE builder_id = %(builder)s
        AND coalesce(ended_at, ends_at) > %(start)s - (SELECT threshold FROM own)
        AND started_at < %(end)s
), signs AS (
    SELECT tstzrange(lower(span), lower(span) + (SELECT threshold FROM own)) AS span FROM holds
    UNION ALL
    SELECT tstzrange(lower(span), upper(span) + (SELECT threshold FROM own))
    FROM (SELECT span FROM pauses UNION ALL SELECT span FROM absences) AS excused
), spans AS MATERIALIZED (
    SELECT tstzmultirange(tstzrange(%(start)s, %(end)s)) AS whole,
        coalesce((SELECT range_agg(span) FROM holds), '{}') AS held,
        coalesce((SELECT range_agg(span) FROM pauses), '{}') AS paused,
        coalesce((SELECT range_agg(span) FROM absences), '{}') AS absent,
        coalesce((SELECT range_agg(span) FROM unheard), '{}') AS unheard,
        coalesce((SELECT range_agg(span) FROM signs), '{}') AS signs
), found AS (
    SELECT due, due * unheard - signs AS silent, whole * paused AS paused, whole * absent AS absent
    FROM spans CROSS JOIN LATERAL (SELECT whole * held - paused - absent AS due) AS asked
)
SELECT
    (SELECT coalesce(sum(upper(span) - lower(span)), '0') FROM unnest(due) AS span),
    (SELECT coalesce(sum(upper(span) - lower(span)), '0') FROM unnest(silent) AS span),
    silent, paused, absent
FROM found
"""


@dataclass(frozen=True)
class Presence:
    """How a builder was heard while it had to be: with a task, not paused, by an open office."""

    due: timedelta
    silent: timedelta
    silences: list[TimeSpan]  # each begins when the threshold had passed
    paused: list[TimeSpan]
    absent: list[TimeSpan]  # when the office itself was closed

    @property
    def continuity(self) -> float | None:
        """Return the share of the time in percent; None where no heartbeats were expected."""
        return 100 * (1 - self.silent / self.due) if self.due else None


def presence(builder: str, start: datetime, end: datetime, *, task: UUID | None = None) -> Presence:
    """Return how a builder was heard from start to end, with any task or with this one."""
    asked = {
        "builder": builder,
        "start": start,
        "end": end,
        "task": str(task) if task else None,
        "threshold": silence_threshold(),
    }
    ((due, silent, *spans),) = prepared_query.fetch(PRESENCE, asked)
    return Presence(due, silent, *map(as_spans, spans))


def as_spans(ranges: Any) -> list[TimeSpan]:
    return [TimeSpan(each.lower, each.upper) for each in ranges]


# How the work went. Done: the tasks that name the builder, and were completed in the window. To
# green: of those, from the first active beat to the first green run of the task's own suite after
# it. Claims: the first of each task.
WORK = """
WITH done AS (
    SELECT task_id, started_at, qa_suite_location FROM tasks
    WHERE completed_at >= %(start)s AND completed_at < %(end)s
        AND assigned_builder = %(builder)s AND state = 'completed'
), greens AS (
    SELECT min(run.arrived_at) - done.started_at AS took
    FROM done JOIN qa_executions AS run
        ON run.task_id = done.task_id AND run.qa_suite_location = done.qa_suite_location
            AND run.qa_status = 'GREEN' AND run.arrived_at >= done.started_at
    GROUP BY done.task_id, done.started_at
), firsts AS (
    SELECT accepted FROM completion_claims AS claim
    WHERE builder_id = %(builder)s AND claimed_at >= %(start)s AND claimed_at < %(end)s
        AND NOT EXISTS (
            SELECT FROM completion_claims AS earlier
            WHERE earlier.task_id = claim.task_id AND earlier.builder_id = claim.builder_id
                AND (earlier.claimed_at, earlier.claim_id) < (claim.claimed_at, claim.claim_id)
        )
), failures AS (
    SELECT timestamp AS began, context ->> 'to' = 'failed' AS failed,
        lead(timestamp) OVER (ORDER BY timestamp, sequence) AS ended
    FROM evidence_trail
    WHERE entity_type = 'builder' AND entity_id = builder_entity_id(%(builder)s)
        AND timestamp >= %(start)s AND timestamp < %(end)s
        AND 'failed' IN (context ->> 'to', context ->> 'from')
), stalls AS (
    SELECT coalesce(ended, %(end)s) - began AS lasted FROM failures WHERE failed
)
SELECT
    (SELECT count(*) FROM done),
    (SELECT count(*) FROM greens),
    (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took) FROM greens),
    (SELECT count(*) FROM firsts),
    (SELECT count(*) FROM firsts WHERE accepted),
    (SELECT count(*) FROM stalls),
    (SELECT coalesce(sum(lasted), '0') FROM stalls)
"""


class Work(NamedTuple):
    """How the work of a builder went in a window."""

    done: int
    greens: int
    to_green: timedelta | None
    claims: int
    right: int
    stalls: int
    stalled: timedelta

    @property
    def first_time_right(self) -> float | None:
        return 100 * self.right / self.claims if self.claims else None


def work(builder: str, start: datetime, end: datetime) -> Work:
    (told,) = prepared_query.fetch(WORK, {"builder": builder, "start": start, "end": end})
    return Work(*told)


class Figure(NamedTuple):
    """A number, what it measures, and how it is computed."""

    label: str
    value: str
    of: str
    definition: str


@dataclass(frozen=True)
class TrackRecord:
    """The figures of a builder up to a moment."""

    builder: Builder
    end: datetime

    def figures(self) -> list[Figure]:
        attended = presence(self.builder.pk, self.end - ATTENDED, self.end)
        judged = work(self.builder.pk, self.end - JUDGED, self.end)
        threshold = self.builder.threshold_seconds
        return [
            Figure(
                "Continuity",
                share_text(attended.continuity, 1),
                f"of {spoken(attended.due)} with an assigned task"
                if attended.due
                else "no task was assigned",
                f"The last {ATTENDED.days} days. The share of the time with an assigned task, not"
                " paused and the office open, in which the last sign of life (a heartbeat, the"
                " assignment, the end of a pause, the office's opening) was at most"
                f" {threshold} s old.",
            ),
            Figure(
                "Tasks completed",
                f"{judged.done:,}",
                f"in the last {JUDGED.days} days",
                "Completed tasks that were assigned to this builder.",
            ),
            Figure(
                "Time to green",
                spoken(judged.to_green) if judged.to_green is not None else NOTHING,
                f"median of {some(judged.greens, 'task')}" if judged.greens else "no green run",
                "For its completed tasks: from the first active heartbeat to the first green run of"
                " the task's suite.",
            ),
            Figure(
                "First-claim acceptance",
                share_text(judged.first_time_right),
                f"of {some(judged.claims, 'task')} claimed" if judged.claims else "no claim",
                "The share of first claims that the gate accepted; one first claim is counted per"
                " task.",
            ),
            Figure(
                "Stalls",
                f"{judged.stalls:,}",
                f"lasting {spoken(judged.stalled)} in all" if judged.stalls else "none declared",
                "How many stalls of this builder the watcher declared, and how long they lasted.",
            ),
        ]


def share_text(share: float | None, places: int = 0) -> str:
    """Return a share in percent; one that is not whole is never rounded up to the whole."""
    if share is None:
        return NOTHING
    unit = 10**places
    return f"{int(share * unit) / unit:g} %"


def spoken(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds:.0f} s" if seconds < 60 else long_span(span)


def silences_of(task: Task, start: datetime, end: datetime) -> list[TimeSpan]:
    """Return when a task's builder had it and gave no sign of life."""
    if not task.assigned_builder:
        return []
    return presence(task.assigned_builder, start, end, task=task.pk).silences
