"""What finished since the last visit."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils.timezone import now

from governance.actions import resolve_blocker
from governance.models import Evidence
from kit.core.acts import act
from programs.models import Task
from tests.dashboard.inbox.test_inbox import part
from tests.database import as_administrator, without_triggers
from tests.factories import (
    BlockerFactory,
    TaskFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.pooled]


def finished(client, visit=""):
    client.cookies["visit"] = visit
    return part(client, "finished").text


def complete(name, ended):
    """Complete a task, and date the evidence of it to that time."""
    task = TaskFactory(name=name, state="in-progress")
    with act(None, override="the scene"):
        Task.objects.filter(pk=task.pk).update(state="completed", completed_at=ended)
    move_evidence(task, ended)


def move_evidence(task, moment):
    of_the_program = Evidence.objects.within(task.wave.program).values_list("pk", flat=True)
    with without_triggers():
        as_administrator(
            "UPDATE evidence_trail SET timestamp = %s WHERE evidence_id = ANY (%s)",
            *(moment, [*of_the_program]),
        )


def seconds(ago):
    return int((now() - ago).timestamp())


def test_what_finished_since_the_last_visit_is_told_and_nothing_older(person):
    complete("Chimney", now() - timedelta(hours=30))
    complete("Masonry", now() - timedelta(hours=3))
    ended, seen = timedelta(hours=5), timedelta(minutes=2)
    told = finished(person, f"{seconds(ended)}.{seconds(seen)}")
    assert "Since your last visit" in told
    assert "Masonry" in told
    assert "1 task completed" in told
    assert "Chimney" not in told


def test_half_an_hour_of_absence_ends_a_visit(person):
    complete("Masonry", now() - timedelta(hours=3))
    two_hours, five_hours = seconds(timedelta(hours=2)), seconds(timedelta(hours=5))
    assert "Nothing has finished" in finished(person, f"{five_hours}.{two_hours}")
    assert "Masonry" in finished(person, f".{five_hours}")


@pytest.mark.parametrize(
    "visit", ["", "nonsense", "1.2.3", "-5.-5", ".99999999999", "9999999999.9999999999"]
)
def test_without_a_visit_that_makes_sense_the_last_day_is_told(person, visit):
    complete("Chimney", now() - timedelta(hours=30))
    complete("Masonry", now() - timedelta(hours=3))
    told = finished(person, visit)
    assert "In the last 24 hours" in told
    assert "Masonry" in told
    assert "Chimney" not in told


def test_without_a_visit_an_older_login_is_taken(person):
    get_user_model().objects.update(last_login=now() - timedelta(hours=40))
    complete("Chimney", now() - timedelta(hours=30))
    told = finished(person)
    assert "Since you logged in" in told
    assert "Chimney" in told


def test_what_was_given_up_and_resolved_has_finished_too(person, admin_user):
    task = TaskFactory(state="in-progress")
    blocker = BlockerFactory(entity=TaskFactory())
    with act(admin_user):
        Task.objects.filter(pk=task.pk).update(state="failed")
    resolve_blocker(blocker, resolution_action="Suite repaired", by=admin_user)
    told = finished(person)
    assert "1 task abandoned" in told
    assert "1 blocker resolved" in told
    assert admin_user.username in told
