"""What the judgement adds to lists of tasks: the latest run of each task's own suite.

It hangs itself on the list from outside, so that the plan need not know who judges it.
"""

from operator import attrgetter
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django_filters import ChoiceFilter

from governance.models import LatestRun, QAStatus
from programs.filters import TaskFilter, WaveTaskFilter
from programs.models import Task
from programs.task_views import TASK_COLUMNS

NEVER = "none"


def latest_status() -> Subquery:
    """The status of the run that the gates look at, as SQL's governance_latest_run() finds it."""
    runs = LatestRun.objects.filter(
        task=OuterRef("pk"), qa_suite_location=OuterRef("qa_suite_location")
    )
    return Subquery(runs.exclude(qa_suite_location="").values("qa_status"))


class LatestRunFilter(ChoiceFilter):
    """How the latest run ended. Each task is told so, as `latest_qa`, whatever is asked for."""

    def filter(self, qs: QuerySet[Task], value: str) -> QuerySet[Task]:
        tasks = qs.annotate(latest_qa=latest_status())
        if not value:
            return tasks
        # What many are is soon found by asking one task after another; what few still are, though
        # each was at first, by asking the runs. They may be of a suite that is no more the task's.
        if value in (QAStatus.RED, QAStatus.PARTIAL):
            tasks = tasks.filter(pk__in=LatestRun.objects.filter(qa_status=value).values("task"))
        return tasks.filter(latest_qa=None if value == NEVER else value)


def hang() -> None:
    choices: list[tuple[str, Any]] = [*QAStatus.choices, (NEVER, "No run")]
    for filters in (TaskFilter, WaveTaskFilter):
        filters.base_filters["qa"] = LatestRunFilter(
            label="Latest QA", choices=choices, empty_label="any"
        )
    TASK_COLUMNS["latest_qa"] = attrgetter("latest_qa")
