"""What fails: the suites, newly failing and worst first, their tests, and claims refused."""

from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from foreman_office.dashboard.quality.figures import FAILING, SHOWN
from governance.models import CompletionClaim, LatestRun, QAStatus, SuiteTurn

TESTS_OF_A_SUITE = 3  # newly failing tests of one suite that are named

NEWLY = (
    "A suite fails newly if it was green and its next run was not. Its failing tests passed in the"
    " last green run, or are new since."
)


class FailingTest(NamedTuple):
    """A test that fails in the latest run of a suite that was green before."""

    pk: int
    name: str
    latest: Any  # the run, with `turned_at`


def newly_failing(turns: QuerySet[SuiteTurn]) -> list[Any]:
    """Return the latest runs of suites that are green no more, with when they `turned_at` that.

    No run of a suite has been green since the last time that it turned so.
    """
    later = SuiteTurn.objects.filter(
        Q(arrived_at__gt=OuterRef("arrived_at"))
        | Q(arrived_at=OuterRef("arrived_at"), recorded__gt=OuterRef("recorded")),
        task=OuterRef("task"),
        qa_suite_location=OuterRef("qa_suite_location"),
    )
    lost = turns.filter(~Exists(later), is_green=False).order_by("-turned_at", "execution")
    turned = {
        (task, suite): at
        for task, suite, at in lost.values_list("task_id", "qa_suite_location", "turned_at")[:SHOWN]
    }
    suites: list[Any] = []
    if turned:
        asked = [Q(task=task, qa_suite_location=suite) for task, suite in turned]
        found = LatestRun.objects.filter(Q(*asked, _connector=Q.OR)).filter(FAILING)
        suites = list(found.select_related("task__wave__program", "execution"))
    for suite in suites:
        suite.turned_at = turned[suite.task_id, suite.qa_suite_location]
    return sorted(suites, key=lambda suite: suite.turned_at, reverse=True)


def worst_failing(latest: QuerySet[LatestRun]) -> list[Any]:
    """Return the latest runs with most failing tests, with when they `turned_at` not green."""
    last = SuiteTurn.objects.filter(
        task=OuterRef("task"), qa_suite_location=OuterRef("qa_suite_location")
    ).order_by("-arrived_at", "-recorded")
    failing = latest.filter(FAILING).exclude(qa_status=QAStatus.GREEN)
    return list(
        failing.annotate(turned_at=Subquery(last.values("turned_at")[:1]))
        .select_related("task__wave__program", "execution")
        .order_by("-failing_tests", "-executed_at", "pk")[:SHOWN]
    )


def failing_suites(newly: list[Any], worst: list[Any]) -> list[Any]:
    """Return suites that fail, each once: the newly failing first, then the worst."""
    known = {suite.pk for suite in newly}
    for suite in newly:
        suite.newly = True
    return [*newly, *(suite for suite in worst if suite.pk not in known)][: 2 * SHOWN]


def newly_failing_tests(newly: list[Any]) -> list[FailingTest]:
    """Return some failing tests of each newly failing suite, by its latest run."""
    if not newly:
        return []
    by_run: dict[UUID, Any] = {suite.pk: suite for suite in newly}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT test.id, test.name, run
            FROM unnest(%s::uuid[]) WITH ORDINALITY AS runs (run, place)
            CROSS JOIN LATERAL (
                SELECT id, name FROM qa_test_results
                WHERE execution_id = run AND outcome = 'failed' LIMIT %s
            ) AS test
            ORDER BY place, test.name
            """,
            [list(by_run), TESTS_OF_A_SUITE],
        )
        return [FailingTest(pk, name, by_run[run]) for pk, name, run in cursor.fetchall()]


def claims_refused(claims: QuerySet[CompletionClaim]) -> list[Any]:
    """Return the newest claims that were refused, each with its unmet conditions."""
    refused = claims.filter(accepted=False).select_related("task__wave__program", "builder")
    found: list[Any] = list(refused.order_by("-claimed_at")[:SHOWN])
    for claim in found:
        claim.unmet = [
            condition["detail"] for condition in claim.conditions if not condition.get("met")
        ]
    return found
