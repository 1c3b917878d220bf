"""Tags of states as shape, word and colour, and of how many there are of each."""

from collections import Counter
from functools import cache
from html import escape
from typing import NamedTuple

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


class Look(NamedTuple):
    """The look of a state: a symbol of the sprite, a colour's token and a word."""

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
    "starting": Look("half", "assigned", "Starting"),
    "working": Look("play", "running", "Working"),
    "waiting": Look("diamond", "blocked", "Waiting"),
    "spinning": Look("repeat", "blocked", "Spinning"),
    "not-begun": Look("half", "failed", "Not begun"),
    "idle-with-work": Look("ring", "failed", "Idle with work"),
    "busy-elsewhere": Look("repeat", "failed", "Busy elsewhere"),
    "parent-blocked": Look("diamond", "failed", "Parent blocked"),
    "silent": Look("silent", "failed", "Silent"),
    "paused": Look("pause", "quiet", "Paused"),
    "active": Look("play", "running", "Active"),
    "late": Look("warning", "blocked", "Late"),
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
LEAST = 2.0  # of a tally that the smallest share takes, in percent
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
    """Draw an icon; the text beside it has its meaning."""
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
    """Return the sum of a counter: in a template `counts.total` would read its key "total"."""
    return counts.total()


@register.filter
def by_state(counts: Counter) -> list[tuple[str, int]]:
    """Return the states that occur with their numbers, finished ones first."""
    return [(state, counts[state]) for state in TALLY_ORDER if counts[state]]


@register.filter
def tone(state: str) -> str:
    return LOOKS[state].tone


@register.filter
def word(state: str) -> str:
    return LOOKS[state].word


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
    """Show how many of a number are finished, and the states of the others."""
    total, none = counts.total(), f"no {noun} yet"
    words, segments, start = [], [], 0.0
    # The smallest share is seen, too: the others make room for it.
    found = [(state, count, max(100 * count / total, LEAST)) for state, count in by_state(counts)]
    whole = sum(share for _, _, share in found)
    for state, count, share in found:
        width = 100 * share / whole
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
