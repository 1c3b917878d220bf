"""Durations and moments as reports write them."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

MAX_SECONDS = 24 * 3600
LONGEST = 100  # of what names a time
FIRST_YEAR, LAST_YEAR = 2000, 2200
# Where a stamp names no zone, it may be off by as much as clocks on earth differ.
ZONE_DOUBT = timedelta(days=1)


class Moment(NamedTuple):
    """A moment. Where its zone is not known, it is read as UTC and may be a day off."""

    at: datetime
    zone_known: bool

    def is_after(self, other: datetime) -> bool | None:
        """Return whether this came after another moment; None where that cannot be told."""
        if self.zone_known:
            return self.at > other
        apart = self.at - other
        return None if abs(apart) <= ZONE_DOUBT else apart > timedelta()

    def capped(self, now: datetime) -> "Moment":
        """Return this moment, or `now` if it lies ahead of it."""
        return self if self.at <= now else Moment(now, self.zone_known)


def seconds(text: str | None, comma_groups: bool = False) -> float:
    """Return a duration in seconds; what is no sensible duration is none.

    Some write 1,234.5 and some 0,5. `comma_groups` tells how to read 1,234, which may be either.
    """
    if not text or len(text) > LONGEST:
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = _with_comma(text.strip().removesuffix("s"), comma_groups)
    return value if 0 <= value <= MAX_SECONDS else 0.0


def _with_comma(text: str, comma_groups: bool) -> float:
    whole, comma, rest = text.rpartition(",")
    grouped = len(rest) == 3 and whole not in ("", "0", "-0") and (comma_groups or "," in whole)
    if comma and "." not in rest and ("." in whole or not grouped):  # 1.234,5 and 0,5
        text = f"{re.sub('[.,]', '', whole)}.{rest}"
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return 0.0


def clock_seconds(text: str | None) -> float:
    """Return a duration written as hours:minutes:seconds."""
    if not text or text.count(":") != 2:
        return seconds(text)
    hours, minutes, rest = text.split(":")
    return min(seconds(hours) * 3600 + seconds(minutes) * 60 + seconds(rest), MAX_SECONDS)


NUMBER = re.compile(r"\d{10}(\d{3})?(\.\d+)?")
# JavaScript's Date: "Fri Nov 20 2026 09:14:03 GMT+0100 (Central European Standard Time)"
JAVASCRIPT = re.compile(r"\w{3} (\w{3}) (\d{1,2}) (\d{4}) ([\d:]{8})(?: (?:GMT|UTC)([+-]\d{4})?)?")


def moment(text: str | None) -> Moment | None:
    """Return the moment that a stamp names; None if it names none of this age."""
    if not text or len(text) > LONGEST:
        return None
    text = text.strip()
    try:
        found = _numbered(text) or _written(text)
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            return None
        if found.tzinfo is None:
            return Moment(found.replace(tzinfo=UTC), False)
        return Moment(found.astimezone(UTC), True)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _numbered(text: str) -> datetime | None:
    """Read seconds or milliseconds since 1970."""
    if not (number := NUMBER.fullmatch(text)):
        return None
    value = float(text)
    return datetime.fromtimestamp(value / 1000 if number[1] else value, UTC)


def _written(text: str) -> datetime:
    if text[:1].isdigit() and len(text) > 12:
        return datetime.fromisoformat(re.sub(r"\s+(UTC|GMT|Z)$", "Z", text))
    if script := JAVASCRIPT.match(text):
        month, day, year, clock, zone = script.groups()
        zone = zone or ("+0000" if script[0].endswith(("GMT", "UTC")) else None)
        pattern = "%b %d %Y %H:%M:%S" + (" %z" if zone else "")
        return datetime.strptime(  # noqa: DTZ007  without a zone where the text has none
            f"{month} {day} {year} {clock}{f' {zone}' if zone else ''}", pattern
        )
    found = parsedate_to_datetime(text)
    # "GMT" is a zone, and "-0000" says that none is known.
    return found.replace(tzinfo=UTC) if text.endswith(("GMT", "UTC", "Z")) else found


class ReportSpan:
    """The end of a report: the latest end of what it contains."""

    def __init__(self) -> None:
        self._known: datetime | None = None
        self._unknown: datetime | None = None
        self.strange: str | None = None

    def add(self, stamp: str | None, lasted: float = 0.0) -> None:
        """Include an element that began at a stamp and lasted some seconds."""
        if not stamp:
            return
        begun = moment(stamp)
        if begun is None:
            if not stamp.startswith(("0001-", "1970-", "1601-", "0000-")):
                self.strange = self.strange or stamp
            return
        self.add_moment(Moment(begun.at + timedelta(seconds=lasted), begun.zone_known))

    def add_moment(self, end: Moment | None) -> None:
        if end is None:
            return
        if end.zone_known:
            self._known = max(self._known or end.at, end.at)
        else:
            self._unknown = max(self._unknown or end.at, end.at)

    @property
    def end(self) -> Moment | None:
        if self._known:
            return Moment(self._known, True)
        return Moment(self._unknown, False) if self._unknown else None
