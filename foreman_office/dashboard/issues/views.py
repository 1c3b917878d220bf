"""Blockers and violations: the lists, and what a person may do about them."""

import re
from functools import cache
from operator import attrgetter

from django.core.exceptions import ValidationError
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.dashboard import available_actions
from foreman_office.dashboard.bulk_bar import bulk_bar
from foreman_office.dashboard.forms import BlockerRaiseForm, ResolutionForm, ViolationForm
from foreman_office.dashboard.issues.ages import ages_chart
from foreman_office.dashboard.issues.filters import BlockerFilter, ViolationFilter
from foreman_office.dashboard.issues.queries import name_of_program, name_subjects, summarize, timed
from foreman_office.dashboard.saved_views.reading import opens_with_default
from governance import actions
from governance.entities import name_entities
from governance.models import Blocker, GovernanceViolation
from kit.core.roles import decides, may_decide, reads
from kit.web.decision_forms import cleaned_or_422, respond_done
from kit.web.htmx import render_page
from kit.web.listing import Listing, Sort
from kit.web.search import matching
from programs.models import Program, State, Task, Wave

UUID_IN_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
SHOWN = 12  # of each kind, when something is looked for by its name

PLAN = {
    "program": Program.objects.all(),
    "wave": Wave.objects.select_related("program"),
    "task": Task.objects.select_related("wave__program"),
}
# What may be held up, and what may be said to have broken a rule. A queryset keeps the rows that it
# once read: each request takes a copy.
OPEN_PROGRAM = {"program": "", "wave": "program__", "task": "wave__program__"}
BLOCKED = {
    kind: rows.filter(**{f"{OPEN_PROGRAM[kind]}archived_at": None}).exclude(state=State.COMPLETED)
    for kind, rows in PLAN.items()
}
JUDGED = {"task": PLAN["task"], "builder": Builder.objects.all()}
SORTS = {
    "detected": Sort("Detected", "detected_at", descending=True),
    "resolved": Sort("Resolved", "ended", descending=True),
    "lasted": Sort("Time to resolve", "lasted", descending=True),
}
BLOCKER_SORTS = SORTS | {"times": Sort("Occurrences", "occurrences", descending=True)}

# What the pages of each kind say; `look` is the state of one that is open.
WORDS = {
    "blocker": {
        "title": "Blockers",
        "about": "What blocks work. A blocker stays open until someone resolves it.",
        "none_yet": "No open blockers.",
        "new_words": "Raise a blocker",
        "about_new": "Find the program, wave or task to block. It stays blocked until the blocker"
        " is resolved.",
        "look": "open",
    },
    "violation": {
        "title": "Violations",
        "about": "Governance rules that were violated. Each violation halts its task until someone"
        " resolves it.",
        "none_yet": "No unresolved violations.",
        "new_words": "Record a violation",
        "about_new": "Find the task in which a rule was violated, or choose the builder. The task"
        " is halted unless it is completed.",
        "look": "violation",
    },
}


def page_words(noun):
    """Return what the pages of a kind of trouble say, and where they lead."""
    pages = {"all": reverse(f"governance:{noun}_list"), "new": reverse(f"governance:{noun}_new")}
    return {"noun": noun, **WORDS[noun], **pages}


def issue_state(trouble):
    return "resolved" if trouble.resolved_at else "open"


def seconds_to_resolve(trouble):
    if not trouble.resolved_at or trouble.resolved_at < trouble.detected_at:
        return None
    return trouble.lasted.total_seconds()


def entity_name(trouble):
    return str(trouble.entity) if trouble.entity else None


BLOCKER_COLUMNS = {
    "blocker_id": attrgetter("pk"),
    "state": issue_state,
    "classification": attrgetter("classification"),
    "entity_type": attrgetter("entity_type"),
    "entity_id": attrgetter("entity_id"),
    "entity": entity_name,
    "program": lambda blocker: name_of_program(blocker.entity),
    "description": attrgetter("description"),
    "occurrences": attrgetter("occurrences"),
    "detected_at": attrgetter("detected_at"),
    "resolved_at": attrgetter("resolved_at"),
    "seconds_to_resolve": seconds_to_resolve,
    "resolution_action": attrgetter("resolution_action"),
}
VIOLATION_COLUMNS = {
    "violation_id": attrgetter("pk"),
    "state": issue_state,
    "violation_type": attrgetter("violation_type"),
    "task_id": attrgetter("task_id"),
    "task": lambda violation: violation.task and violation.task.name,
    "program": lambda violation: name_of_program(violation.task),
    "builder": attrgetter("builder_id"),
    "description": attrgetter("description"),
    "detected_at": attrgetter("detected_at"),
    "resolved_at": attrgetter("resolved_at"),
    "seconds_to_resolve": seconds_to_resolve,
    "resolution": attrgetter("resolution"),
}


@reads
@opens_with_default
def blocker_list(request):
    rows = timed(Blocker.objects.all())
    return trouble_list(
        request, rows, BlockerFilter, BLOCKER_SORTS, BLOCKER_COLUMNS,
        noun="blocker", by="classification", annotate_rows=name_entities,
    )  # fmt: skip


@reads
@opens_with_default
def violation_list(request):
    rows = timed(GovernanceViolation.objects.select_related("task__wave__program", "builder"))
    return trouble_list(
        request, rows, ViolationFilter, SORTS, VIOLATION_COLUMNS,
        noun="violation", by="violation_type", annotate_rows=name_subjects,
    )  # fmt: skip


def trouble_list(request, rows, filters, sorts, columns, *, noun, by, annotate_rows):
    listing = Listing(
        *(request, rows, filters, sorts),
        noun=noun,
        usual={"state": "open"},
        annotate_rows=annotate_rows,
    )
    if "export" in request.GET:
        return listing.export(columns)
    summary = cache(lambda: summary_of(listing, rows, by))
    unresolved = listing.filtered.filter(resolved_at=None)
    ages = cache(lambda: ages_chart(unresolved, by, now()))
    bulk = bulk_bar(request, noun) if noun == "blocker" else {}
    return render_page(
        request,
        "issues/trouble_list.html",
        {"listing": listing, "summary": summary, "ages": ages, **page_words(noun), **bulk},
        parts=["list"],
    )


def summary_of(listing, rows, by):
    """Sum up the listed issues and those in other states that the same filters let through."""
    asked = listing.filterset.data.copy()
    asked["state"] = "all"
    wanted = rows.none()
    if listing.form.is_valid():
        wanted = type(listing.filterset)(asked, queryset=rows, request=listing.request).qs
    summary = summarize(wanted, by, among=listing.rows)
    if summary.oldest and not hasattr(summary.oldest, "entity"):
        listing.annotate_rows([summary.oldest])
    return summary


# --- by hand --------------------------------------------------------------------------------------


@reads
def blocker_new(request):
    """Find an entity by its name or address, and show the form of a blocker on it."""
    return trouble_new(request, BLOCKED, available_actions.offer_to_block, "blocker")


@reads
def violation_new(request):
    return trouble_new(request, JUDGED, available_actions.offer_to_record_violation, "violation")


def trouble_new(request, kinds, offer, noun):
    words = request.GET.get("q", "").strip()
    found = list(look_up(words, kinds)) if words else []
    if not words and "builder" in kinds:
        found = list(kinds["builder"].all())
    offered = [(entity, [offer(entity)] if may_decide(request) else []) for entity in found]
    context = {"words": words, "offered": offered, **page_words(noun)}
    return render_page(request, "issues/trouble_new.html", context, parts=["found"])


def look_up(words, kinds):
    """Find entities by the words of their names, or one by an id, alone or in an address."""
    key = UUID_IN_TEXT.search(words)
    for kind, rows in kinds.items():
        if kind == "builder":
            yield from (row for row in rows.all() if words.lower() in row.pk)
        elif key:
            yield from rows.filter(pk=key[0])
        else:
            yield from rows.filter(matching(words)).order_by("name", "pk")[:SHOWN]


@decides
def blocker_raise(request, kind, pk):
    entity = entity_or_404(PLAN, kind, pk)
    actions.raise_blocker(entity, by=request.user, **cleaned_or_422(request, BlockerRaiseForm))
    return respond_done(request, f"“{entity}” is blocked.", entity)


@decides
def violation_record(request, kind, pk):
    entity = entity_or_404(JUDGED, kind, pk)
    actions.record_violation(entity, by=request.user, **cleaned_or_422(request, ViolationForm))
    return respond_done(request, f"The violation is recorded on “{entity}”.", entity)


def entity_or_404(kinds, kind, pk):
    try:
        return get_object_or_404(kinds[kind], pk=pk)
    except (KeyError, ValidationError) as error:
        raise Http404 from error


@decides
def blocker_resolve(request, pk):
    blocker = get_object_or_404(Blocker, pk=pk)
    given = cleaned_or_422(request, ResolutionForm)
    actions.resolve_blocker(blocker, resolution_action=given["resolution"], by=request.user)
    entity = name_entities([blocker])[0].entity
    told = told_resolved(f"The blocker on “{entity}”", blocker.resolution_action, given)
    return respond_done(request, told, entity or "/")


@decides
def violation_resolve(request, pk):
    violation = get_object_or_404(GovernanceViolation, pk=pk)
    given = cleaned_or_422(request, ResolutionForm)
    actions.resolve_violation(violation, by=request.user, **given)
    told = told_resolved(f"The violation “{violation}”", violation.resolution, given)
    return respond_done(request, told, violation.task or violation.builder or "/")


def told_resolved(trouble: str, recorded: str | None, given: dict[str, str]) -> str:
    """Return what is on record: of two who resolve the same, only the first is."""
    if recorded == given["resolution"]:
        return f"{trouble} is resolved."
    how = f", as “{recorded}”" if recorded else ""
    return f"{trouble} was resolved already{how}. Your text was not recorded."
