"""What finished since the handover was read."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils.timezone import now

from governance.actions import read_handover, resolve_blocker
from governance.models import Evidence
from governance.record_places import Place, Reach
from kit.core.acts import act
from programs.models import Task
from tests.dashboard.inbox.test_inbox import part
from tests.database import as_administrator, without_triggers
from tests.factories import (
    BlockerFactory,
    TaskFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.pooled]


def finished(client):
    return part(client, "finished").text


def read_now(user):
    place = Place(
        Reach(Evidence.objects.order_by("-sequence").values_list("sequence", flat=True)[0])
    )
    read_handover(user, place, by=user)


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


def test_what_finished_since_the_handover_was_read_is_told_and_nothing_older(person):
    complete("Chimney", now())
    read_now(get_user_model().objects.get())
    complete("Masonry", now())
    told = finished(person)
    assert "Since you left" in told
    assert "Masonry" in told
    assert "1 task completed" in told
    assert "Chimney" not in told


def test_who_has_read_no_handover_is_told_the_last_day(person):
    complete("Chimney", now() - timedelta(hours=30))
    complete("Masonry", now() - timedelta(hours=3))
    told = finished(person)
    assert "In the last 24 hours" in told
    assert "Masonry" in told
    assert "Chimney" not in told


def test_a_reading_holds_in_each_browser(person):
    complete("Masonry", now())
    user = get_user_model().objects.get()
    read_now(user)
    other = Client()
    other.force_login(user)
    for client in (person, other):
        assert "Nothing has finished" in finished(client)


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
