"""What the judgement adds to lists of tasks: the latest run of each task's own suite.

It hangs itself on the list from outside, so that the plan need not know who judges it.
"""

from operator import attrgetter
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
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


class LatestRunFilter(ChoiceFilter):
    """How the latest run ended. Each task is told so, as `latest_qa`, whatever is asked for."""

    def filter(self, qs: QuerySet[Task], value: str) -> QuerySet[Task]:
        tasks = qs.annotate(latest_qa=latest_status())
        if value == NEVER:
            return tasks.filter(latest_qa=None)
        return tasks.filter(latest_qa=value) if value else tasks


def hang() -> None:
    choices: list[tuple[str, Any]] = [*QAStatus.choices, (NEVER, "No run")]
    for filters in (TaskFilter, WaveTaskFilter):
        filters.base_filters["qa"] = LatestRunFilter(
            label="Latest QA", choices=choices, empty_label="any"
        )
    TASK_COLUMNS["latest_qa"] = attrgetter("latest_qa")
