"""How far a program was when: from the evidence, imports by their own times."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import now

from foreman_office.dashboard.programs.progress_chart import completions, progress_chart
from foreman_office.dashboard.programs.progress_counts import plan_of
from foreman_office.dashboard.programs.timeline import timeline_of
from kit.core.acts import act
from programs.actions import complete_task
from programs.history import recording
from programs.models import Task
from tests.factories import TaskFactory

pytestmark = pytest.mark.django_db

JANUARY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def wave():
    """A wave that one task keeps open."""
    return TaskFactory().wave


def finish(wave):
    task = TaskFactory(wave=wave, state="in-progress")
    complete_task(task, by=None, override="the scene")
    return task


def test_each_completion_counts_when_it_was_seen(wave):
    before = now()
    finish(wave)
    (point,) = completions(wave.program)
    assert point.value == 1
    assert abs(point.at - before) < timedelta(minutes=1)


def test_what_was_imported_counts_at_the_time_of_its_record(wave):
    with recording({"file": "plan.yaml", "program": "it"}, override="The record."):
        TaskFactory(wave=wave, state="completed", completed_at=JANUARY)
        late = TaskFactory(wave=wave, state="planned")
        Task.objects.filter(pk=late.pk).update(
            state="completed", completed_at=JANUARY.replace(month=2)
        )
    first, second = completions(wave.program)
    assert (first.at, first.value) == (JANUARY, 1)
    assert (second.at, second.value) == (JANUARY.replace(month=2), 2)


def test_a_completion_that_was_undone_is_taken_off(wave):
    task = finish(wave)
    finish(wave)
    with act(None, override="it was not done"):
        Task.objects.filter(pk=task.pk).update(state="in-progress")
    assert completions(wave.program)[-1].value == 1


def test_tasks_of_other_programs_do_not_count(wave):
    finish(TaskFactory().wave)
    assert completions(wave.program) == []


def test_the_chart_goes_from_nothing_to_now(wave):
    with recording({"file": "plan.yaml", "program": "it"}):
        TaskFactory(wave=wave, state="completed", started_at=JANUARY, completed_at=now())
    program = wave.program
    timeline = timeline_of(program, plan_of(program))
    chart = progress_chart(program, timeline.axis, 2, timeline.now)
    (series,) = chart.series
    assert series.points[0] == (JANUARY, 0)
    assert series.points[-1].value == 1
    assert chart.scale.top == 2
    assert chart.summary.startswith("Tasks completed over time: 1 of 2.")


def test_progress_is_one_question_whatever_the_number_of_tasks(wave, django_assert_num_queries):
    for _ in range(5):
        finish(wave)
    with django_assert_num_queries(1):
        completions(wave.program)
