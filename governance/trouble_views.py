"""Blockers and violations: the lists, and what a person may do about them."""

import re
from functools import cache
from operator import attrgetter

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404

from builders.models import Builder
from foreman_office.kit.decide import decided, filled
from foreman_office.kit.htmx import render_page
from foreman_office.kit.listing import Listing, Sort
from foreman_office.kit.roles import decides, may_decide, reads
from foreman_office.kit.search import matching
from governance import actions, offers
from governance.entities import name_entities
from governance.filters import BlockerFilter, ViolationFilter
from governance.forms import BlockerRaiseForm, ResolutionForm, ViolationForm
from governance.models import Blocker, GovernanceViolation
from governance.troubles import name_subjects, program_name, summarize, timed
from programs.models import Program, State, Task, Wave

UUID_IN_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SHOWN = 12  # of each kind, when something is looked for by its name

PLAN = {
    "program": Program.objects.all(),
    "wave": Wave.objects.select_related("program"),
    "task": Task.objects.select_related("wave__program"),
}
# What may be held up, and what may be said to have broken a rule.
BLOCKED = {kind: rows.exclude(state=State.COMPLETED) for kind, rows in PLAN.items()}
JUDGED = {"task": PLAN["task"], "builder": Builder.objects.all()}
SORTS = {
    "detected": Sort("Detected", "detected_at", descending=True),
    "resolved": Sort("Resolved", "ended", descending=True),
    "lasted": Sort("Time to resolve", "lasted", descending=True),
}
BLOCKER_SORTS = SORTS | {"times": Sort("Times it came", "occurrences", descending=True)}


def state(trouble):
    return "resolved" if trouble.resolved_at else "open"


def seconds_to_resolve(trouble):
    return trouble.lasted.total_seconds() if trouble.resolved_at else None


def name_of(trouble):
    return str(trouble.entity) if trouble.entity else None


BLOCKER_COLUMNS = {
    "blocker_id": attrgetter("pk"),
    "state": state,
    "classification": attrgetter("classification"),
    "entity_type": attrgetter("entity_type"),
    "entity_id": attrgetter("entity_id"),
    "entity": name_of,
    "program": lambda blocker: program_name(blocker.entity),
    "description": attrgetter("description"),
    "occurrences": attrgetter("occurrences"),
    "detected_at": attrgetter("detected_at"),
    "resolved_at": attrgetter("resolved_at"),
    "seconds_to_resolve": seconds_to_resolve,
    "resolution_action": attrgetter("resolution_action"),
}
VIOLATION_COLUMNS = {
    "violation_id": attrgetter("pk"),
    "state": state,
    "violation_type": attrgetter("violation_type"),
    "task_id": attrgetter("task_id"),
    "task": lambda violation: violation.task and violation.task.name,
    "program": lambda violation: program_name(violation.task),
    "builder": attrgetter("builder_id"),
    "description": attrgetter("description"),
    "detected_at": attrgetter("detected_at"),
    "resolved_at": attrgetter("resolved_at"),
    "seconds_to_resolve": seconds_to_resolve,
    "resolution": attrgetter("resolution"),
}


@reads
def blocker_list(request):
    rows = timed(Blocker.objects.all())
    return trouble_list(
        request, rows, BlockerFilter, BLOCKER_SORTS, BLOCKER_COLUMNS,
        noun="blocker", by="classification", dress=name_entities,
    )  # fmt: skip


@reads
def violation_list(request):
    rows = timed(GovernanceViolation.objects.select_related("task__wave__program", "builder"))
    return trouble_list(
        request, rows, ViolationFilter, SORTS, VIOLATION_COLUMNS,
        noun="violation", by="violation_type", dress=name_subjects,
    )  # fmt: skip


def trouble_list(request, rows, filters, sorts, columns, *, noun, by, dress):
    listing = Listing(
        request, rows, filters, sorts, noun=noun, usual={"state": "open"}, dress=dress
    )
    if "export" in request.GET:
        return listing.export(columns)

    def summary():
        # Of what is listed, in whatever state.
        asked = listing.filterset.data.copy()
        asked["state"] = "all"
        sensible = listing.form.is_valid()
        asked_for = filters(asked, queryset=rows, request=request).qs if sensible else rows.none()
        summary = summarize(asked_for, by, among=listing.rows)
        if summary.oldest and not hasattr(summary.oldest, "entity"):
            dress([summary.oldest])
        return summary

    return render_page(
        request,
        f"governance/{noun}_list.html",
        {"listing": listing, "summary": cache(summary)},
        parts=["list"],
    )


# --- by hand --------------------------------------------------------------------------------------


@reads
def blocker_new(request):
    """Find what is held up, by its name or its address, and offer to say so."""
    return trouble_new(request, BLOCKED, offers.offer_to_block, "blocker")


@reads
def violation_new(request):
    return trouble_new(request, JUDGED, offers.offer_to_record_violation, "violation")


def trouble_new(request, kinds, offer, noun):
    words = request.GET.get("q", "").strip()
    found = list(look_up(words, kinds)) if words else []
    if not words and "builder" in kinds:
        found = list(kinds["builder"])
    offered = [(entity, [offer(entity)] if may_decide(request) else []) for entity in found]
    context = {"words": words, "offered": offered, "noun": noun}
    return render_page(request, f"governance/{noun}_new.html", context, parts=["found"])


def look_up(words, kinds):
    """Find entities by the words of their names, or one by an id, alone or in an address."""
    key = UUID_IN_TEXT.search(words)
    for kind, rows in kinds.items():
        if kind == "builder":
            yield from (row for row in rows if words.lower() in row.pk)
        elif key:
            yield from rows.filter(pk=key[0])
        else:
            yield from rows.filter(matching(words)).order_by("name", "pk")[:SHOWN]


@decides
def blocker_raise(request, kind, pk):
    entity = find(PLAN, kind, pk)
    actions.raise_blocker(entity, by=request.user, **filled(request, BlockerRaiseForm))
    return decided(request, f"“{entity}” is blocked.", entity)


@decides
def violation_record(request, kind, pk):
    entity = find(JUDGED, kind, pk)
    actions.record_violation(entity, by=request.user, **filled(request, ViolationForm))
    return decided(request, f"The violation is recorded on “{entity}”.", entity)


def find(kinds, kind, pk):
    try:
        return get_object_or_404(kinds[kind], pk=pk)
    except (KeyError, ValidationError) as error:
        raise Http404 from error


@decides
def blocker_resolve(request, pk):
    blocker = get_object_or_404(Blocker, pk=pk)
    given = filled(request, ResolutionForm)
    actions.resolve_blocker(blocker, resolution_action=given["resolution"], by=request.user)
    entity = name_entities([blocker])[0].entity
    told = told_resolved(f"The blocker on “{entity}”", blocker.resolution_action, given)
    return decided(request, told, entity or "/")


@decides
def violation_resolve(request, pk):
    violation = get_object_or_404(GovernanceViolation, pk=pk)
    given = filled(request, ResolutionForm)
    actions.resolve_violation(violation, by=request.user, **given)
    told = told_resolved(f"The violation “{violation}”", violation.resolution, given)
    return decided(request, told, violation.task or violation.builder or "/")


def told_resolved(trouble: str, recorded: str | None, given: dict[str, str]) -> str:
    """Say what is on record: of two who resolve the same, only the first is."""
    if recorded == given["resolution"]:
        return f"{trouble} is resolved."
    how = f", as “{recorded}”" if recorded else ""
    return f"{trouble} was resolved already{how}. What you wrote is not recorded."
