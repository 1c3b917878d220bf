"""Which run or validation another is to be compared with: `?against=` in its address."""

import re
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from governance.models import ArchitectureValidation, QAExecution

CHOICES = 50  # of the same suite, or of the same task, that are offered
KEY = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
LONGEST_SHOWN = 80


class Against[Row: Model](NamedTuple):
    """What was asked for: a row, or why there is none; neither where nothing was asked for."""

    row: Row | None = None
    refusal: str = ""


def asked_against[Row: Model](
    asked: str, this: Row, rows: QuerySet[Row], noun: str
) -> Against[Row]:
    """Return the row whose id or address was asked for."""
    asked = asked.strip()
    if not asked:
        return Against()
    found = KEY.findall(asked)
    if not found:
        shown = asked[:LONGEST_SHOWN] + "…" * (len(asked) > LONGEST_SHOWN)
        return Against(refusal=f"“{shown}” is neither the address nor the id of a {noun}.")
    key = UUID(found[0])
    if key == this.pk:
        return Against(refusal=f"This {noun} was to be compared with itself. Choose another one.")
    row = rows.filter(pk=key).first()
    return Against(row) if row else Against(refusal=f"There is no {noun} with the id {key}.")


def runs_to_choose(run: QAExecution) -> list[QAExecution]:
    """Return the newest other runs of the same suite of the same task."""
    others = QAExecution.objects.filter(
        task_id=run.task_id, qa_suite_location=run.qa_suite_location
    ).exclude(pk=run.pk)
    return list(others.order_by("-arrived_at", "-recorded")[:CHOICES])


def validations_to_choose(validation: ArchitectureValidation) -> list[ArchitectureValidation]:
    """Return the newest other validations of the same task."""
    others = ArchitectureValidation.objects.filter(task_id=validation.task_id)
    return list(others.exclude(pk=validation.pk).order_by("-validated_at", "-recorded")[:CHOICES])


def validation_before(validation: ArchitectureValidation) -> ArchitectureValidation | None:
    """Return the validation of the same task before this one."""
    earlier = ArchitectureValidation.objects.filter(
        Q(validated_at__lt=validation.validated_at)
        | Q(validated_at=validation.validated_at, recorded__lt=validation.recorded),
        task_id=validation.task_id,
    )
    return earlier.order_by("-validated_at", "-recorded").first()


def next_run(run: QAExecution) -> QAExecution | None:
    """Return the run of the same suite of the same task that arrived after this one."""
    later: QuerySet[Any] = QAExecution.objects.filter(
        Q(arrived_at__gt=run.arrived_at) | Q(arrived_at=run.arrived_at, recorded__gt=run.recorded),
        task=run.task_id,
        qa_suite_location=run.qa_suite_location,
    )
    return later.order_by("arrived_at", "recorded").first()
