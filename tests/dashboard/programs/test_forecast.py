"""The forecast of an end: what it promises for any history, and what the pages say of it."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from foreman_office.dashboard.programs.forecast import (
    FEWEST,
    LONGEST,
    RUNS,
    by_day,
    foretell,
    has_held,
    outlook,
)
from programs.models import today
from tests.factories import ProgramFactory, TaskFactory, WaveFactory
from tests.scenes import past_the_rules

DAY = timedelta(days=1)
ON = date(2026, 12, 1)
seeds = st.text(max_size=5)
histories = st.lists(st.integers(0, 6), min_size=1, max_size=60).map(tuple)
lefts = st.integers(1, 60)


@given(seeds, histories, lefts)
def test_half_is_no_later_than_most_and_neither_is_in_the_past(seed, history, left):
    forecast = foretell(seed, history, left, ON)
    if sum(history) < FEWEST:
        assert forecast is None
    if forecast:
        assert ON < forecast.half <= forecast.most <= ON + LONGEST * DAY
        assert len(forecast.ends) == RUNS
        share = sum(end <= (forecast.most - ON).days for end in forecast.ends) / RUNS
        assert share >= 0.85
        assert forecast.kept_by(forecast.most, ON) >= 85
        assert forecast.kept_by(ON, ON) == 0
        assert forecast.kept_by(ON + (LONGEST + 2) * DAY, ON) == 100


@given(seeds, histories, lefts, st.integers(1, 20))
def test_more_tasks_never_end_earlier(seed, history, left, more):
    few, many = (foretell(seed, history, number, ON) for number in (left, left + more))
    if many is not None:
        assert few is not None
        assert few.half <= many.half
        assert few.most <= many.most
        assert all(less <= longer for less, longer in zip(few.ends, many.ends, strict=True))


@given(seeds, histories, lefts)
def test_the_same_question_has_the_same_answer(seed, history, left):
    assert foretell(seed, history, left, ON) == foretell(seed, history, left, ON)


def test_a_pace_that_never_varies_is_foretold_exactly():
    forecast = foretell("", (2,) * 10, 7, ON)
    assert (forecast.half, forecast.most) == (ON + 4 * DAY, ON + 4 * DAY)


def test_what_takes_too_long_is_not_foretold():
    assert foretell("", (5, *[0] * 59), LONGEST, ON) is None


def test_days_without_an_end_count_from_the_first_start_on():
    finished = {ON - 3 * DAY: 2, ON: 1}
    assert by_day(finished, ON - 5 * DAY, ON) == (0, 0, 2, 0, 0, 1)
    assert by_day(finished, None, ON) == (2, 0, 0, 1)
    assert by_day(finished, ON - 400 * DAY, ON) == (*[0] * 56, 2, 0, 0, 1)


def test_an_earlier_forecast_held_if_the_end_came_by_the_day_that_was_said():
    steady = {ON + n * DAY: 1 for n in range(20)}
    assert has_held("", steady, None) is True
    late = {day: number for day, number in steady.items() if day < ON + 10 * DAY}
    assert has_held("", late | {ON + 500 * DAY: 10}, None) is False
    assert has_held("", {ON: 2, ON + DAY: 2}, None) is None  # too few to foretell from
    assert has_held("", {}, None) is None


# --- on the pages ---------------------------------------------------------------------------------


def finish(wave, *ago):
    """Finish a task of a wave on each of these days before today."""
    for days in ago:
        at = datetime.combine(today() - days * DAY, time(), UTC)
        past_the_rules(TaskFactory(wave=wave), state="completed", started_at=at, completed_at=at)


@pytest.mark.django_db
def test_the_page_says_it_in_words_with_its_history_and_its_hits(person):
    for _ in range(2):
        done = WaveFactory(program=ProgramFactory())
        finish(done, *range(40, 20, -1))
        past_the_rules(done, state="completed")
        past_the_rules(done.program, state="completed")
    wave = WaveFactory()
    finish(wave, *range(10, 0, -1))
    for _ in range(3):
        TaskFactory(wave=wave)
    for entity in (wave, wave.program):
        address = reverse(f"programs:{entity._meta.model_name}_forecast", args=[entity.pk])
        assert f'hx-get="{address}"' in person.get(entity.get_absolute_url()).text
        page = person.get(address)
        found = page.context["outlook"]
        assert (found.left, found.finished, found.days) == (3, 10, 11)
        assert (found.replayed, found.held) == (2, 2)
        assert "Half of the runs end by" in page.text
        assert "From 10 tasks finished in the last 11 days, for the 3 that are left." in page.text
        assert "Of 2 earlier forecasts 2 held" in page.text
        assert "The due date" not in page.text
        past_the_rules(entity, due_on=found.forecast.most)
        assert f"is kept in {found.forecast.kept_by(found.forecast.most, today())} of 100 runs" in (
            person.get(address).text
        )
        headers = {"HX-Request": "true", "HX-Target": "forecast"}
        part = person.get(address, headers=headers).text
        assert part.lstrip().startswith("<section")


@pytest.mark.django_db
def test_without_enough_history_it_says_why_and_what_is_finished_has_none(person):
    wave = WaveFactory()
    TaskFactory(wave=wave)
    finish(wave, 1, 2, 3, 4)
    finish(wave, 70)  # longer ago than the history reaches
    address = reverse("programs:wave_forecast", args=[wave.pk])
    page = person.get(address).text
    assert "It needs 5 tasks finished in the last 60 days; 4 were." in page
    past_the_rules(wave, state="completed")
    assert outlook(wave.__class__.objects.get()) is None
    assert "Nothing is left to foretell." in person.get(address).text
    assert address not in person.get(wave.get_absolute_url()).text


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_history(person):
    wave = WaveFactory()
    TaskFactory(wave=wave)
    finish(wave, *range(6))

    def asked():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            outlook(wave)
        return len(queries)

    before = asked()
    for _ in range(3):
        done = WaveFactory(program=wave.program)
        finish(done, *range(20, 10, -1))
        past_the_rules(done, state="completed")
    finish(wave, *range(20))
    assert asked() == before + 1  # the days of those that were completed
