"""A builder's page: what it does, how it is heard, how its work went, and its tokens."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from builders import actions
from builders.models import Builder, BuilderToken, Heartbeat, HeartbeatMinute
from foreman_office.dashboard.builders.heartbeat_chart import (
    DAY,
    HOUR,
    count_beats,
    draw_strip,
    window_of,
)
from foreman_office.dashboard.builders.track_record import presence
from kit.web.time_axis import TimeSpan
from tests.factories import (
    BuilderFactory,
    BuilderPauseFactory,
    BuilderTokenFactory,
    HeartbeatFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

PAGE = "/builders/ui-builder/"
ISSUE = f"{PAGE}issue-token/"
PARTS = ["summary", "present", "heard", "record", "tasks", "verdict", "tokens", "evidence"]


@pytest.fixture
def foreman(client):
    client.force_login(UserFactory())
    return client


@pytest.fixture
def at_work(builder):
    """A builder with an assigned task for an hour, heard now and half an hour ago."""
    task = TaskFactory(state="in-progress", name="Masonry", progress_percentage=40)
    BuilderFactory(current_task=task, state="active", provenance={"model": "mason-2"})
    Builder.objects.filter(pk=builder.pk).update(assigned_at=now() - timedelta(hours=1))
    for minutes in (30, 0):
        HeartbeatFactory(task=task, timestamp=now() - timedelta(minutes=minutes), message="Laying")
    return Builder.objects.get(pk=builder.pk)


def test_the_page_says_what_the_builder_does_and_how_it_is_heard(foreman, at_work):
    content = foreman.get(PAGE).text
    for words in ("Working", "Masonry", "“Laying”", "mason-2", "Last hour: 2 heartbeats, 2 gaps"):
        assert words in content
    assert f"{reverse('programs:task_list')}?builder=ui-builder" in content


def test_a_builder_never_heard_has_a_page(foreman):
    content = foreman.get(PAGE).text
    for words in (
        "Never heard",
        "No task assigned",
        "0 heartbeats, no gaps",
        "This builder has no tasks",
        "no token",
    ):
        assert words in content


def test_there_are_five_builders_and_no_other(foreman):
    assert foreman.get("/builders/tea-builder/").status_code == 404


def test_a_stranger_is_sent_to_the_login(client):
    assert client.get(PAGE).url.startswith(reverse("login"))


@pytest.mark.parametrize("target", PARTS)
def test_a_part_is_the_element_that_asked(foreman, at_work, target):
    headers = {"HX-Request": "true", "HX-Target": target}
    alone = foreman.get(PAGE, headers=headers).text
    assert "<html" not in alone
    assert alone.count(f'id="{target}"') == foreman.get(PAGE).text.count(f'id="{target}"') == 1


# Session, user and role are three, the frame's are five; the rest is the page's own.
@pytest.mark.parametrize("number", [1, 40])
def test_the_page_asks_no_more_for_more_rows(
    foreman, builder, django_assert_max_num_queries, number
):
    for each in range(number):
        task = TaskFactory(state="completed", assigned_builder="ui-builder", completed_at=now())
        HeartbeatFactory(task=task, timestamp=now() - timedelta(minutes=10 * each))
        BuilderPauseFactory(
            started_at=now() - timedelta(days=2, minutes=each),
            ends_at=now() - timedelta(days=2, minutes=each - 1),
        )
        BuilderTokenFactory(revoked_at=now())
    with django_assert_max_num_queries(31):
        foreman.get(PAGE)


def test_the_list_draws_the_last_hour_of_each(foreman, at_work, django_assert_max_num_queries):
    with django_assert_max_num_queries(21):
        content = foreman.get(reverse("builders:builder_list")).text
    assert content.count("<b>Last hour: ") == 5
    assert "Last hour: 2 heartbeats, 2 gaps" in content
    assert content.count(f'href="{PAGE}"') >= 1


# --- strips ---------------------------------------------------------------------------------------


def test_a_day_of_beats_is_counted_by_the_database(builder, sql, django_assert_num_queries):
    end = now()
    sql(
        "INSERT INTO heartbeats (builder_id, status, timestamp, received_at)"
        " SELECT 'ui-builder', 'idle', at, at FROM (SELECT %s - make_interval(secs => n * 30) AS at"
        " FROM generate_series(1, 2000) AS n) AS sent",
        end,
    )
    with django_assert_num_queries(1):
        buckets = count_beats(HeartbeatMinute.objects.all(), DAY, end)
    assert len(buckets) == 67
    assert sum(bucket.beats for bucket in buckets) == 2000
    assert {bucket.beats for bucket in buckets[1:-1]} == {30}


@pytest.mark.parametrize("lag", [timedelta(minutes=50), timedelta(hours=20), timedelta(days=9999)])
def test_the_beats_of_a_slow_clock_are_drawn_when_they_were_received(foreman, at_work, lag):
    end = now()
    Heartbeat.objects.all().delete()
    for minutes in range(1, 50):
        received = end - timedelta(minutes=minutes)
        HeartbeatFactory(task=at_work.current_task, timestamp=received - lag, received_at=received)
    Builder.objects.filter(pk=at_work.pk).update(clock_lag=lag)
    buckets = count_beats(HeartbeatMinute.objects.all(), HOUR, end)
    assert [bucket.beats for bucket in buckets] == [1] * 49
    for address in (PAGE, at_work.current_task.get_absolute_url()):
        assert "49 heartbeats" in foreman.get(address).text
    assert presence(at_work.pk, end - timedelta(minutes=40), end).silences == []


def test_a_late_beat_is_drawn_when_it_was_received(builder):
    end = now()
    for hours in (0, 3):
        HeartbeatFactory(timestamp=end - timedelta(hours=hours, minutes=5), received_at=end)
    HeartbeatFactory(timestamp=end - timedelta(minutes=5), received_at=None)
    assert (
        sum(bucket.beats for bucket in count_beats(HeartbeatMinute.objects.all(), HOUR, end)) == 3
    )


def test_a_bar_says_how_the_beats_were(builder):
    end = now()
    for minutes, status in ((1, "active"), (3, "blocked"), (5, "idle")):
        HeartbeatFactory(
            status=status,
            timestamp=end - timedelta(minutes=minutes, seconds=-1),
            progress_percentage=50,
        )
    strip = draw_strip(count_beats(HeartbeatMinute.objects.all(), HOUR, end), HOUR, end, key="k")
    assert [bar.tone for bar in strip.chart.bars] == ["quiet", "blocked", "running"]
    assert strip.chart.summary == "Last hour: 3 heartbeats, no gaps"


def test_gaps_and_pauses_are_shaded_where_they_were():
    end = now()
    gap = TimeSpan(end - timedelta(minutes=30), end - timedelta(minutes=15))
    pause = TimeSpan(end - timedelta(minutes=60), end - timedelta(minutes=45))
    strip = draw_strip([], HOUR, end, key="k", silences=[gap], paused=[pause])
    assert [(shade.x, shade.width, shade.tone) for shade in strip.shades] == [
        ("0.000%", "25.000%", "quiet"),
        ("50.000%", "25.000%", "failed"),
    ]
    assert strip.shades[1].words == "Silent for 15 minutes"


@pytest.mark.parametrize(("worked", "shown"), [(1, 10), (40, 40), (300, 60)])
def test_a_window_of_work_is_neither_too_short_nor_too_long(worked, shown):
    end = now()
    window = window_of("Recent", end - timedelta(minutes=worked), end)
    assert window.length == timedelta(minutes=shown)
    assert window.bar == timedelta(minutes=1)


# --- tokens ---------------------------------------------------------------------------------------


def test_a_token_is_issued_on_the_page_and_shown_once(foreman, builder):
    response = foreman.post(ISSUE)
    token = BuilderToken.objects.get()
    (secret,) = [
        word
        for word in response.text.replace("<", " ").split(">")
        if "fo_" in word and len(word) > 40
    ]
    assert actions.authenticate(secret.split()[0]) == "ui-builder"
    assert response.headers["Cache-Control"] == "no-store"
    later = foreman.get(PAGE).text
    assert secret.split()[0] not in later
    assert token.prefix in later


def test_a_token_is_issued_in_place(foreman, builder):
    response = foreman.post(ISSUE, headers={"HX-Request": "true"})
    assert "<html" not in response.text
    assert "Copy it now" in response.text
    assert "tick" in response.headers["HX-Trigger"]


def test_a_third_token_is_refused_on_the_page(foreman, builder):
    BuilderTokenFactory.create_batch(2)
    response = foreman.post(ISSUE)
    assert response.status_code == 409
    assert "revoke one first" in response.text


def test_a_token_is_revoked_on_the_page(foreman, builder):
    token = BuilderTokenFactory()
    assert "Revoke" in foreman.get(PAGE).text
    response = foreman.post(reverse("builders:token_revoke", args=[token.pk]))
    assert response.url == PAGE
    token.refresh_from_db()
    assert token.revoked_at
    assert "Revoked" in foreman.get(PAGE).text


def test_one_who_reads_sees_tokens_and_may_not_issue_or_revoke(client, builder):
    token = BuilderTokenFactory()
    client.force_login(UserFactory(roles=["viewer"]))
    content = client.get(PAGE).text
    assert token.prefix in content
    assert "Issue a token" not in content
    assert client.post(ISSUE).status_code == 403
    assert client.post(reverse("builders:token_revoke", args=[token.pk])).status_code == 403
