"""What the page of a task shows: its runs and validations, and who recorded them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from builders.models import Heartbeat, Question
from foreman_office.dashboard.available_actions import offer_to_remove_link
from foreman_office.dashboard.evidence.sentences import who_did
from foreman_office.dashboard.notes.queries import with_withdrawals
from foreman_office.dashboard.notes.subjects import TASK
from governance.models import Evidence
from programs.models import Task, TaskLink, TaskNote

NOTES = 20  # that the page of a task shows
ACTIONS = {"qa_run_recorded": "execution_id", "validation_recorded": "validation_id"}


def with_recorders(rows: Iterable[Any], task: Task, action: str) -> list[Any]:
    """Return rows with their `recorded_by`: a person, a builder, a CI token; empty if unknown."""
    rows, key = list(rows), ACTIONS[action]
    wanted = {f"context__snapshot__{key}__in": [str(row.pk) for row in rows]}
    found = Evidence.objects.filter(entity_type="task", entity_id=task.pk, action=action, **wanted)
    names = {act.context["snapshot"][key]: who_did(act) for act in found} if rows else {}
    for row in rows:
        row.recorded_by = names.get(str(row.pk), "")
    return rows


def newest_runs(task: Task) -> list[Any]:
    """Return the latest QA runs of a task, each with who recorded it, newest first."""
    runs = task.qa_executions.order_by("-arrived_at", "-recorded")[:50]
    return with_recorders(runs, task, "qa_run_recorded")


def newest_validations(task: Task) -> list[Any]:
    """Return the latest validations of a task, each with who recorded it, newest first."""
    validations = task.validations.order_by("-validated_at", "-recorded")[:20]
    return with_recorders(validations, task, "validation_recorded")


def newest_questions(task: Task) -> list[Question]:
    """Return the latest questions that builders asked about a task, newest first."""
    return list(task.questions.order_by("-asked_at", "-question_id")[:20])


def newest_notes(task: Task, *, decides: bool) -> list[TaskNote]:
    """Return the latest notes on a task, newest first, each with the offer to withdraw it."""
    rows = task.notes.order_by("-written_at", "-note_id")[:NOTES]
    return with_withdrawals(rows, TASK, decides=decides)


def links_with_offers(task: Task, *, decides: bool) -> list[TaskLink]:
    """Return the links of a task, newest first, each with the offer to remove it."""
    links: list[Any] = list(task.links.order_by("-added_at", "-link_id"))
    for link in links:
        link.offers = [offer_to_remove_link(link)] if decides else []
    return links


def latest_beats(task: Task) -> list[Heartbeat]:
    """Return the latest heartbeats on a task, the last that was received first."""
    return list(task.heartbeats.newest_first()[:50])


def resolved(issues: QuerySet[Any]) -> list[Any]:
    """Return the blockers or violations that are resolved, the latest first."""
    return list(issues.filter(resolved_at__isnull=False).order_by("-detected_at")[:20])
