"""What finished since the user has read the handover: the same place in the record as there."""

from collections import Counter
from typing import NamedTuple

from django.db.models import Q
from django.db.models.fields.json import KT
from django.http import HttpRequest

from foreman_office.dashboard.evidence.sentences import EvidenceEntry, describe
from governance.handover import MOST_EVIDENCE, LastReading, last_number, last_reading
from governance.models import Evidence
from governance.record_places import Place
from kit.web.templatetags.numbers import some

SHOWN = 12
COUNTED = 100  # how far what finished is counted

# A builder has an end of nothing: what it failed in has.
FINISHED = Q(
    action="state_changed",
    entity_type__in=["program", "wave", "task"],
    context__to__in=["completed", "failed"],
) | Q(action__in=["blocker_resolved", "violation_resolved"])


def last_visit(request: HttpRequest) -> LastReading:
    """Return up to which place, and when, the user has read the handover, or else a day ago."""
    return last_reading(request.user)


class Finished(NamedTuple):
    """What finished: the newest, and how much there is of each kind."""

    happenings: list[EvidenceEntry]
    words: str
    more: bool


def finished_since(place: Place) -> Finished:
    """Return what was completed, abandoned or resolved and is not read, of the newest records."""
    newest = Q(sequence__gt=last_number(Evidence) - MOST_EVIDENCE)
    unread = Evidence.objects.as_it_happened().filter(newest, place.evidence.unread())
    rows = unread.filter(FINISHED).order_by("-sequence")
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
