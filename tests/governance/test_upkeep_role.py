"""What the watcher does, done by the role of the database that has only the rights for it."""

from datetime import timedelta
from threading import Event
from uuid import uuid4

import pytest
from django.utils.timezone import now

from builders import actions as builders
from builders.models import (
    AgentStop,
    Builder,
    BuilderPause,
    Heartbeat,
    IdempotencyKey,
    OfficeAbsence,
)
from governance.models import Blocker, Evidence, SentForm, Watcher
from governance.replay import Replay, one_moment
from governance.watch import Watch
from kit.runtime.database_addresses import UPKEEP, acting_as
from programs.models import StagedImport, Task
from tests.factories import BuilderFactory, HeartbeatFactory, TaskFactory, UserFactory

PERIOD = timedelta(seconds=5)
DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db(transaction=True)


def hold(name, heard):
    task = TaskFactory(state="in-progress", assigned_builder=name)
    return BuilderFactory(
        builder_id=name, current_task=task, assigned_at=heard, last_heartbeat=heard, state="active"
    )


@pytest.fixture
def sweep():
    """Sweep and prune as upkeep, and return what the watcher said."""

    def sweep():
        said = []
        with acting_as(UPKEEP):
            watch = Watch(PERIOD, Event(), said.append)
            watch.sweep()
            watch.prune()
            watch.prune()
            watch.leave()
        return said

    return sweep


def test_silent_builders_are_declared_and_the_record_replays(sweep):
    hold("ui-builder", now() - timedelta(minutes=10))
    hold("api-builder", now() - timedelta(minutes=20))
    paused = hold("qa-builder", now() - timedelta(minutes=30))
    builders.pause_builder(paused, reason="disk", until=now() + DAY, by=None)
    BuilderPause.objects.update(
        started_at=now() - timedelta(hours=1), ends_at=now() - timedelta(minutes=15)
    )
    said = sweep()
    assert len([line for line in said if "fell silent" in line]) == 3
    assert Blocker.objects.filter(classification="builder_stall").count() == 3
    assert {*Task.objects.values_list("state", flat=True)} == {"blocked"}
    assert Evidence.objects.filter(action="blocker_raised", witnessed=True).count() >= 3
    assert BuilderPause.objects.get().ended_at
    with acting_as(UPKEEP), one_moment():
        assert Replay().first_difference() is None


def test_an_absence_is_noted(sweep):
    Watcher.objects.create(host="tower", pid=7, period=PERIOD, swept_at=now() - DAY)
    hold("ui-builder", now() - DAY)
    sweep()
    assert OfficeAbsence.objects.exists()
    assert Builder.objects.get(pk="ui-builder").state == "active"


def test_what_is_old_is_removed(sweep, builder):
    for day in range(12):
        HeartbeatFactory(builder=builder, timestamp=now() - (100 + day) * DAY)
    SentForm.objects.create(user=UserFactory(), digest=b"sent")
    IdempotencyKey.objects.create(builder=builder, key="sent", request_digest=b"sent")
    StagedImport.objects.create(name="old.yaml")
    stopped = {"builder": builder, "task_id": uuid4(), "session": "s"}
    AgentStop.objects.create(**stopped, changed_at=now() - 31 * DAY)
    AgentStop.objects.create(**{**stopped, "session": "t"}, changed_at=now() - 29 * DAY)
    old = now() - 9 * DAY
    for model in (SentForm, StagedImport, IdempotencyKey):
        model.objects.update(created_at=old)
    Watcher.objects.create(host="tower", pid=7, period=PERIOD, swept_at=old, left_at=old)
    Watcher.objects.create(host="tower", pid=8, period=PERIOD, swept_at=old, left_at=old)
    assert any(line.startswith("removed 2 heartbeats") for line in sweep())
    assert Heartbeat.objects.count() == 10
    assert not SentForm.objects.exists()
    assert not StagedImport.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert [stop.session for stop in AgentStop.objects.all()] == ["t"]
