"""The latest run of each task's own suite, for lists of tasks."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django_filters import ChoiceFilter

from governance.models import LatestRun, QAStatus
from programs.models import Task

NEVER = "none"
LATEST_RUNS: list[tuple[str, Any]] = [*QAStatus.choices, (NEVER, "No run")]


def latest_status() -> Subquery:
    """Return the status of the run that the gates look at: SQL's governance_latest_run()."""
    runs = LatestRun.objects.filter(
        task=OuterRef("pk"), qa_suite_location=OuterRef("qa_suite_location")
    )
    return Subquery(runs.exclude(qa_suite_location="").values("qa_status"))


class LatestRunFilter(ChoiceFilter):
    """A filter by how the latest run ended; it annotates `latest_qa`, also when none is chosen."""

    def filter(self, qs: QuerySet[Task], value: str) -> QuerySet[Task]:
        tasks = qs.annotate(latest_qa=latest_status())
        if not value:
            return tasks
        # What many are is soon found by asking one task after another; what few still are, though
        # each was at first, by asking the runs. They may be of a suite that is no more the task's.
        if value in (QAStatus.RED, QAStatus.PARTIAL):
            tasks = tasks.filter(pk__in=LatestRun.objects.filter(qa_status=value).values("task"))
        return tasks.filter(latest_qa=None if value == NEVER else value)
