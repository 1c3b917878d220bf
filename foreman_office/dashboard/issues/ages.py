"""How old each open blocker or violation is, as dots on one scale of age."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from math import log
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.timezone import localtime

from kit.web.addresses import address_of
from kit.web.time_axis import long_span, percent_text

DRAWN = 200  # the oldest
LANE = 26  # pixels of a lane, of which a dot takes...
DOT = 5  # ...twice this
CLOSE = 1.2  # percent across, within which dots are put above each other
LEVELS = 3
# Ages are told apart from minutes to months: each mark is a few times the one before.
MARKS = [
    (timedelta(minutes=1), "1 min"),
    (timedelta(minutes=10), "10 min"),
    (timedelta(hours=1), "1 h"),
    (timedelta(hours=6), "6 h"),
    (timedelta(days=1), "1 d"),
    (timedelta(days=7), "7 d"),
    (timedelta(days=30), "30 d"),
    (timedelta(days=180), "180 d"),
    (timedelta(days=1000), "1,000 d"),
]
FIRST = MARKS[0][0]


class AgeDot(NamedTuple):
    """One open issue: where it lies, what it is about, and where that is."""

    x: str
    y: str
    words: str
    href: str


class AgeLane(NamedTuple):
    """The open issues of one kind."""

    label: str
    y: str
    dots: list[AgeDot]


class AgeMark(NamedTuple):
    x: str
    label: str
    anchor: str
    spare: (
        bool  # beside the first or the last, whose labels lie inwards: left out where it is narrow
    )


@dataclass(frozen=True)
class AgesChart:
    """The data of `issues/ages_chart.html`; the list beneath it is its table."""

    lanes: list[AgeLane]
    marks: list[AgeMark]
    summary: str
    is_cut: bool

    @cached_property
    def height(self) -> int:
        return LANE * 2 * len(self.lanes)


def ages_chart(unresolved: QuerySet[Any], by: str, at: datetime) -> AgesChart | None:
    """Draw the oldest open issues, a lane for each of their kinds; None where there are none."""
    labels = dict(unresolved.model._meta.get_field(by).choices or ())
    oldest = list(unresolved.order_by("detected_at", "pk")[: DRAWN + 1])
    if not oldest:
        return None
    most = max(at - oldest[0].detected_at, FIRST)
    end = next((mark for mark, _ in MARKS if mark >= most), most)
    shown: dict[str, list[Any]] = {}
    for issue in oldest[:DRAWN]:
        shown.setdefault(getattr(issue, by), []).append(issue)
    lanes = [
        AgeLane(
            str(labels.get(kind, kind)),
            f"{LANE * 2 * number + DOT * 2:.1f}",
            list(dots_of(issues, LANE * 2 * (number + 1) - DOT - 3, end, at)),
        )
        for number, (kind, issues) in enumerate(shown.items())
    ]
    drawn = [(place(mark, end), label) for mark, label in MARKS if mark <= end]
    beside = {1, len(drawn) - 2} if len(drawn) > 4 else set()
    marks = [
        AgeMark(percent_text(x), label, anchor_at(x), number in beside)
        for number, (x, label) in enumerate(drawn)
    ]
    number = len(oldest[:DRAWN])
    summary = f"Ages of {number} open, the oldest {long_span(at - oldest[0].detected_at)}."
    return AgesChart(lanes, marks, summary, is_cut=len(oldest) > DRAWN)


def dots_of(issues: Iterable[Any], foot: int, end: timedelta, at: datetime) -> Iterator[AgeDot]:
    """Yield the dots of a lane, the oldest first; those that would lie on another one above it."""
    last, level = -CLOSE, 0
    for issue in reversed([*issues]):
        age = at - issue.detected_at
        x = place(age, end)
        level = (level + 1) % LEVELS if x - last < CLOSE else 0
        last = last if level else x
        yield AgeDot(
            percent_text(x),
            f"{foot - level * DOT * 2:.1f}",
            f"{long_span(age)}, since {localtime(issue.detected_at):%-d %b %Y %H:%M}",
            address_of_subject(issue),
        )


def place(age: timedelta, end: timedelta) -> float:
    """Return where an age lies, in percent: each step along is so many times older."""
    age = min(max(age, FIRST), end)
    whole = log(end / FIRST)
    return min(100 * log(age / FIRST) / whole, 100.0) if whole else 0.0


def anchor_at(x: float) -> str:
    return "start" if x < 5 else "end" if x > 95 else "middle"


def address_of_subject(issue: Any) -> str:
    """Return the address of what a blocker or a violation is about."""
    kind = getattr(issue, "entity_type", None)
    if kind:
        return address_of(f"programs:{kind}", issue.entity_id)
    if issue.task_id:
        return address_of("programs:task", issue.task_id)
    return reverse("builders:builder", args=[issue.builder_id]) if issue.builder_id else ""
