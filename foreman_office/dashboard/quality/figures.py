"""The quality of work across programs, in figures: few queries, bounded by a window of time."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Sum, Window

from governance.models import (
    ArchitectureValidation,
    LatestRun,
    QAExecution,
    QAStatus,
    QATestResult,
    Readiness,
)
from programs.models import Task

SHOWN = 8  # rows of each list on the page
LOOKED_AT = 2_000  # validations that are searched for what fails, the newest first

# Of what fails: nothing passes, some test fails, or something else speaks against the run.
FAILING = (
    Q(qa_status=QAStatus.RED)
    | Q(failing_tests__gt=0)
    | Q(qa_status=QAStatus.PARTIAL, skipped_tests=0, test_debt_count=0)
)

FLAKY = (
    "A test is flaky if it failed and then passed when it was retried in the same run, according to"
    " the report of the run. Reports that do not name their tests show no flaky tests."
)


class Now(NamedTuple):
    """The figures of the latest run of each suite, of those that ran within the window."""

    suites: int
    green: int
    partial: int
    red: int
    tests: int
    passing: int
    failing: int
    skipped: int
    debt: int
    in_debt: int
    not_passing: int  # suites in which something fails
    debtors: list[LatestRun]


class Flaky(NamedTuple):
    """A flaky test of a suite: how often, and in which run last."""

    name: str
    suite: str
    task: Any
    times: int
    last: datetime


class Item(NamedTuple):
    """An item of the checklist, and how many validations it did not pass."""

    section: str
    item: str
    times: int


def suites_now(latest: QuerySet[LatestRun]) -> Now:
    """Sum up the latest runs of suites, with those that have most test debt by name."""
    told = latest.aggregate(
        suites=Count("pk"),
        **{
            status.lower(): Count("pk", filter=Q(qa_status=status))
            for status in (QAStatus.GREEN, QAStatus.PARTIAL, QAStatus.RED)
        },
        tests=Sum("total_tests", default=0),
        passing=Sum("passing_tests", default=0),
        failing=Sum("failing_tests", default=0),
        skipped=Sum("skipped_tests", default=0),
        debt=Sum("test_debt_count", default=0),
        in_debt=Count("pk", filter=Q(test_debt_count__gt=0)),
        not_passing=Count("pk", filter=FAILING),
    )
    named = latest.select_related("task__wave__program", "execution")
    in_debt = named.filter(test_debt_count__gt=0).order_by("-test_debt_count", "-executed_at", "pk")
    return Now(
        **told,
        debtors=list(in_debt[:SHOWN]) if told["in_debt"] else [],
    )


def flaky_tests(runs: QuerySet[QAExecution]) -> tuple[int, list[Flaky]]:
    """Return how many tests were flaky in these runs, and those that were most often."""
    tests = (
        QATestResult.objects.filter(flaky=True, execution__in=runs.order_by().values("pk"))
        .order_by()
        .values("execution__task_id", "execution__qa_suite_location", "name")
        .annotate(times=Count("pk"), last=Max("execution__executed_at"), number=Window(Count("*")))
    )
    most = list(tests.order_by("-times", "-last", "name")[:SHOWN])
    number = most[0]["number"] if most else 0
    tasks = Task.objects.in_bulk([each["execution__task_id"] for each in most])
    return number, [
        Flaky(
            each["name"],
            each["execution__qa_suite_location"],
            tasks[each["execution__task_id"]],
            each["times"],
            each["last"],
        )
        for each in most
    ]


def passed_before(runs: Iterable[QAExecution]) -> dict[UUID, int | None]:
    """Return of each run how many tests passed in the run of its suite before it."""
    before = QAExecution.objects.filter(
        Q(arrived_at__lt=OuterRef("arrived_at"))
        | Q(arrived_at=OuterRef("arrived_at"), recorded__lt=OuterRef("recorded")),
        task=OuterRef("task"),
        qa_suite_location=OuterRef("qa_suite_location"),
    ).order_by("-arrived_at", "-recorded")
    told = QAExecution.objects.filter(pk__in=[run.pk for run in runs])
    return dict(told.values_list("pk", Subquery(before.values("passing_tests")[:1])))


def failing_items(validations: QuerySet[ArchitectureValidation]) -> list[Item]:
    """Return the items of the checklist that most of the newest validations did not pass."""
    newest = validations.filter(build_readiness=Readiness.NOT_READY).order_by("-validated_at")
    rows, params = newest.values("validation_results")[:LOOKED_AT].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH judged (results) AS ({rows})
            SELECT section.key, item.key, count(*)
            FROM judged
            CROSS JOIN LATERAL jsonb_each(
                CASE jsonb_typeof(results) WHEN 'object' THEN results ELSE '{{}}' END) AS section
            CROSS JOIN LATERAL jsonb_each(
                CASE jsonb_typeof(section.value) WHEN 'object' THEN section.value ELSE '{{}}' END
            ) AS item
            WHERE item.value <> 'true'
            GROUP BY section.key, item.key
            ORDER BY count(*) DESC, section.key, item.key LIMIT {SHOWN}
            """,  # noqa: S608  the query of a queryset, and our own number
            params,
        )
        return [Item(*row) for row in cursor.fetchall()]


def judged(validations: QuerySet[ArchitectureValidation]) -> tuple[int, int]:
    """Return how many validations there were, and how many of them were ready."""
    told = validations.aggregate(
        all=Count("pk"), ready=Count("pk", filter=Q(build_readiness=Readiness.READY))
    )
    return told["all"], told["ready"]
