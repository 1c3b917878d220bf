"""What the judgement adds to lists of tasks: the latest run of each task's own suite.

It hangs itself on the list from outside, so that the plan need not know who judges it.
"""

from operator import attrgetter
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django_filters import ChoiceFilter

from governance.models import QAExecution, QAStatus
from programs.filters import TaskFilter, WaveTaskFilter
from programs.models import Task
from programs.task_views import TASK_COLUMNS

NEVER = "none"


def latest_status() -> Subquery:
    """The status of the run that the gates look at, as SQL's governance_latest_run() finds it."""
    runs = QAExecution.objects.filter(
        task=OuterRef("pk"), qa_suite_location=OuterRef("qa_suite_location")
    ).exclude(qa_suite_location="")
    return Subquery(runs.order_by("-executed_at", "-execution_id").values("qa_status")[:1])


def ended_as(status: str) -> QuerySet[QAExecution]:
    """The runs of that status, each the latest of the suite that its task names."""
    later = Q(executed_at__gt=OuterRef("executed_at")) | Q(
        executed_at=OuterRef("executed_at"), pk__gt=OuterRef("pk")
    )
    same = {"task": OuterRef("task"), "qa_suite_location": OuterRef("qa_suite_location")}
    runs = QAExecution.objects.filter(
        qa_status=status, qa_suite_location=F("task__qa_suite_location")
    ).exclude(qa_suite_location="")
    return runs.filter(~Exists(QAExecution.objects.filter(later, **same)))


class LatestRunFilter(ChoiceFilter):
    """How the latest run ended. Each task is told so, as `latest_qa`, whatever is asked for."""

    def filter(self, qs: QuerySet[Task], value: str) -> QuerySet[Task]:
        tasks = qs.annotate(latest_qa=latest_status())
        if not value:
            return tasks
        # What many are is soon found by asking one task after another; what few still are, though
        # each was at first, by asking the runs.
        if value == NEVER:
            return tasks.filter(latest_qa=None)
        if value == QAStatus.GREEN:
            return tasks.filter(latest_qa=value)
        return tasks.filter(pk__in=ended_as(value).values("task"))


def hang() -> None:
    choices: list[tuple[str, Any]] = [*QAStatus.choices, (NEVER, "No run")]
    for filters in (TaskFilter, WaveTaskFilter):
        filters.base_filters["qa"] = LatestRunFilter(
            label="Latest QA", choices=choices, empty_label="any"
        )
    TASK_COLUMNS["latest_qa"] = attrgetter("latest_qa")
