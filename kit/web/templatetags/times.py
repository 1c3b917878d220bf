"""Tags and filters of times and durations."""

import json
from datetime import date, datetime, timedelta
from functools import lru_cache

from django import template
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime, now

register = template.Library()

# What stands where there is no value.
NOTHING = "\N{EN DASH}"
# A duration is said in one unit: up to so many seconds, in units of so many.
SPANS = [(60, 1, "s"), (2 * 3600, 60, "min"), (86400, 3600, "h"), (None, 86400, "d")]
# How each kind of time puts a duration.
WORDS = {"ago": "{} ago", "age": "{}", "lasting": "for {}"}
# What is longer ago than this is said as a day.
LONG_AGO = timedelta(days=14)


def short_span(span: timedelta) -> str:
    """Return a duration in one unit: 41 s, 8 min, 3 h, 5 d."""
    seconds = max(0, int(span.total_seconds()))
    size, name = next((size, name) for most, size, name in SPANS if not most or seconds < most)
    return f"{seconds // size} {name}"


@register.simple_tag
def running_words() -> str:
    """Return the words of running durations for `static/js/live.js`."""
    return json.dumps({"spans": SPANS, "kinds": WORDS, "longest": LONG_AGO.total_seconds()})


@register.filter
def span(duration: timedelta | None) -> str:
    """Return a duration in one unit; None as a dash."""
    return NOTHING if duration is None else short_span(duration)


@register.filter
def exact(moment: datetime) -> str:
    """Return a time to the second, in the reader's zone."""
    return exact_text(localtime(moment))


def exact_text(local: datetime) -> str:
    return f"{local.isoformat(' ', 'seconds')[:19]} {local.tzname()}"


@lru_cache(maxsize=1000)
def day(date: date) -> str:
    return date_format(date, "j M Y")


@register.filter
def dated(date: date) -> SafeString:
    """Show a day of the calendar."""
    return SafeString(f'<time datetime="{date.isoformat()}">{day(date)}</time>')


def time_element(moment: datetime | None, kind: str) -> SafeString | str:
    """Show a time in words, with the exact time and zone in its title."""
    if moment is None:
        return NOTHING
    span, local = now() - moment, localtime(moment)
    if span > LONG_AGO:
        text = f"since {day(local.date())}" if kind == "lasting" else day(local.date())
    else:
        text = WORDS[kind].format(short_span(span))
    at, title = moment.isoformat(), exact_text(local)
    return SafeString(f'<time datetime="{at}" title="{title}" data-{kind}>{text}</time>')


@register.simple_tag
def ago(moment: datetime | None) -> SafeString | str:
    """Return when something happened: "8 min ago", or the day if it is long past."""
    return time_element(moment, "ago")


@register.simple_tag
def age(moment: datetime | None) -> SafeString | str:
    """Return how long something has lasted: "8 min"."""
    return time_element(moment, "age")


@register.simple_tag
def lasting(moment: datetime | None) -> SafeString | str:
    """Return for how long, or since when: "for 8 min", "since 8 Jan 2026"."""
    return time_element(moment, "lasting")


@register.simple_tag
def at(moment: datetime | None) -> SafeString | str:
    """Show the exact time and zone."""
    if moment is None:
        return NOTHING
    return SafeString(f'<time datetime="{moment.isoformat()}">{exact(moment)}</time>')


@register.filter
def duration(milliseconds: int | None) -> str:
    """Return how long a run took: 840 ms, 12.4 s, 3 min 20 s."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"
