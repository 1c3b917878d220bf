"""The totals that reports declare beside their tests."""

from collections.abc import Iterator, Mapping
from math import ceil, isnan

from foreman_office.reports.results import one_line
from foreman_office.reports.statuses import NOTHING

MAX_COUNT = 1_000_000_000


def declared(attrs: Mapping[str, str], keys: tuple[str, ...]) -> int:
    """Return the sum of some totals; what is no number is none, and a part of one counts as one."""
    counts = (total_number(attrs.get(key, "")) for key in keys)
    return min(sum(ceil(count) for count in counts if count and count > 0), MAX_COUNT)


def total_number(text: str) -> float | None:
    """Return the number that a total names, at most `MAX_COUNT`; None if it names none."""
    if text.strip().lower() in NOTHING:
        return 0
    try:
        count = float(text.replace(",", ""))
    except ValueError:
        return None
    return None if isnan(count) else min(count, MAX_COUNT)


def is_total(text: str) -> bool:
    """Return whether a text is a number of tests: not a word, a part of one, or below zero."""
    count = total_number(text)
    return count is not None and 0 <= count < MAX_COUNT and count == int(count)


def unreadable_totals(attrs: Mapping[str, str], keys: tuple[str, ...]) -> Iterator[str]:
    """Yield what is said of each total that is no number of tests."""
    for key in keys:
        if key in attrs and not is_total(attrs[key]):
            yield f'{key}="{one_line(attrs[key])}", which is no number of tests'
