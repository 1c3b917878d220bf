"""The passed and skipped tests of old runs are removed, and nothing that is still needed is."""

from datetime import timedelta
from io import StringIO
from threading import Event

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.utils.timezone import now

from governance import thinning
from governance.actions import record_qa_execution
from governance.case_history import NOT_KEPT, case_history
from governance.models import (
    CompletionClaim,
    Evidence,
    QAExecution,
    QATestResult,
    ThinnedRun,
)
from governance.quality import certificate, compare, red_run
from governance.replay import Replay, one_moment
from governance.thinning import thin_runs
from governance.watch import Watch
from kit.core.acts import Refused, act
from kit.runtime.database_addresses import OFFICE, UPKEEP, acting_as, user_of
from tests.database import as_administrator, without_triggers
from tests.factories import QAExecutionFactory, TaskFactory
from tests.scenes import past_the_rules

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MARKS = {".": "passed", "F": "failed", "s": "skipped", "~": "passed"}


@pytest.fixture(autouse=True)
def may_thin(request):
    """Let the office thin in the transaction of a test, where another role cannot connect."""
    if request.node.get_closest_marker("django_db").kwargs.get("transaction"):
        yield
        return
    request.getfixturevalue("db")
    rights = (
        "EXECUTE ON FUNCTION governance_thin_runs",
        "EXECUTE ON FUNCTION governance_prune_known_tests",
        "INSERT ON qa_thinned_runs",
    )
    for right in rights:
        as_administrator(f"GRANT {right} TO {user_of(OFFICE)}")
    yield
    for right in rights:
        as_administrator(f"REVOKE {right} FROM {user_of(OFFICE)}")


def run_of(task, days, marks="..sF~", suite=None):
    """Store a run of so many days ago whose tests ended as the marks say; ~ is a flaky one."""
    ended = [MARKS[mark] for mark in marks]
    run = QAExecutionFactory(
        task=task,
        passing_tests=ended.count("passed"),
        failing_tests=ended.count("failed"),
        skipped_tests=ended.count("skipped"),
        executed_at=now() - days * DAY,
        arrived_at=now() - days * DAY,
        **({"qa_suite_location": suite} if suite else {}),
    )
    QATestResult.objects.bulk_create(
        QATestResult(
            execution=run, name=f"test {n}", outcome=outcome, flaky=mark == "~", message=f"{n}"
        )
        for n, (mark, outcome) in enumerate(zip(marks, ended, strict=True))
    )
    return run


def thinned(older_than=30 * DAY, **options):
    """Thin, and return how many runs and tests were."""
    steps = [*thin_runs(older_than, **options)]
    return sum(step.runs for step in steps), sum(step.tests for step in steps)


def names(run):
    return sorted(run.results.values_list("name", flat=True))


def whole(runs):
    """Return which of these runs have all their tests."""
    return [run.results.count() == run.total_tests for run in runs]


def test_what_failed_is_kept_for_ever_and_also_what_failed_at_first(task):
    runs = [run_of(task, days) for days in (100, 90, 80, 70)]
    assert thinned() == (1, 3)
    assert whole(runs) == [True, False, True, True]
    assert names(runs[1]) == ["test 3", "test 4"]
    told = ThinnedRun.objects.get()
    assert (told.pk, told.passed, told.skipped, told.kept_days) == (runs[1].pk, 2, 1, 30)
    again = QAExecution.objects.get(pk=runs[1].pk)
    assert (again.total_tests, again.passing_tests, again.skipped_tests) == (5, 3, 1)


def test_what_is_younger_is_kept(task):
    runs = [run_of(task, days) for days in (100, 29, 28, 27)]
    assert thinned() == (0, 0)
    assert all(whole(runs))
    assert thinned(28.5 * DAY) == (1, 3)


def test_the_first_and_the_latest_two_runs_of_each_suite_are_kept(task):
    runs = [
        run_of(task, days, suite=suite) for suite in ("a/", "b/") for days in (100, 90, 80, 70, 60)
    ]
    assert thinned() == (4, 12)
    assert whole(runs) == [True, False, False, True, True] * 2


def assign(task, days):
    """Let work on a task have begun so many days ago, by its evidence."""
    with without_triggers():
        as_administrator(
            "INSERT INTO evidence_trail"
            " (entity_type, entity_id, action, actor, witnessed, context, timestamp, sequence)"
            " VALUES ('task', %s, 'state_changed', 'foreman', true, %s, %s,"
            " nextval('evidence_trail_sequence_seq'))",
            *(task.pk, '{"from": "planned", "to": "assigned"}', now() - days * DAY),
        )


def test_the_red_run_is_kept(task):
    runs = [run_of(task, days) for days in (100, 90, 80, 70, 60, 50)]
    assign(task, 75)
    assert red_run(task) == runs[2]
    thinned()
    assert whole(runs) == [True, False, True, False, True, True]


def test_the_runs_at_completion_and_at_each_claim_are_kept(task):
    runs = [run_of(task, days) for days in (100, 90, 80, 70, 60, 50, 40)]
    past_the_rules(task, completed_at=now() - 65 * DAY)
    CompletionClaim.objects.create(
        task=task, builder_id="ui-builder", accepted=False, claimed_at=now() - 85 * DAY
    )
    thinned()
    assert whole(runs) == [True, True, False, True, False, True, True]


def test_thinned_once_is_thinned_for_good(task):
    for days in (100, 90, 80, 70):
        run_of(task, days)
    assert thinned() == (1, 3)
    assert thinned() == (0, 0)
    run_of(task, 60)
    assert thinned() == (1, 3)


def test_it_comes_through_all_tasks_step_by_step(monkeypatch):
    monkeypatch.setattr(thinning, "TASKS_AT_ONCE", 2)
    tasks = [TaskFactory() for _ in range(5)]
    for task in tasks:
        for days in (100, 95, 90, 85, 80):
            run_of(task, days)
    steps = [*thin_runs(30 * DAY, tests_at_once=5)]
    assert sum(step.runs for step in steps) == 10
    assert sum(step.tests for step in steps) == 30
    assert max(step.tests for step in steps) <= 8  # it ends with the run that is over the bound
    assert ThinnedRun.objects.count() == 10


def test_a_dry_run_counts_and_removes_nothing(task):
    for days in (100, 95, 90, 85, 80):
        run_of(task, days)
    before = QATestResult.objects.count()
    assert thinned(dry=True, tests_at_once=1) == (2, 6)
    assert QATestResult.objects.count() == before
    assert not ThinnedRun.objects.exists()
    out = StringIO()
    call_command("thin_runs", dry_run=True, days=30, stdout=out)
    assert out.getvalue() == (
        "Passed and skipped tests older than 30 days would be removed: 6, of 2 runs\n"
    )
    call_command("thin_runs", days=30, stdout=out)
    assert out.getvalue().endswith("days removed: 6, of 2 runs\n")


@pytest.mark.parametrize("days", [0, -1])
def test_the_tests_of_a_day_are_always_kept(days):
    with pytest.raises(CommandError, match="at least one day"):
        call_command("thin_runs", days=days)
    with pytest.raises(Refused, match="at least one day"):
        thinned(days * DAY)


def test_the_evidence_tells_what_was_removed_keeps_the_digest_and_replays(task):
    for days in (100, 90, 80, 70):
        run = record_qa_execution(
            task,
            passing=2,
            failing=1,
            results=[Named("a"), Named("b"), Named("c", "failed")],
            by=None,
        )
        past_the_rules(run, arrived_at=now() - days * DAY)
    middle = QAExecution.objects.order_by("arrived_at")[1]
    recorded = Evidence.objects.get(
        action="qa_run_recorded", context__snapshot__execution_id=str(middle.pk)
    )
    digest = recorded.context["results"]
    assert digest["tests"] == 3
    thinned()
    act_told = Evidence.objects.get(action="qa_run_tests_thinned")
    assert act_told.context["tests"] == 2
    assert act_told.context["results"]["tests"] == 1
    assert act_told.context["reason"].endswith("kept for 30 days.")
    assert act_told.context["snapshot"] == {"execution_id": str(middle.pk)}
    recorded.refresh_from_db()
    assert recorded.context["results"] == digest
    assert not Evidence.objects.filter(action="qa_run_tests_edited").exists()


class Named:
    def __init__(self, name, outcome="passed"):
        self.name, self.outcome = name, outcome
        self.message, self.flaky, self.is_test = None, False, True


@pytest.mark.django_db(transaction=True)
def test_the_record_replays_before_and_after():
    task = TaskFactory()
    for _ in range(5):
        record_qa_execution(
            task, passing=1, failing=1, results=[Named("a"), Named("b", "failed")], by=None
        )
    with one_moment():
        assert Replay().first_difference() is None
    # All came today: what is a day old is thinned, if the clock says so.
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SELECT set_config('foreman.context', '{\"reason\": \"a test\"}', true)")
        cursor.execute(
            "UPDATE qa_executions SET arrived_at = arrived_at - interval '9 days',"
            " executed_at = executed_at - interval '9 days'"
        )
    with one_moment():
        assert Replay().first_difference() is None
    with acting_as(UPKEEP):
        assert thinned(2 * DAY) == (2, 2)
    with one_moment():
        assert Replay().first_difference() is None
    # What a person removes after that is told as what it is.
    with act(None, reason="A correction."):
        QATestResult.objects.filter(execution__thinned__isnull=False).delete()
    assert Evidence.objects.filter(action="qa_run_tests_edited").count() == 2
    with one_moment():
        assert Replay().first_difference() is None


def test_a_thinned_run_is_compared_by_what_failed(task):
    first = run_of(task, 100, "...")
    old = run_of(task, 90, ".F.s")
    run_of(task, 80, "....")
    new = run_of(task, 70, "FF..")
    thinned()
    compared = compare(new, old)
    assert (compared.named, compared.thinned) == (True, None)
    assert compared.thinned_before.pk == old.pk
    assert [result.name for result in compared.newly_failing] == ["test 0"]
    assert [result.name for result in compared.still_failing] == ["test 1"]
    assert compared.vanished == []
    back = compare(old, first)
    assert back.thinned.pk == old.pk
    assert [(each.words, len(each.results)) for each in back.lists] == [
        ("newly failing", 1),
        ("still failing", 0),
    ]
    assert (back.renamed, back.vanished) == ([], [])


def test_the_history_of_a_test_says_where_it_is_not_kept(task):
    for days, marks in ((100, "F"), (90, "F"), (80, "."), (70, "F"), (60, "F"), (50, "F")):
        run_of(task, days, marks)
    thinned()
    found = case_history(task.qa_suite_location, "test 0")
    assert [past.outcome for past in found.outcomes] == [*["failed"] * 3, NOT_KEPT, *["failed"] * 2]
    assert found.failing_since == found.outcomes[2]
    assert found.passed_before is None
    assert (found.named, found.not_kept, found.failed) == (5, 1, 5)
    assert case_history(task.qa_suite_location, "test 9").outcomes == []


def test_a_certificate_is_the_same_before_and_after(task):
    for days, marks in ((100, "FF"), (90, ".F"), (80, "F."), (70, ".."), (60, "..")):
        run_of(task, days, marks)
    past_the_rules(task, state="completed", completed_at=now() - 65 * DAY)
    task.refresh_from_db()
    before = certificate(task)
    assert thinned()[0]
    after = certificate(task)
    assert (after.red, after.green, after.moved) == (before.red, before.green, before.moved)
    assert (after.by_name, after.edited) == (True, before.edited)


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_watcher_thins_with_the_rights_of_upkeep(settings):
    settings.FOREMAN_TEST_RETENTION_DAYS = 30
    task = TaskFactory()
    for days in (100, 90, 80, 70):
        run_of(task, days)
    said = []
    with acting_as(UPKEEP):
        watch = Watch(timedelta(seconds=5), Event(), said.append)
        watch.sweep()
        while not any("passed and skipped tests" in line for line in said):
            watch.prune()
        watch.leave()
    assert "removed 3 passed and skipped tests older than 30 days, of 1 runs" in said
    told = Evidence.objects.get(action="qa_run_tests_thinned")
    assert told.context["watcher"] == f"{watch.host}:{watch.pid}"


@pytest.mark.django_db(transaction=True)
def test_nobody_else_may_thin_nor_say_that_a_run_is_thinned():
    run = run_of(TaskFactory(), 100)
    with acting_as(OFFICE):
        with pytest.raises(ProgrammingError, match="permission denied"):
            thinned()
        with pytest.raises(ProgrammingError, match="permission denied"):
            ThinnedRun.objects.create(execution=run, passed=1, skipped=0, kept_days=1)
    with acting_as(UPKEEP), pytest.raises(ProgrammingError, match="permission denied"):
        QATestResult.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_a_thinned_run_is_deleted_with_its_remark():
    task = TaskFactory()
    runs = [run_of(task, days) for days in (100, 90, 80, 70)]
    with acting_as(UPKEEP):
        assert thinned() == (1, 3)
    with act(None, reason="It was another's."):
        runs[1].delete()
    assert not ThinnedRun.objects.exists()
