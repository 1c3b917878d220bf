"""Acts by their names: "pause ui-builder", "approve Island Line", "assign Login to ui-builder".

What is found leads to the form of the act, where the entity is shown; nothing is done by finding
it. Only what may be done now is found: the gates of the database are asked, as the pages ask them.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db.models import Model, Q
from django.urls import reverse

from builders.models import Builder, Question
from foreman_office.dashboard.available_actions import (
    BACK,
    FORCE,
    offer_resolution,
    offer_to_answer,
    offers_on,
    offers_to_attach,
    offers_to_object,
)
from foreman_office.dashboard.builders.queries import with_verdict
from foreman_office.dashboard.explain.problems import OpenProblem
from foreman_office.dashboard.inbox.acknowledgements import offer_marks
from foreman_office.dashboard.inbox.inbox_cards import list_decisions, to_assign
from foreman_office.dashboard.search.hits import Hit, path_of
from foreman_office.dashboard.snippets import has_all, is_named
from governance.entities import name_entities
from governance.gates import conditions, state_before_block
from governance.models import Blocker, GovernanceViolation
from kit.web.decision_forms import ActionButton
from kit.web.search import matching, words_of
from programs.models import FINISHED, Program, State, Task, TaskState, Wave

SHOWN = 5
ASKED = 10  # entities of a kind whose gates are asked
READ = 60  # open blockers, violations and questions that are looked through
SHORTEST = 2  # letters of a verb

# What is typed first, and what it may be about.
VERBS: dict[str, tuple[type, ...]] = {
    "abandon": (Program, Wave, Task),
    "add": (Task,),
    "answer": (Question,),
    "approve": (Program,),
    "archive": (Program,),
    "assign": (Task,),
    "block": (Program, Wave, Task),
    "complete": (Task,),
    "link": (Task,),
    "note": (Task,),
    "pause": (Builder,),
    "raise": (Program, Wave, Task),
    "record": (Task,),
    "release": (Task,),
    "reopen": (Program, Wave, Task),
    "resolve": (Blocker, GovernanceViolation),
    "resume": (Builder, Program, Wave, Task),
    "return": (Task,),
    "send": (Program,),
    "snooze": (OpenProblem,),
    "start": (Wave, Task),
    "unarchive": (Program,),
    "unassign": (Task,),
    "unblock": (Program, Wave, Task),
    "wake": (OpenProblem,),
    "write": (Task,),
}
# The buttons that a verb names in another word than their first.
KNOWN_AS = {
    "resume": ("End the pause", "Unblock"),
    "block": ("Raise a blocker",),
    "release": ("Unassign",),
    "note": ("Write a note",),
    "link": ("Add a link",),
    "unarchive": ("Take out of the archive",),
    "wake": ("End the snooze",),
}
# About these verbs, what is finished is looked through, and nothing else.
ABOUT_FINISHED = {"archive": Q(archived_at=None), "unarchive": Q(archived_at__isnull=False)}
PLAN: tuple[tuple[type[Model], tuple[str, ...]], ...] = (
    (Program, ()),
    (Wave, ("program",)),
    (Task, ("wave__program",)),
)


class Wanted(NamedTuple):
    """What is typed: verbs that it may begin, the name after it, and whom to assign it to."""

    verbs: list[str]
    name: str
    builder: Builder | None


class Candidate(NamedTuple):
    """Something that is named so, where its acts are shown, and the acts."""

    entity: Any
    page: str
    within: str
    offers: list[ActionButton]


def find_acts(text: str) -> list[Hit]:
    """Return the acts that a text names and that can be done now, each with its form."""
    wanted = read_act(text)
    found: list[Hit] = []
    if wanted:
        for candidate in acts_named(wanted):
            found += allowed_acts(candidate, wanted)
            if len(found) >= SHOWN:
                break
    return found[:SHOWN]


def read_act(text: str) -> Wanted | None:
    """Return what is wanted if a text begins with a verb, which may be cut short."""
    first, _, name = text.strip().partition(" ")
    typed = first.lower()
    verbs = [verb for verb in VERBS if verb.startswith(typed)]
    if len(typed) < SHORTEST or not verbs:
        return None
    builder = None
    before, parted, after = name.rpartition(" to ")
    if parted and "assign" in verbs:
        builder = Builder.objects.filter(pk__istartswith=after.strip()).first()
    return Wanted(verbs, (before if builder else name).strip(), builder)


def allowed_acts(candidate: Candidate, wanted: Wanted) -> Iterator[Hit]:
    for each in candidate.offers:
        if any(is_called(verb, each) for verb in wanted.verbs) and is_allowed(
            candidate.entity, each, wanted.builder
        ):
            label, chosen = f"{each.label} {name_in_act(candidate.entity)}", ""
            if wanted.builder:
                label, chosen = f"{label} to {wanted.builder}", f"?choose={wanted.builder}"
            url = f"{candidate.page}{chosen}#{each.key}"
            yield Hit(label, url, "chevron", within=candidate.within)


def is_called(verb: str, button: ActionButton) -> bool:
    if button.label == FORCE:
        return False
    return button.label.lower().startswith(verb) or button.label in KNOWN_AS.get(verb, ())


def name_in_act(entity: Any) -> str:
    return f"“{entity}”" if not isinstance(entity, Builder) else str(entity)


def is_allowed(entity: Any, button: ActionButton, builder: Builder | None) -> bool:
    """Return whether the gate of the state that an act leads to is open."""
    if not button.target:
        return True
    target = state_before_block(entity) if button.target == BACK else button.target
    if target == TaskState.ASSIGNED and builder is None:
        likeliest = dict(button.initial).get("builder")
        builder = Builder.objects.filter(pk=likeliest).first()
        if builder is None:
            return False
    return all(each.met for each in conditions(entity, target, builder=builder))


# --- what may be named ----------------------------------------------------------------------------


def acts_named(wanted: Wanted) -> Iterator[Candidate]:
    kinds = {kind for verb in wanted.verbs for kind in VERBS[verb]}
    if Builder in kinds:
        yield from builders_named_in_act(wanted.name)
    if Question in kinds:
        yield from questions_named_in_act(wanted.name)
    if Blocker in kinds:
        yield from troubles_named_in_act(wanted.name)
    if OpenProblem in kinds:
        yield from decisions_named_in_act(wanted.name)
    for model, path in PLAN:
        if model in kinds:
            yield from plan_named_in_act(model, path, wanted)


def builders_named_in_act(name: str) -> Iterator[Candidate]:
    for builder in with_verdict():
        if is_named(builder.pk, name):
            yield Candidate(builder, builder.get_absolute_url(), "", offers_on(builder))


def questions_named_in_act(name: str) -> Iterator[Candidate]:
    open_ones = Question.objects.open().select_related("task__wave__program")
    for question in open_ones.order_by("-asked_at")[:READ]:
        where = path_of(question.task)
        if has_all(f"{question} {question.builder_id} {where}", name.split()):
            page = question.task.get_absolute_url()
            yield Candidate(question, page, where, [offer_to_answer(question)])


def troubles_named_in_act(name: str) -> Iterator[Candidate]:
    """Yield open blockers and violations, by what they say or what they are about."""
    for blocker in name_entities(Blocker.objects.open().order_by("-detected_at")[:READ]):
        where = path_of(blocker.entity)
        if blocker.entity and has_all(
            f"{blocker.get_classification_display()} {blocker.description} {where}", name.split()
        ):
            page, offer = blocker.entity.get_absolute_url(), offer_resolution(blocker)
            yield Candidate(blocker.get_classification_display(), page, where, [offer])
    violations = GovernanceViolation.objects.unresolved().order_by("-detected_at")
    for violation in violations.select_related("task__wave__program", "builder")[:READ]:
        where = path_of(violation.task or violation.builder)
        if has_all(f"{violation} {violation.description} {where}", name.split()):
            about = violation.task
            page = about.get_absolute_url() if about else reverse("governance:violation_list")
            yield Candidate(violation, page, where, [offer_resolution(violation)])


def decisions_named_in_act(name: str) -> Iterator[Candidate]:
    """Yield what is broken or waits for a decision, by its title or what it is about."""
    found = [
        problem
        for problem in list_decisions()
        if has_all(f"{problem.title} {path_of(problem.entity)}", name.split())
    ][:ASKED]
    offer_marks(found)
    for problem in found:
        about = " · ".join(filter(None, [problem.title, path_of(problem.entity)]))
        page = reverse("decision", args=[problem.key])
        yield Candidate(problem.entity or problem.title, page, about, problem.taking)


def plan_named_in_act(model: Any, path: tuple[str, ...], wanted: Wanted) -> Iterator[Candidate]:
    """Yield programs, waves or tasks by the words of their names, those that begin so first."""
    rows = model.objects.exclude(state=State.COMPLETED)
    of_archive = [ABOUT_FINISHED[verb] for verb in wanted.verbs if verb in ABOUT_FINISHED]
    if of_archive and model is Program:
        rows = model.objects.filter(*of_archive, state__in=FINISHED)
    if words_of(wanted.name):
        rows = rows.filter(matching(wanted.name))
    elif model is Program:
        rows = rows.order_by("-created_at")
    elif model is Task and "assign" in wanted.verbs:
        ready = [each.task for wave in to_assign(SHOWN) for each in wave]
        rows = rows.filter(pk__in=ready[:SHOWN])
    else:
        return
    found = list((rows.select_related(*path) if path else rows)[:ASKED])
    found.sort(key=lambda row: not row.name.lower().startswith(wanted.name.lower()))
    for row in found:
        offers = [*offers_on(row), *offers_to_object(row)]
        if isinstance(row, Task):
            offers += offers_to_attach(row)
        yield Candidate(row, row.get_absolute_url(), path_of(row), offers)
