"""The script of a simulated builder, and how it sends it."""

from itertools import groupby

import pytest
from foreman.errors import Unreachable
from hypothesis import given
from hypothesis import strategies as st

from foreman_office.reports import read_report
from foreman_office.simulation.builder import junit
from foreman_office.simulation.script import (
    BeatStep,
    ClaimStep,
    EscalationStep,
    RunStep,
    script,
    suite_tests,
)
from programs.models import BuilderName
from tests.simulation.office_on_paper import (
    FACTS,
    OfficeOnPaper,
    a_task,
    at_work,
    steps_of,
    work,
)

seeds, builders = st.integers(0, 2**31), st.sampled_from(BuilderName.values)


@given(seeds, builders)
def test_a_script_follows_from_its_seed_alone(seed, builder):
    assert list(script(seed, builder, FACTS)) == list(script(seed, builder, FACTS))


def test_another_seed_builder_or_task_has_another_script():
    plays = {
        tuple(script(seed, builder, {**FACTS, "task_id": task}))
        for seed in (1, 2)
        for builder in ("ui-builder", "qa-builder")
        for task in ("a", "b")
    }
    assert len(plays) == 8


@given(seeds, builders)
def test_a_script_goes_from_a_red_run_forwards_to_a_green_one_and_a_claim(seed, builder):
    play = list(script(seed, builder, FACTS))
    beats, runs, size = (
        steps_of(play, BeatStep),
        steps_of(play, RunStep),
        len(suite_tests(seed, FACTS)),
    )
    progress = [beat.progress for beat in beats]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)
    assert runs[0].passing == 0
    assert play[-2:] == [RunStep(size), ClaimStep()]
    assert all(0 <= run.passing + run.hidden <= size for run in runs)
    assert all(step.pause > 0 for step in play)
    assert all(beat.status == "active" for beat in beats)
    assert not any("{" in beat.message for beat in beats)


def test_a_suite_names_each_of_its_tests_once():
    for seed in range(50):
        tests = suite_tests(seed, FACTS)
        assert 10 < len(set(tests)) == len(tests) < 40


def test_some_fall_silent_meet_trouble_get_stuck_or_lie_and_most_just_work():
    threshold = 10  # seconds: the demo's own
    plays = [list(script(seed, "api-builder", FACTS)) for seed in range(200)]
    silent = [play for play in plays if any(beat.pause > threshold for beat in play)]
    held_up = [play for play in plays if steps_of(play, EscalationStep)]
    lying = [play for play in plays if len(steps_of(play, ClaimStep)) > 1]
    stuck = [
        play
        for play in plays
        if any(len(list(same)) >= 3 for run, same in groupby(play) if isinstance(run, RunStep))
    ]
    assert 20 < len(silent) < 100
    assert 10 < len(held_up) < 80
    assert 30 < len(lying) < 110
    assert 10 < len(stuck) < 60


# --- the client ----------------------------------------------------------------------------------


def test_a_builder_without_a_task_says_that_it_is_idle():
    assert work(OfficeOnPaper(), 2) == [("idle", None, "Waiting for work")] * 2


AWAY = Unreachable("Away.")


def test_what_got_no_answer_goes_out_again_as_it_was():
    office = OfficeOnPaper(a_task(), failures=[None, AWAY, AWAY])
    work(office, 5)
    assert office.tries[1] == office.tries[2] == office.tries[3]
    heard = [beat["heartbeat_id"] for beat in office.beats]
    assert len({*heard}) == len(heard)


@pytest.mark.parametrize("failure", [AWAY, 503, 401])
def test_failures_of_the_office_change_no_decision(failure):
    undisturbed = work(OfficeOnPaper(a_task()), 20)
    office = OfficeOnPaper(a_task(), failures=[None, failure, failure, None, failure])
    again = work(office, 23)
    assert again[: len(undisturbed)] == undisturbed


@pytest.mark.parametrize("status", [404, 409, 422])
def test_what_was_refused_for_good_is_not_repeated(status):
    office = OfficeOnPaper(a_task(), failures=[status])
    work(office, 3)
    assert len({*office.tries}) == len(office.tries) == 3


def test_a_builder_says_that_it_is_blocked_as_long_as_its_task_is():
    office = OfficeOnPaper(a_task())
    worker = at_work(office)

    def turns(number, **task):
        office.task = {**a_task(), **task}
        heard = len(office.beats)
        for _ in range(number):
            worker.turn()
        return [(beat["status"], beat["progress_percentage"]) for beat in office.beats[heard:]]

    progress = turns(5)[-1][1]
    assert turns(3, state="blocked") == [("blocked", progress)] * 3
    status, further = turns(1, state="in-progress")[0]
    assert (status, further > progress) == ("active", True)


def test_a_builder_that_starts_again_goes_on_where_the_work_was_left():
    whole = work(OfficeOnPaper(a_task(state="in-progress")), 30)
    progress = whole[9][1]
    rest = [beat for beat in whole if beat[1] > progress]
    assert rest
    again = work(OfficeOnPaper(a_task(progress=progress, state="in-progress")), 30)
    assert again[: len(rest)] == rest


def test_a_builder_that_starts_again_at_the_end_runs_the_suite_and_claims():
    office = OfficeOnPaper(a_task(progress=100, state="in-progress"))
    work(office, 3)
    assert office.acts == ["heartbeat", "qa-runs", "claim"]


def test_a_builder_whose_claim_is_refused_runs_the_suite_and_claims_again():
    office = OfficeOnPaper(a_task(progress=100, state="in-progress"))
    work(office, 6)
    assert office.acts == ["heartbeat", "qa-runs", "claim"] * 2


def test_a_report_names_each_test_and_hides_what_a_liar_hides():
    tests = ["tests/hold/::one", "tests/hold/::two", "tests/hold/::three"]
    report = read_report(junit(tests, RunStep(passing=1)).body)
    assert [result.name for result in report.results] == tests
    assert [result.outcome for result in report.results] == ["passed", "failed", "failed"]
    assert len(read_report(junit(tests, RunStep(passing=1, hidden=2)).body).results) == 1
