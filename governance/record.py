"""What a builder did with its time, and how its work went: figures, each with its definition.

What it held and when is in the evidence; that it was heard is in its heartbeats. Both are put
together by the database, so that a month of beats is one row of an answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from builders.models import Builder, silence_threshold
from foreman_office.kit import prepared
from foreman_office.kit.charts import Span, long_span
from foreman_office.kit.templatetags.kit import NOTHING
from governance.costs import some
from programs.models import Task

ATTENDED = timedelta(days=7)  # over which continuity is told: it reads every beat
JUDGED = timedelta(days=30)  # over which work is told

# The spans with a task in hand, and those of them without a sign of life. A sign is a beat, being
# given a task, or the end of a pause; it lasts for the threshold.
PRESENCE = """
WITH moves AS (
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
), beats AS (
    SELECT timestamp, lag(timestamp) OVER (ORDER BY timestamp) AS before FROM heartbeats
    WHERE builder_id = %(builder)s AND timestamp >= %(start)s AND timestamp < %(end)s
), pairs AS (
    SELECT timestamp, coalesce(before, (
        SELECT timestamp FROM heartbeats
        WHERE builder_id = %(builder)s AND timestamp < %(start)s ORDER BY timestamp DESC LIMIT 1
    )) AS before
    FROM beats
    UNION ALL
    SELECT %(end)s, (
        SELECT timestamp FROM heartbeats
        WHERE builder_id = %(builder)s AND timestamp < %(end)s ORDER BY timestamp DESC LIMIT 1
    )
), unheard AS (
    SELECT tstzrange(before + %(threshold)s, timestamp) AS span FROM pairs
    WHERE timestamp - before > %(threshold)s OR before IS NULL
), pauses AS (
    SELECT tstzrange(started_at, coalesce(ended_at, ends_at)) AS span FROM builder_pauses
    WHERE builder_id = %(builder)s
        AND coalesce(ended_at, ends_at) > %(start)s - %(threshold)s AND started_at < %(end)s
), signs AS (
    SELECT tstzrange(lower(span), lower(span) + %(threshold)s) AS span FROM holds
    UNION ALL
    SELECT tstzrange(lower(span), upper(span) + %(threshold)s) FROM pauses
), spans AS MATERIALIZED (
    SELECT tstzmultirange(tstzrange(%(start)s, %(end)s)) AS whole,
        coalesce((SELECT range_agg(span) FROM holds), '{}') AS held,
        coalesce((SELECT range_agg(span) FROM pauses), '{}') AS paused,
        coalesce((SELECT range_agg(span) FROM unheard), '{}') AS unheard,
        coalesce((SELECT range_agg(span) FROM signs), '{}') AS signs
), found AS (
    SELECT whole * held - paused AS due, (whole * held - paused) * unheard - signs AS silent,
        whole * paused AS paused
    FROM spans
)
SELECT
    (SELECT coalesce(sum(upper(span) - lower(span)), '0') FROM unnest(due) AS span),
    (SELECT coalesce(sum(upper(span) - lower(span)), '0') FROM unnest(silent) AS span),
    silent, paused
FROM found
"""


@dataclass(frozen=True)
class Presence:
    """How a builder was heard while it had to be: with a task in hand, and not paused."""

    due: timedelta
    silent: timedelta
    silences: list[Span]  # each begins when the threshold had passed
    paused: list[Span]

    @property
    def continuity(self) -> float | None:
        """The share of the time in percent; None where there was nothing to be heard about."""
        return 100 * (1 - self.silent / self.due) if self.due else None


def presence(builder: str, start: datetime, end: datetime, *, task: UUID | None = None) -> Presence:
    """Tell how a builder was heard from start to end, with any task in hand or with this one."""
    asked = {
        "builder": builder,
        "start": start,
        "end": end,
        "task": str(task) if task else None,
        "threshold": silence_threshold(),
    }
    ((due, silent, silences, paused),) = prepared.fetch(PRESENCE, asked)
    return Presence(due, silent, as_spans(silences), as_spans(paused))


def as_spans(ranges: Any) -> list[Span]:
    return [Span(each.lower, each.upper) for each in ranges]


# How the work went. Done: the tasks that name the builder, and were completed in the window. To
# green: of those, from the first active beat to the first green run of the task's own suite after
# it. Claims: the first of each task.
WORK = """
WITH done AS (
    SELECT task_id, started_at, qa_suite_location FROM tasks
    WHERE completed_at >= %(start)s AND completed_at < %(end)s
        AND assigned_builder = %(builder)s AND state = 'completed'
), greens AS (
    SELECT min(run.executed_at) - done.started_at AS took
    FROM done JOIN qa_executions AS run
        ON run.task_id = done.task_id AND run.qa_suite_location = done.qa_suite_location
            AND run.qa_status = 'GREEN' AND run.executed_at >= done.started_at
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
    (told,) = prepared.fetch(WORK, {"builder": builder, "start": start, "end": end})
    return Work(*told)


class Figure(NamedTuple):
    """A number, what it is of, and how it comes about."""

    label: str
    value: str
    of: str
    definition: str


@dataclass(frozen=True)
class Record:
    """What is told of a builder up to a moment."""

    builder: Builder
    end: datetime

    def figures(self) -> list[Figure]:
        attended = presence(self.builder.pk, self.end - ATTENDED, self.end)
        judged = work(self.builder.pk, self.end - JUDGED, self.end)
        threshold = int(silence_threshold().total_seconds())
        return [
            Figure(
                "Continuity",
                percent(attended.continuity, 1),
                f"of {spoken(attended.due)} with a task in hand"
                if attended.due
                else "it had no task in hand",
                f"The last {ATTENDED.days} days. Of the time with a task in hand and not paused,"
                f" the share in which the last sign of life (a heartbeat, being given the task, the"
                f" end of a pause) was no older than {threshold} s.",
            ),
            Figure(
                "Tasks done",
                f"{judged.done:,}",
                f"in the last {JUDGED.days} days",
                "Tasks that name it as their builder and were completed.",
            ),
            Figure(
                "Time to green",
                spoken(judged.to_green) if judged.to_green is not None else NOTHING,
                f"median of {some(judged.greens, 'task')}" if judged.greens else "no green run",
                "Of its tasks done: from the first active heartbeat on the task to the first green"
                " run of the suite that the task names.",
            ),
            Figure(
                "First time right",
                percent(judged.first_time_right),
                f"of {some(judged.claims, 'task')} claimed" if judged.claims else "no claim",
                "Of the tasks it claimed to be done for the first time: the share that the gate"
                " believed at that first claim.",
            ),
            Figure(
                "Stalls",
                f"{judged.stalls:,}",
                f"lasting {spoken(judged.stalled)} in all" if judged.stalls else "none declared",
                "How often the watcher declared it failed, and for how long it was so.",
            ),
        ]


def percent(share: float | None, places: int = 0) -> str:
    """Say a share; one that is not whole is never rounded up to the whole."""
    if share is None:
        return NOTHING
    unit = 10**places
    return f"{int(share * unit) / unit:g} %"


def spoken(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds:.0f} s" if seconds < 60 else long_span(span)


def silences_of(task: Task, start: datetime, end: datetime) -> list[Span]:
    """Return when a task's builder had it in hand and gave no sign of life."""
    if not task.assigned_builder:
        return []
    return presence(task.assigned_builder, start, end, task=task.pk).silences
