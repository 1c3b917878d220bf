"""What was found, as it is shown: its name, its page, and where in it the words are."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Model
from django.urls import reverse

from builders.models import Question
from foreman_office.dashboard.evidence.sentences import describe
from foreman_office.dashboard.evidence.text_search import texts_in
from foreman_office.dashboard.quality.addresses import address_of_test
from foreman_office.dashboard.snippets import SnippetPart, has_all, mark_words, snippet
from foreman_office.dashboard.texts import TextMatch
from governance.entities import name_entities
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Evidence,
    GovernanceViolation,
    KnownTest,
)
from kit.web.addresses import address_of
from programs.models import PlanNote, Program, Task, TaskLink, TaskNote, Wave


class Hit(NamedTuple):
    """A result: its name, its page, its mark, what it belongs to, and what it says."""

    label: str
    url: str
    icon: str = ""
    state: str = ""
    within: str = ""
    name: Sequence[SnippetPart] = ()  # the label, with what was found in it
    snippet: Sequence[SnippetPart] = ()


class ShownHit(NamedTuple):
    """How a row is shown that was found; its text where it is not the one that was searched."""

    label: str
    url: str
    icon: str = ""
    state: str = ""
    within: str = ""
    text: str = ""


type DescribeHits = Callable[[list[str]], dict[str, ShownHit]]


def hits_of(matches: Sequence[TextMatch], words: Sequence[str]) -> list[Hit]:
    """Return the matches of one kind as hits; what was deleted meanwhile is left out."""
    if not matches:
        return []
    shown = DESCRIPTIONS[matches[0].kind]([match.key for match in matches])
    return [
        as_hit(shown[match.key], match.excerpt, words) for match in matches if match.key in shown
    ]


def as_hit(shown: ShownHit, excerpt: str, words: Sequence[str]) -> Hit:
    is_named = has_all(shown.label, words)
    said = () if is_named else snippet(shown.text or excerpt, words)
    return Hit(*shown[:5], mark_words(shown.label, words), said)


# --- each kind ------------------------------------------------------------------------------------


def describe_plan(model: Any, *path: str) -> DescribeHits:
    def described(keys: list[str]) -> dict[str, ShownHit]:
        rows = model.objects.filter(pk__in=keys).values_list("pk", "name", "state", *path)
        return {
            str(pk): ShownHit(name, address_in_plan(model, pk), "", state, " / ".join(within))
            for pk, name, state, *within in rows
        }

    return described


def address_in_plan(model: Any, pk: UUID) -> str:
    return str(model(pk=pk).get_absolute_url())


def describe_blockers(keys: list[str]) -> dict[str, ShownHit]:
    rows = name_entities(Blocker.objects.filter(pk__in=keys))
    return {
        str(row.pk): ShownHit(
            row.get_classification_display(),
            row.entity.get_absolute_url(),
            state="resolved" if row.resolved_at else "open",
            within=path_of(row.entity),
        )
        for row in rows
        if row.entity
    }


def describe_violations(keys: list[str]) -> dict[str, ShownHit]:
    rows = GovernanceViolation.objects.filter(pk__in=keys)
    return {
        str(row.pk): ShownHit(
            row.violation_type,
            about.get_absolute_url() if about else reverse("governance:violation_list"),
            state="resolved" if row.resolved_at else "violation",
            within=path_of(about),
        )
        for row in rows.select_related("task__wave__program", "builder")
        for about in [row.task or row.builder]
    }


def describe_validations(keys: list[str]) -> dict[str, ShownHit]:
    rows = ArchitectureValidation.objects.filter(pk__in=keys)
    return {
        str(row.pk): ShownHit(
            f"Validation: {row}",
            address_of("governance:quality_validation", row.pk),
            state=row.build_readiness,
            within=path_of(row.task),
        )
        for row in rows.select_related("task__wave__program")
    }


def describe_tests(keys: list[str]) -> dict[str, ShownHit]:
    """Describe tests by their pages; one whose name fits no address is in its first run."""
    shown = {}
    for row in KnownTest.objects.filter(pk__in=keys):
        url = address_of_test(row.qa_suite_location, row.name)
        url = url or address_of("governance:quality_run", row.first_run_id)
        shown[str(row.pk)] = ShownHit(row.name, url, "quality", within=row.qa_suite_location)
    return shown


def describe_of_tasks(
    model: Any, icon: str, label: Callable[[Any], str], anchor: str
) -> DescribeHits:
    """Describe what hangs on a task: it is shown on the task's page."""

    def described(keys: list[str]) -> dict[str, ShownHit]:
        rows = model.objects.filter(pk__in=keys).select_related("task__wave__program")
        return {
            str(row.pk): ShownHit(
                label(row),
                row.task.get_absolute_url() + anchor,
                icon,
                within=path_of(row.task),
            )
            for row in rows
        }

    return described


def describe_plan_notes(keys: list[str]) -> dict[str, ShownHit]:
    rows = PlanNote.objects.filter(pk__in=keys).select_related("program")
    return {
        str(row.pk): ShownHit(
            f"Note of {row.written_by}",
            row.program.get_absolute_url(),
            "programs",
            within=row.program.name,
        )
        for row in rows
    }


def describe_evidence(keys: list[str]) -> dict[str, ShownHit]:
    rows = Evidence.objects.filter(sequence__in=keys)
    return {
        str(told.row.sequence): ShownHit(
            " ".join(filter(None, [told.what, told.object and str(told.object)])),
            reverse("governance:evidence", args=[told.row.sequence]),
            "evidence",
            within=told.entity_name,
            text=" · ".join(texts_in(told.row.context)),
        )
        for told in describe(rows)
    }


def path_of(entity: Model | None) -> str:
    """Return the names that lead to an entity, from its program on."""
    match entity:
        case Task():
            return f"{entity.wave.program} / {entity.wave} / {entity}"
        case Wave():
            return f"{entity.program} / {entity}"
    return str(entity or "")


DESCRIPTIONS: dict[str, DescribeHits] = {
    "programs": describe_plan(Program),
    "waves": describe_plan(Wave, "program__name"),
    "tasks": describe_plan(Task, "wave__program__name", "wave__name"),
    "tests": describe_tests,
    "blockers": describe_blockers,
    "violations": describe_violations,
    "validations": describe_validations,
    "questions": describe_of_tasks(
        Question, "tasks", lambda row: f"Question of {row.builder_id}", "#questions-title"
    ),
    "notes": describe_of_tasks(
        TaskNote, "tasks", lambda row: f"Note of {row.written_by}", "#notes-title"
    ),
    "plan-notes": describe_plan_notes,
    "links": describe_of_tasks(TaskLink, "tasks", str, "#notes-title"),
    "evidence": describe_evidence,
}


def ranked_hits(hits: Iterable[Hit], text: str) -> list[Hit]:
    """Return hits with the best first: named so, begins so, has it in the name, is not completed.

    Of equals, the order stays: the newest first.
    """
    wanted = text.lower()

    def rank(found: Hit) -> tuple[bool, bool, bool, bool]:
        name = found.label.lower()
        is_named = any(part.is_match for part in found.name) and not found.snippet
        return (
            name != wanted,
            not name.startswith(wanted),
            not is_named,
            found.state == "completed",
        )

    return sorted(hits, key=rank)
