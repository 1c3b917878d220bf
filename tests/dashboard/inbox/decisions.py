"""Helpers of the tests of pending decisions."""

from builders.models import Builder
from foreman_office.dashboard.inbox.inbox_cards import finish, read_builders
from foreman_office.dashboard.inbox.inbox_cards import list_decisions as find_decisions
from foreman_office.dashboard.inbox.pending_decisions import count_pending
from kit.core.acts import act
from tests.factories import (
    BuilderFactory,
    HeartbeatFactory,
)


def list_decisions(*, decides=True, limit=None):
    """Return what is broken and what waits, complete as a page shows it."""
    builders = read_builders()
    listed = find_decisions(builders=builders)[:limit]
    finish(listed, builders, decides=decides)
    return listed


def kinds():
    listed = list_decisions()
    assert len(listed) == count_pending().total
    return [decision.title for decision in listed]


def make_idle(name="ui-builder"):
    """A builder that was heard, and says that it is idle."""
    builder = BuilderFactory(builder_id=name, state="idle")
    HeartbeatFactory(builder=builder, status="idle")
    return builder


def hear_only(*names):
    """Make these the only builders that have been heard."""
    Builder.objects.exclude(pk__in=names).update(heard_at=None)


def force(rows, **values):
    """Write, with rules off, what a scene needs and rules would refuse."""
    with act(None, override="the scene"):
        rows.update(**values)
