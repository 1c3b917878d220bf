"""The lanes of the replay: what each builder had in hand, its silences, pauses and heartbeats.

Tasks are from the evidence; silences as the track record counts them; heartbeats are counted by
the database, so that a night of them is a few bars.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.formats import date_format
from django.utils.timezone import localtime

from builders.models import Builder
from foreman_office.dashboard.builders.heartbeat_chart import MINUTE, next_minute
from foreman_office.dashboard.builders.track_record import presence
from governance.entities import find_names
from kit.core import prepared_query
from kit.web.addresses import address_of, address_then
from kit.web.templatetags.numbers import some
from kit.web.time_axis import TimeAxis, TimeSpan, long_span, percent_text
from programs.models import BuilderName

BARS = 120  # at most, of whole minutes, in which the heartbeats of a lane are counted
BEAT_HEIGHT = 14  # of the highest bar, in pixels
BEATS_BELOW = 40  # where the bars stand, from above

HELD = """
WITH moves AS (
    SELECT builder_id, timestamp, sequence, task
    FROM builders
    CROSS JOIN LATERAL (
        (
            SELECT timestamp, sequence, context #>> '{changes,current_task_id,1}' AS task
            FROM evidence_trail
            WHERE entity_type = 'builder' AND entity_id = builder_entity_id(builder_id)
                AND witnessed AND timestamp < %(start)s AND action IN ('assigned', 'released')
            ORDER BY timestamp DESC, sequence DESC LIMIT 1
        ) UNION ALL (
            SELECT timestamp, sequence, context #>> '{changes,current_task_id,1}'
            FROM evidence_trail
            WHERE entity_type = 'builder' AND entity_id = builder_entity_id(builder_id)
                AND witnessed AND timestamp >= %(start)s AND timestamp < %(end)s
                AND action IN ('assigned', 'released')
        )
    ) AS moved
), hands AS (
    SELECT builder_id, task, timestamp AS began,
        lead(timestamp) OVER (PARTITION BY builder_id ORDER BY timestamp, sequence) AS ended
    FROM moves
)
SELECT builder_id, task::uuid, began, ended FROM hands
WHERE task IS NOT NULL AND coalesce(ended, %(end)s) > %(start)s
ORDER BY builder_id, began
"""

BEATS = """
SELECT builder_id, date_bin(%(bar)s, minute, %(start)s) AS bar, sum(beats), sum(blocked)
FROM heartbeat_minutes
WHERE builder_id = ANY (%(builders)s) AND minute >= %(start)s AND minute < %(end)s
GROUP BY builder_id, bar
"""


class HeldTask(NamedTuple):
    """A task in a builder's hand; `ended` is None where that goes on after the span."""

    task_id: UUID
    began: datetime
    ended: datetime | None


class LaneSpan(NamedTuple):
    """A span of a lane as it is drawn, and in words for its title and the table."""

    kind: str  # task, silent, paused, closed
    x: str
    width: str
    began: datetime
    ended: datetime
    words: str
    address: str = ""  # of the task as of the beginning


class BeatBar(NamedTuple):
    x: str
    y: str
    width: str
    height: str
    tone: str


@dataclass
class Lane:
    """What a builder did in the span."""

    builder: str
    address: str
    spans: list[LaneSpan]
    beats: list[BeatBar]
    number: int  # of heartbeats
    marks: list[Any] = field(default_factory=list)

    @property
    def short_name(self) -> str:
        return BuilderName(self.builder).short

    @property
    def words(self) -> str:
        kinds = [span.kind for span in self.spans]
        counted = [
            some(kinds.count("task"), "task"),
            some(kinds.count("silent"), "silence"),
            some(kinds.count("paused"), "pause"),
            some(self.number, "heartbeat"),
            some(len(self.marks), "event"),
        ]
        return f"{self.builder}: {', '.join(counted)}"


def held_tasks(span: TimeSpan) -> dict[str, list[HeldTask]]:
    """Return what each builder had in hand, by the evidence."""
    found: dict[str, list[HeldTask]] = defaultdict(list)
    for builder, *held in prepared_query.fetch(HELD, {"start": span.start, "end": span.end}):
        found[builder].append(HeldTask(*held))
    return found


def draw_lanes(
    span: TimeSpan, axis: TimeAxis, held: Mapping[str, Sequence[HeldTask]]
) -> list[Lane]:
    """Draw the five lanes, in the builders' usual order."""
    tasks = {task.task_id for each in held.values() for task in each}
    names = find_names(("task", key) for key in tasks)
    bar = max(1, -((span.start - span.end) // BARS // MINUTE)) * MINUTE
    beats = _count_beats(span, bar)
    most = max((number for bars in beats.values() for _, number, _ in bars), default=1)
    lanes = []
    for name in BuilderName.values:
        heard = presence(name, span.start, span.end)
        spans = [
            *(_task_span(axis, span, task, names) for task in held.get(name, ())),
            *_shades(axis, "silent", "Silent", heard.silences),
            *_shades(axis, "paused", "Paused", heard.paused),
            *_shades(axis, "closed", "Office closed", heard.absent),
        ]
        bars = [_beat_bar(axis, each, bar, most) for each in beats[name]]
        number = sum(each[1] for each in beats[name])
        lanes.append(Lane(name, Builder(pk=name).get_absolute_url(), spans, bars, number))
    return lanes


def _count_beats(span: TimeSpan, bar: timedelta) -> dict[str, list[tuple[datetime, int, int]]]:
    found: dict[str, list[tuple[datetime, int, int]]] = defaultdict(list)
    start = next_minute(span.start)
    asked = {"start": start, "end": span.end, "bar": bar, "builders": BuilderName.values}
    for builder, *counted in prepared_query.fetch(BEATS, asked):
        found[builder].append((counted[0], counted[1], counted[2]))
    return found


def _beat_bar(
    axis: TimeAxis, counted: tuple[datetime, int, int], width: timedelta, most: int
) -> BeatBar:
    start, number, blocked = counted
    height = max(BEAT_HEIGHT * number / most, 2)
    left, right = axis.place(start), axis.place(start + width)
    tone = "blocked" if blocked * 2 > number else "running"
    return BeatBar(
        percent_text(left),
        f"{BEATS_BELOW - height:.1f}",
        percent_text(max((right - left) * 0.8, 0.1)),
        f"{height:.1f}",
        tone,
    )


def _task_span(
    axis: TimeAxis, whole: TimeSpan, task: HeldTask, names: Mapping[tuple[str, UUID], Any]
) -> LaneSpan:
    began, ended = max(task.began, whole.start), task.ended or whole.end
    name = names.get(("task", task.task_id))
    words = f"{name or 'A deleted task'}: {span_words(began, ended)}"
    address = address_then(address_of("programs:task", task.task_id), began)
    return LaneSpan("task", *axis.bar(TimeSpan(began, ended)), began, ended, words, address)


def _shades(axis: TimeAxis, kind: str, word: str, spans: Iterable[TimeSpan]) -> list[LaneSpan]:
    return [
        LaneSpan(kind, *axis.bar(span), *span, f"{word}: {span_words(*span)}") for span in spans
    ]


def span_words(start: datetime, end: datetime) -> str:
    """Return a span in words: 03:12 to 04:00, 48 minutes."""
    first, last = localtime(start), localtime(end)
    form = "H:i" if first.date() == last.date() else "j M H:i"
    times = f"{date_format(first, form)} to {date_format(last, form)}"
    return f"{times}, {long_span(end - start)}"
