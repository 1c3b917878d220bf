"""When a run was made, and which run proves the work."""

from datetime import datetime, timedelta

import pytest
from django.utils.timezone import now

from builders.models import Builder
from governance.models import QAExecution
from tests.api.caller import unmet
from tests.api.proof import ACCEPTED, FAILS, RED, accepted, case, detail, refused, suite

pytestmark = pytest.mark.django_db(transaction=True)


# --- V3: when a run was made ----------------------------------------------------------------------


def made(at, lasts=0.0, zone=True):
    """Return a green report that began at a moment."""
    at = at if zone else at.replace(tzinfo=None)
    return suite(case("test_a"), case("test_b"), timestamp=at.isoformat(), time=f"{lasts:.3f}")


def seconds(number):
    return timedelta(seconds=number)


@pytest.mark.parametrize(
    "ago", [timedelta(days=170), timedelta(days=2), timedelta(hours=2), timedelta(minutes=20)]
)
@pytest.mark.parametrize("stamped", [True, False])
def test_a_report_made_before_the_work_does_not_prove_it(work, ago, stamped):
    sent_at = {"timestamp": now().isoformat()} if stamped else {}
    work.begin(RED, 90, **sent_at)
    answer = work.sent(made(now() - ago))
    assert now() - datetime.fromisoformat(answer["executed_at"]) >= ago
    assert answer["qa_status"] == "GREEN"
    assert accepted(work) == refused("run_newer_than_work")


def test_counts_may_say_when_they_were_made(work):
    work.begin(RED, 90)
    tests = [{"name": f"s::lamp.test_hold::test_{n}", "outcome": "passed"} for n in "ab"]
    old = {"passing": 2, "failing": 0, "executed_at": "2026-06-01T09:00:00Z"}
    work.sent(old | {"tests": tests})
    assert "run_newer_than_work" in unmet(work.claim())


def test_a_report_of_five_months_ago_does_not_even_prove_work_of_which_nothing_was_told(work):
    work.take_again(RED)
    work.caller.beat(work.task)
    work.sent(made(now() - timedelta(days=170)))
    assert accepted(work) == refused("run_newer_than_work")
    assert "before this attempt at the task began" in detail(work, "run_newer_than_work")


def test_a_report_without_a_zone_proves_only_more_than_a_day(work):
    work.begin(RED, 90)
    work.sent(made(now() - timedelta(hours=20), zone=False))
    assert accepted(work) == ACCEPTED


def test_a_report_without_a_zone_of_two_days_ago_is_old(work):
    work.begin(RED, 90)
    work.sent(made(now() - timedelta(hours=49), zone=False))
    assert accepted(work) == refused("run_newer_than_work")


def test_who_beats_while_the_suite_runs_is_not_refused(work):
    start = now() - seconds(30)
    work.begin(RED, 10, timestamp=(start - seconds(60)).isoformat())
    work.caller.beat(work.task, progress_percentage=95, timestamp=(start + seconds(10)).isoformat())
    work.sent(made(start, lasts=25))
    assert accepted(work) == ACCEPTED


def test_who_works_on_after_the_suite_has_ended_is_refused(work):
    start = now() - seconds(60)
    work.begin(RED, 10, timestamp=(start - seconds(60)).isoformat())
    work.caller.beat(work.task, progress_percentage=95, timestamp=(start + seconds(50)).isoformat())
    work.sent(made(start, lasts=25))
    assert accepted(work) == refused("run_newer_than_work")
    assert (
        detail(work, "run_newer_than_work")
        == "Work continued for 00:00:25 after the latest run was made."
    )


@pytest.mark.parametrize("wrong", [seconds(50), -timedelta(minutes=10), -timedelta(hours=3)])
@pytest.mark.parametrize("says", ["report", "counts with a time", "counts"])
def test_whose_clock_is_wrong_is_not_refused(work, wrong, says):
    """Beats and reports come from one machine, whose clock is wrong."""
    clock = now() + wrong
    # Its clock was always wrong: its last beat was no later than this one.
    Builder.objects.filter(pk=work.builder.pk).update(last_heartbeat=clock - seconds(60))
    work.begin(RED, 90, timestamp=clock.isoformat())
    tests = QAExecution.objects.order_by("recorded").last().results.values_list("name", flat=True)
    counts = {
        "passing": 2,
        "failing": 0,
        "tests": [{"name": name, "outcome": "passed"} for name in tests],
    }
    ended = clock + seconds(5)
    work.sent(
        {
            "report": made(ended),
            "counts with a time": counts | {"executed_at": ended.isoformat()},
            "counts": counts,
        }[says]
    )
    assert accepted(work) == ACCEPTED


def test_whose_reports_alone_have_a_slow_clock_is_not_refused_and_told_so(work):
    work.begin(RED, 90)
    work.sent(made(now() - timedelta(minutes=10)))
    assert "the arrival counts" in detail_before(work)
    assert accepted(work) == ACCEPTED


def detail_before(work):
    """Return what the instruction says about `run_newer_than_work` before any claim."""
    told = work.caller.get()["completion"]
    return next(each["detail"] for each in told if each["rule"] == "run_newer_than_work")


def test_a_report_from_ci_with_a_right_clock_proves_work_of_a_fast_builder(work):
    work.begin(RED, 90, timestamp=(now() + seconds(50)).isoformat())
    work.sent(made(now()))
    assert accepted(work) == ACCEPTED


def test_the_time_of_a_run_is_never_ahead_of_the_offices_clock(work):
    work.begin(RED, 90)
    answer = work.sent(made(now() + timedelta(hours=5)))
    assert answer["executed_at"] == answer["arrived_at"]
    run = QAExecution.objects.get(pk=answer["execution_id"])
    assert run.ended_at > now() + timedelta(hours=4)
    assert accepted(work) == ACCEPTED


def test_a_run_of_the_future_says_so(work):
    work.begin(RED, 90)
    ended = now() + timedelta(hours=5, seconds=10)
    counts = {"passing": 2, "failing": 0, "executed_at": ended.isoformat()}
    for run in (made(ended), counts):
        (remark,) = work.sent(run)["remarks"]
        assert remark.startswith("By its own clock the run ended 5 hours after it arrived")
    for off in (-60, 0, 1):
        assert work.sent(made(now() + seconds(off)))["remarks"] == []


def test_without_a_zone_only_a_run_of_more_than_a_day_ahead_says_so(work):
    work.begin(RED, 90)
    for hours, remarks in ((14, 0), (25, 1)):
        stamp = f"{now() + timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}"
        report = suite(case("test_a"), case("test_b"), timestamp=stamp)
        assert len(work.sent(report)["remarks"]) == remarks


def test_the_same_report_sent_again_is_as_old_as_it_was(work):
    work.begin(RED, 90)
    report = made(now())
    work.sent(report)
    work.caller.beat(work.task, progress_percentage=95)
    work.sent(report)
    assert accepted(work) == refused("run_newer_than_work")
    work.sent(made(now(), lasts=0.1))
    assert accepted(work) == ACCEPTED


def test_the_latest_run_is_the_last_to_arrive_whatever_it_says_of_its_time(work):
    work.begin(RED, 10)
    work.sent(made(now()))
    old_and_red = suite(case("test_a", FAILS), case("test_b"), timestamp="2026-06-01T09:00:00Z")
    work.sent(old_and_red)
    assert work.caller.get()["suite"]["qa_status"] == "PARTIAL"
    assert {"suite_green", "run_newer_than_work"} <= unmet(work.claim())


def test_an_old_attempts_run_does_not_prove_the_new_one(work):
    work.begin(RED, 90)
    green = made(now())
    work.sent(green)
    work.take_again(RED)
    work.caller.beat(work.task)
    work.sent(green)
    assert accepted(work) == refused("run_newer_than_work")
    work.sent(made(now(), lasts=1))
    assert accepted(work) == ACCEPTED
