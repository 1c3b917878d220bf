"""Quiet hours and daily digests by the clock on the wall, also on the days when it is changed."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from foreman_office.notifications.due import queue_due_messages
from foreman_office.notifications.rules import RuleInForce, Target
from foreman_office.notifications.wording import compose
from governance.models import Delivery, Notice, NotificationRule

BERLIN = ZoneInfo("Europe/Berlin")
# Put forward on 29 March 2026 at 2:00, and back on 25 October at 3:00.
SPRING, AUTUMN = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)


def is_quiet(rule, moment):
    return RuleInForce(Target(), rule).is_quiet(Notice(broken=True), moment)


def test_quiet_hours_across_midnight_are_those_of_the_wall(subtests):
    rule = NotificationRule(
        quiet_from=time(22), quiet_until=time(6), quiet_spares_broken=False, zone="Europe/Berlin"
    )
    cases = {
        "2026-03-27 21:59": False,
        "2026-03-27 22:00": True,
        "2026-03-28 00:00": True,
        "2026-03-28 05:59": True,
        "2026-03-28 06:00": False,
        # The night of which an hour is missing, and the one that has an hour twice.
        "2026-03-28 22:00": True,
        "2026-03-29 01:59": True,
        "2026-03-29 05:59": True,
        "2026-03-29 06:00": False,
        "2026-10-24 22:00": True,
        "2026-10-25 05:59": True,
        "2026-10-25 06:00": False,
    }
    for words, quiet in cases.items():
        with subtests.test(at=words):
            local = datetime.fromisoformat(words).replace(tzinfo=BERLIN)
            assert is_quiet(rule, local.astimezone(UTC)) is quiet


def test_a_night_of_quiet_hours_is_an_hour_shorter_in_spring_and_longer_in_autumn():
    rule = NotificationRule(
        quiet_from=time(22), quiet_until=time(6), quiet_spares_broken=False, zone="Europe/Berlin"
    )
    for begins, hours in ((SPRING, 7), (AUTUMN, 9)):
        minutes = (begins + timedelta(hours=12, minutes=number) for number in range(24 * 60))
        assert sum(is_quiet(rule, each) for each in minutes) == hours * 60


def test_quiet_hours_of_a_day_spare_what_is_broken_only_if_the_rule_says_so():
    rule = NotificationRule(quiet_from=time(9), quiet_until=time(17), zone="UTC")
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert not is_quiet(rule, noon)
    assert RuleInForce(Target(), rule).is_quiet(Notice(broken=False), noon)
    assert not RuleInForce(Target(), rule).is_quiet(Notice(broken=False), noon.replace(hour=17))


@pytest.mark.parametrize("clock", [time(8), time(0), time(2, 30), time(23, 40)])
def test_a_digest_is_due_once_each_day_for_an_hour_also_when_the_clock_is_changed(clock):
    made = datetime(2026, 1, 1, tzinfo=UTC)
    rule = NotificationRule(digest_at=clock, zone="Europe/Berlin", created_at=made)
    due = RuleInForce(Target(), rule).digest_begins
    for begins in (SPRING, AUTUMN):
        noon = begins.replace(hour=11)  # of the wall, or an hour later; no digest is due then
        minutes = Counter(due(noon + timedelta(minutes=each)) for each in range(3 * 24 * 60))
        del minutes[None]
        assert set(minutes.values()) == {60}
        assert [at.astimezone(BERLIN).date() for at in minutes] == [
            (begins + timedelta(days=number)).date() for number in days_of(clock)
        ]
        assert all(at == wall_time(at, clock) for at in minutes)


def days_of(clock):
    return (0, 1, 2) if clock > time(12) else (1, 2, 3)


@pytest.mark.django_db
def test_a_digest_is_queued_once(ada):
    rule = NotificationRule.objects.create(
        user=ada, digest_at=time(8), zone="Europe/Berlin", delay_seconds=86400
    )
    NotificationRule.objects.filter(pk=rule.pk).update(created_at=SPRING)
    Notice.objects.create(
        key="violation-task-1", kind="violation", broken=True, title="A", since=SPRING,
        acknowledged_at=SPRING, acknowledged_by="ada",
    )  # fmt: skip
    eight = [datetime(2026, 3, day, 8, tzinfo=BERLIN).astimezone(UTC) for day in (29, 30)]
    for at in eight:
        for minutes in (-1, 0, 5, 59, 60):
            queue_due_messages(at + timedelta(minutes=minutes))
    assert [*Delivery.objects.order_by("queued_at").values_list("queued_at", flat=True)] == eight


def test_a_digest_of_late_evening_is_due_after_midnight_too():
    rule = NotificationRule(digest_at=time(23, 50), zone="UTC", created_at=SPRING)
    due = RuleInForce(Target(), rule).digest_begins
    evening = SPRING.replace(hour=23, minute=50)
    assert due(evening - timedelta(seconds=1)) is None
    assert due(evening) == due(evening + timedelta(minutes=59)) == evening
    assert due(evening + timedelta(hours=1)) is None


def wall_time(at, clock):
    local = at.astimezone(BERLIN)
    return local.replace(hour=clock.hour, minute=clock.minute, fold=0).astimezone(UTC)


@pytest.mark.django_db
def test_a_digest_says_all_that_is_pending_and_who_has_it(ada):
    rule = NotificationRule.objects.create(
        user=ada, band="all", digest_at=time(8), delay_seconds=86400, zone="UTC"
    )
    at = datetime.now(UTC).replace(hour=8, minute=5)
    NotificationRule.objects.filter(pk=rule.pk).update(created_at=at - timedelta(days=2))
    for number, owner in enumerate(["", "johan"]):
        Notice.objects.create(
            key=f"violation-task-{number}", kind="violation", broken=not number,
            title=f"A {number}", entity_name="Masonry", since=at,
            acknowledged_at=at if owner else None, acknowledged_by=owner,
        )  # fmt: skip
    queue_due_messages(at)
    queue_due_messages(at)
    [message] = Delivery.objects.all()
    assert (message.reason, message.notices.count()) == ("digest", 2)
    said = compose(message, list(message.notices.order_by("pk")), BERLIN)
    assert said.subject == "Daily digest: 1 broken, 1 decision to take"
    assert "Masonry: A 0" in said.body
    assert "johan has it" in said.body
