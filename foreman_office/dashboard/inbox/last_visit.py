"""What finished since the user's last visit. Its time is stored in the browser alone.

The cookie holds two times in seconds: when the visit before this one ended, or nothing if there was
none, and when this one was last seen. A script writes it; reading the inbox changes nothing.
"""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import Q
from django.db.models.fields.json import KT
from django.http import HttpRequest
from django.utils.timezone import now

from foreman_office.dashboard.evidence.sentences import EvidenceEntry, describe
from governance.models import Evidence
from kit.web.templatetags.numbers import some

COOKIE = "visit"
WRITTEN = re.compile(r"(\d{0,10})\.(\d{1,10})", re.ASCII)
EPOCH = datetime.fromtimestamp(0, UTC)
AWAY = timedelta(minutes=30)  # absence that ends a visit, as in static/js/visits.js
DAY = timedelta(hours=24)
SHOWN = 12
COUNTED = 100  # how far what finished is counted

# A builder has an end of nothing: what it failed in has.
FINISHED = Q(
    action="state_changed",
    entity_type__in=["program", "wave", "task"],
    context__to__in=["completed", "failed"],
) | Q(action__in=["blocker_resolved", "violation_resolved"])


class Visit(NamedTuple):
    """The time since when things are new, and how it is known."""

    since: datetime
    known_by: str


def last_visit(request: HttpRequest) -> Visit:
    """Return when the visit before this one ended; if no browser tells, the last login or a day."""
    at = now()
    if told := WRITTEN.fullmatch(request.COOKIES.get(COOKIE, "")):
        ended, seen = (datetime.fromtimestamp(int(part or 0), UTC) for part in told.groups())
        since = seen if at - seen > AWAY else ended
        if EPOCH < since < at:
            return Visit(since, "visit")
    login = request.user.last_login  # type: ignore[union-attr]
    if login and at - login > AWAY:
        return Visit(login, "login")
    return Visit(at - DAY, "day")


class Finished(NamedTuple):
    """What finished: the newest, and how much there is of each kind."""

    happenings: list[EvidenceEntry]
    words: str
    more: bool


def finished_since(moment: datetime) -> Finished:
    """Return what was completed, abandoned or resolved after a moment."""
    rows = Evidence.objects.recent().filter(FINISHED, timestamp__gt=moment)
    ends = list(rows.values_list("action", "entity_type", KT("context__to"))[: COUNTED + 1])
    kinds = Counter(map(kind_of, ends))
    words = ", ".join(f"{some(number, noun)} {verb}" for (noun, verb), number in kinds.items())
    if len(ends) > COUNTED:
        words = f"more than {COUNTED} items"
    return Finished(describe(rows[:SHOWN]), words, more=len(ends) > SHOWN)


def kind_of(end: tuple[str, str, str | None]) -> tuple[str, str]:
    action, entity_type, state = end
    if action == "state_changed":
        return entity_type, "completed" if state == "completed" else "abandoned"
    return action.removesuffix("_resolved"), "resolved"
