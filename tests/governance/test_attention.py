from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders.models import Builder
from governance.attention import count_matters, list_matters
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    ProgramFactory,
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db


def kinds():
    listed = list_matters()
    assert len(listed) == count_matters()
    return [matter.kind for matter in listed]


def make_silent(**task):
    holder = BuilderFactory(current_task=TaskFactory(**{"state": "in-progress"} | task))
    since = now() - timedelta(minutes=5)
    Builder.objects.filter(pk=holder.pk).update(last_heartbeat=since, assigned_at=since)
    return holder


def test_an_office_that_is_well_needs_nobody():
    TaskFactory(state="in-progress")
    BlockerFactory(resolved_at=now(), resolution_action="Suite repaired")
    GovernanceViolationFactory(resolved_at=now(), resolution="Reverted")
    assert kinds() == []


def test_everything_unwell_is_listed_once_and_the_costliest_first():
    make_silent()
    GovernanceViolationFactory(violation_type="test debt")
    BlockerFactory(classification="protected_path")
    ProgramFactory(state="blocked")
    WaveFactory(state="failed")
    TaskFactory(state="failed")
    assert kinds() == [
        "Silent builder",
        "Violation: test debt",
        "Blocker: protected path",
        "Blocked program",
        "Failed wave",
        "Failed task",
    ]


@pytest.mark.parametrize("make", [ProgramFactory, WaveFactory, TaskFactory])
def test_an_open_blocker_speaks_for_what_it_blocks(make):
    BlockerFactory(entity=make(state="blocked"))
    assert kinds() == ["Blocker: repeated failures"]


def test_a_violation_speaks_for_its_task():
    GovernanceViolationFactory(task=TaskFactory(state="blocked"), violation_type="test debt")
    assert kinds() == ["Violation: test debt"]


def test_a_declared_stall_speaks_for_its_silent_builder():
    holder = make_silent(state="blocked")
    BlockerFactory(entity=holder.current_task, classification="builder_stall")
    assert kinds() == ["Blocker: builder stall"]


def test_the_oldest_of_a_kind_comes_first():
    for minutes in (5, 50, 15):
        BlockerFactory(
            description=f"{minutes} minutes", detected_at=now() - timedelta(minutes=minutes)
        )
    assert [matter.detail for matter in list_matters()] == [
        "50 minutes",
        "15 minutes",
        "5 minutes",
    ]


def test_a_failed_attempt_dates_from_its_end():
    ended = now() - timedelta(days=3)
    TaskFactory(state="failed", completed_at=ended)
    assert list_matters()[0].since == ended


def test_the_list_is_bounded_and_the_count_is_not():
    for _ in range(7):
        BlockerFactory()
    assert len(list_matters(limit=5)) == 5
    assert count_matters() == 7
