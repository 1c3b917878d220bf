"""What every template may say: states as shape, word and colour; times; bars and charts.

The library is a builtin of the template engine, so no template loads it. What stands in every row
is put together as text, which takes a tenth of the time of a template; `text` in it is escaped.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from html import escape
from typing import Any, NamedTuple

from django import template
from django.conf import settings
from django.template import Context
from django.templatetags.static import static
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime, now

from foreman_office.kit.decide import Offer

register = template.Library()

# What stands where there is no value.
NOTHING = "\N{EN DASH}"


class Look(NamedTuple):
    """How a state is shown: a symbol of the sprite, a colour's token and a word."""

    shape: str
    tone: str
    word: str


LOOKS = {
    # programs, waves, tasks
    "planned": Look("ring", "quiet", "Planned"),
    "assigned": Look("half", "assigned", "Assigned"),
    "in-progress": Look("play", "running", "In progress"),
    "blocked": Look("diamond", "blocked", "Blocked"),
    "completed": Look("check", "done", "Completed"),
    "failed": Look("cross", "failed", "Failed"),
    # builders
    "never-heard": Look("dashed", "quiet", "Never heard"),
    "idle": Look("ring", "quiet", "Idle"),
    "working": Look("play", "running", "Working"),
    "waiting": Look("diamond", "blocked", "Waiting"),
    "spinning": Look("repeat", "blocked", "Spinning"),
    "silent": Look("silent", "failed", "Silent"),
    "paused": Look("pause", "quiet", "Paused"),
    "active": Look("play", "running", "Active"),
    # judgement
    "GREEN": Look("check", "done", "Green"),
    "PARTIAL": Look("half", "blocked", "Partial"),
    "RED": Look("cross", "failed", "Red"),
    "READY": Look("check", "done", "Ready"),
    "NOT_READY": Look("cross", "failed", "Not ready"),
    "passed": Look("check", "done", "Passed"),
    "not-passed": Look("cross", "failed", "Not passed"),
    "open": Look("diamond", "blocked", "Open"),
    "violation": Look("warning", "failed", "Unresolved"),
    "resolved": Look("check", "quiet", "Resolved"),
    "overridden": Look("warning", "blocked", "Overridden"),
    "all-clear": Look("check", "done", "All clear"),
}

# The order in which a tally adds up: what is finished first, what has not begun last.
TALLY_ORDER = ["completed", "in-progress", "assigned", "blocked", "failed", "planned"]


# A page draws a hundred of these, of a few kinds.
@cache
def symbol(shape: str, css: str, tone: str = "") -> SafeString:
    return format_html(
        '<svg class="{}"{} aria-hidden="true"><use href="{}#{}"/></svg>',
        css,
        format_html(' data-tone="{}"', tone) if tone else "",
        static("img/sprite.svg"),
        shape,
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw an icon; the words beside it say what it means."""
    return symbol(name, "icon")


@register.simple_tag
def mark(state: str) -> SafeString:
    """Draw a state's shape in its colour; the word must stand beside it or in a label."""
    look = LOOKS[state]
    return symbol(look.shape, "mark", look.tone)


@register.simple_tag
def status(state: str, word: str = "") -> SafeString:
    """Show a state as shape, word and colour; `word` replaces the usual one."""
    return worded(state, word) if word else usual_status(state)


def worded(state: str, word: str) -> SafeString:
    look = LOOKS[state]
    return format_html(
        '<span class="status" data-tone="{}">{}{}</span>',
        look.tone,
        symbol(look.shape, "mark"),
        word,
    )


@cache
def usual_status(state: str) -> SafeString:
    return worded(state, LOOKS[state].word)


@register.filter
def total(counts: Counter) -> int:
    """Add up a counter: in a template `counts.total` would ask it for the key "total"."""
    return counts.total()


@register.filter
def by_state(counts: Counter) -> list[tuple[str, int]]:
    """Return the states that occur and how often, what is finished first."""
    return [(state, counts[state]) for state in TALLY_ORDER if counts[state]]


@register.filter
def tone(state: str) -> str:
    return LOOKS[state].tone


@register.filter
def word(state: str) -> str:
    return LOOKS[state].word


@register.filter
def criterion(line: str) -> str:
    """Take the list sign off a line of acceptance criteria: the page makes its own."""
    return line.strip().removeprefix("- ").removeprefix("* ")


# A duration is said in one unit: up to so many seconds, in units of so many.
SPANS = [(60, 1, "s"), (2 * 3600, 60, "min"), (86400, 3600, "h"), (None, 86400, "d")]
# How each kind of time puts a duration.
WORDS = {"ago": "{} ago", "age": "{}", "lasting": "for {}"}
# What is longer ago than this is said as a day.
LONG_AGO = timedelta(days=14)


def short_span(span: timedelta) -> str:
    """Say a duration in one unit: 41 s, 8 min, 3 h, 5 d."""
    seconds = max(0, int(span.total_seconds()))
    size, name = next((size, name) for most, size, name in SPANS if not most or seconds < most)
    return f"{seconds // size} {name}"


@register.simple_tag
def running_words() -> str:
    """Tell `static/js/live.js` in which words durations run on."""
    return json.dumps({"spans": SPANS, "kinds": WORDS, "longest": LONG_AGO.total_seconds()})


@register.filter
def span(duration: timedelta | None) -> str:
    """Say a duration in one unit; none as nothing."""
    return NOTHING if duration is None else short_span(duration)


@register.filter
def exact(moment: datetime) -> str:
    """Say a time to the second, in the reader's zone."""
    return exactly(localtime(moment))


def exactly(local: datetime) -> str:
    return f"{local.isoformat(' ', 'seconds')[:19]} {local.tzname()}"


@lru_cache(maxsize=1000)
def day(date: date) -> str:
    return date_format(date, "j M Y")


def time_element(moment: datetime | None, kind: str) -> SafeString | str:
    """Show a time as people say it, with the exact time and zone at hand."""
    if moment is None:
        return NOTHING
    span, local = now() - moment, localtime(moment)
    if span > LONG_AGO:
        text = f"since {day(local.date())}" if kind == "lasting" else day(local.date())
    else:
        text = WORDS[kind].format(short_span(span))
    return SafeString(
        f'<time datetime="{moment.isoformat()}" title="{exactly(local)}" data-{kind}>{text}</time>'
    )


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """Say when something happened: "8 min ago", or the day if it is long past."""
    return time_element(moment, "ago")


@register.simple_tag
def age(moment: datetime | None) -> SafeString | str:
    """Say how long something has lasted: "8 min"."""
    return time_element(moment, "age")


@register.filter
def recorded(text: str | None) -> SafeString:
    """Show a path or a name as it was given, and say so where it was not."""
    if text:
        return format_html("<code>{}</code>", text)
    return format_html('<span class="absent">{}</span>', "not recorded")


@register.simple_tag
def lasting(moment: datetime | None) -> SafeString | str:
    """Say for how long, or since when: "for 8 min", "since 8 Jan 2026"."""
    return time_element(moment, "lasting")


@register.simple_tag
def at(moment: datetime | None) -> SafeString | str:
    """Show the exact time and zone."""
    if moment is None:
        return NOTHING
    return SafeString(f'<time datetime="{moment.isoformat()}">{exact(moment)}</time>')


@register.filter
def duration(milliseconds: int | None) -> str:
    """Say how long a run took: 840 ms, 12.4 s, 3 min 20 s."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


@register.simple_tag
def live(part: str, topics: str = "") -> SafeString:
    """Make an element a part that its page asks for again when one of its topics is touched.

    Topics are kinds of things, or single ones: "blocker task:<id>"; "*" is everything. A part that
    names none has those of its page, which stand in the page's block `topics`.
    """
    return format_html('id="{}" data-live="{}"', part, topics)


@register.simple_tag
def bar(value: int, label: str, state: str = "in-progress") -> SafeString:
    """Show the progress of one thing in percent."""
    return SafeString(
        f'<div class="bar" data-tone="{LOOKS[state].tone}">'
        f'<progress max="100" value="{value}" aria-label="{escape(label)}"></progress>'
        f'<span class="nowrap" aria-hidden="true">{value} %</span></div>'
    )


@register.simple_tag
def tally(counts: Counter, noun: str) -> SafeString:
    """Show how many of many are finished, and what the others do."""
    total, none = counts.total(), f"no {noun} yet"
    words, segments, start = [], [], 0.0
    for state, count in by_state(counts):
        width = 100 * count / total
        words.append(f"{count} {LOOKS[state].word.lower()}")
        segments.append(
            f'<rect x="{start:.3f}%" width="{width:.3f}%" height="8"'
            f' data-tone="{LOOKS[state].tone}"><title>{words[-1]}</title></rect>'
        )
        start += width
    summary = f"{counts['completed']} of {total} {noun}" if total else none
    return SafeString(
        f'<div class="tally"><svg role="img" aria-label="{", ".join(words) or none}">'
        f'{"".join(segments)}</svg><span class="nowrap">{summary}</span></div>'
    )


@register.simple_tag
def path(entity: Any) -> SafeString:
    """Show in which program and wave a task or a wave is; nothing of what is in neither."""
    wave = getattr(entity, "wave", None)
    program = wave.program if wave else getattr(entity, "program", None)
    links = "".join(
        f'<a href="{each.get_absolute_url()}">{escape(str(each))}</a>'
        for each in (program, wave)
        if each
    )
    return SafeString(links and f'<small class="path">{links}</small>')


@register.simple_tag(takes_context=True)
def offers(context: Context, offered: Iterable[Offer]) -> SafeString:
    """Show what may be decided: buttons, some of which open a form."""
    token, request = context.get("csrf_token"), context["request"]
    hidden = (
        f'<input type="hidden" name="csrfmiddlewaretoken" value="{token}">'
        f'<input type="hidden" name="next" value="{escape(request.get_full_path())}">'
    )
    return SafeString("\n".join(offer.draw(hidden) for offer in offered))


class Series(NamedTuple):
    """One layer of a stacked chart: an attribute of each row, its name, colour and texture."""

    attribute: str
    label: str
    tone: str
    drawn: str


# Told apart without colour: solid, hatched, hollow.
QA_SERIES = (
    Series("passing_tests", "passing", "done", "solid"),
    Series("failing_tests", "failing", "failed", "hatched"),
    Series("skipped_tests", "skipped", "quiet", "outline"),
)
CHART_HEIGHT = 120
WIDEST = 16.0  # of a column and the room around it, in percent of the chart


@register.inclusion_tag("components/stacked.html")
def qa_chart(runs: Sequence[Any]) -> dict[str, Any]:
    """Draw QA runs, oldest first, as stacked columns on one scale. The table twin is the page's."""
    first, last = runs[0], runs[-1]
    summary = (
        f"{len(runs)} QA runs: from {first.passing_tests} of {first.total_tests}"
        f" passing to {last.passing_tests} of {last.total_tests}"
    )
    highest = max((run.total_tests for run in runs), default=0) or 1
    slot = min(100 / max(len(runs), 1), WIDEST)
    columns = [column(run, index * slot, slot, highest) for index, run in enumerate(runs)]
    return {
        "columns": columns,
        "floor": CHART_HEIGHT,
        "series": QA_SERIES,
        "summary": summary,
        "thin": len(runs) > 14,
        "spare": len(runs) > 7,
    }


def column(run: Any, left: float, slot: float, highest: int) -> dict[str, Any]:
    width = slot * 0.62
    top = float(CHART_HEIGHT)
    layers = []
    for series in QA_SERIES:
        height = CHART_HEIGHT * 0.96 * getattr(run, series.attribute) / highest
        top -= height
        if height:
            layers.append({"y": f"{top:.2f}", "height": f"{height:.2f}"} | series._asdict())
    return {
        "x": f"{left + (slot - width) / 2:.2f}%",
        "middle": f"{left + slot / 2:.2f}%",
        "width": f"{width:.2f}%",
        "layers": layers,
        "run": run,
    }


@register.inclusion_tag("components/strip.html")
def beat_strip(beats: Iterable[Any]) -> dict[str, Any]:
    """Draw heartbeats, oldest first: height is progress, a gap beyond the threshold is marked."""
    threshold = timedelta(seconds=settings.FOREMAN_SILENCE_THRESHOLD_SECONDS)
    bars: list[dict[str, Any]] = []
    gaps = 0
    before = None
    for beat in beats:
        if before and beat.timestamp - before > threshold:
            gaps += 1
            bars.append({"tone": "failed", "y": 28, "height": 6})
        height = 8 + 26 * (beat.progress_percentage or 0) / 100
        bars.append(
            {
                "tone": LOOKS[beat.status].tone,
                "y": f"{34 - height:.1f}",
                "height": f"{height:.1f}",
            }
        )
        before = beat.timestamp
    step = 100 / max(len(bars), 40)
    for index, item in enumerate(bars):
        item["x"] = f"{index * step:.3f}%"
        item["width"] = f"{step * 0.7:.3f}%"
    return {"bars": bars, "beats": len(bars) - gaps, "gaps": gaps}
