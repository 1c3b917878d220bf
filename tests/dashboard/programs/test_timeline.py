"""When waves were worked on, from the times of their tasks."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import now

from foreman_office.dashboard.programs.progress_counts import plan_of
from foreman_office.dashboard.programs.timeline import timeline_of
from kit.web.time_axis import TimeAxis, TimeSpan
from programs.history import recording
from tests.factories import ProgramFactory, TaskFactory, WaveFactory

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def history():
    """What is long over is written down as an import does."""
    with recording({"file": "plan.yaml", "program": "it"}):
        yield


@pytest.fixture
def program():
    return ProgramFactory(state="completed")


def worked(wave, *times, **fields):
    for start, end in times:
        TaskFactory(
            wave=wave,
            state="completed",
            started_at=MONDAY + start * HOUR,
            completed_at=MONDAY + end * HOUR,
            **fields,
        )


def draw(program, opened=""):
    return timeline_of(program, plan_of(program), opened)


def test_a_wave_lasts_from_its_first_task_to_its_last(program):
    wave = WaveFactory(program=program, state="completed")
    worked(wave, (0, 2), (1, 4))
    (row,) = draw(program).rows
    assert row.worked == (MONDAY, MONDAY + 4 * HOUR)
    assert (row.x, row.width) == ("0.000%", "100.000%")
    assert row.words == "5 Jan 2026 09:00 to 5 Jan 2026 13:00, 4 hours"


def test_a_night_is_folded_and_a_pause_is_not(program):
    wave = WaveFactory(program=program, state="completed")
    worked(wave, (0, 4), (4.5, 8), (24, 30))
    timeline = draw(program)
    assert [fold.words for fold in timeline.axis.folds] == ["16 hours idle"]
    assert timeline.now is None


def test_what_goes_on_lasts_until_now_and_its_silence_is_folded():
    program = ProgramFactory()
    wave = WaveFactory(program=program)
    began = now() - timedelta(days=40)
    TaskFactory(wave=wave, state="in-progress", started_at=began, worked_at=began + HOUR)
    timeline = draw(program)
    (row,) = timeline.rows
    assert row.worked.ended is None
    assert timeline.now_x == "100.000%"
    assert [fold.words for fold in timeline.axis.folds] == ["40 days idle"]


def test_a_blocked_task_rests_since_its_last_progress(program):
    wave = WaveFactory(program=program, state="blocked")
    TaskFactory(wave=wave, state="blocked", started_at=MONDAY, worked_at=MONDAY + 2 * HOUR)
    worked(wave, (0, 1))
    assert draw(program).rows[0].worked.ended == MONDAY + 2 * HOUR


def test_an_opened_wave_shows_its_tasks_and_others_do_not(program):
    one = WaveFactory(program=program, state="completed")
    other = WaveFactory(program=program, state="completed")
    worked(one, (0, 1), (1, 2))
    worked(other, (2, 3))
    first, second = draw(program, str(one.pk)).rows
    assert (len(first.tasks), second.tasks) == (2, [])


def test_a_wave_that_has_not_begun_waits(program):
    worked(WaveFactory(program=program, state="completed"), (0, 1))
    later = WaveFactory(program=program)
    TaskFactory(wave=later)
    assert draw(program).waiting == [later]


def test_a_program_that_has_not_begun_has_no_timeline(program):
    TaskFactory(wave=WaveFactory(program=program))
    assert draw(program) is None


def test_the_timeline_asks_no_more_for_more_tasks(program, django_assert_num_queries):
    wave = WaveFactory(program=program, state="completed")
    worked(wave, *((n, n + 1) for n in range(12)))
    waves = plan_of(program)
    with django_assert_num_queries(2):
        timeline_of(program, waves, str(wave.pk))


def test_work_that_took_no_time_between_two_idle_spans_is_placed():
    """A plan file may give the same day as start and end of a task."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    at, end = begin + timedelta(days=5), begin + timedelta(days=10)
    axis = TimeAxis(begin, end, [TimeSpan(begin + timedelta(hours=1), at), TimeSpan(at, end)])
    assert 0 < axis.place(at) < 100
    assert axis.ticks
