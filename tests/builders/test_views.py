from datetime import timedelta

import pytest
from django.urls import reverse, reverse_lazy
from django.utils.timezone import now

from builders.models import Builder
from builders.pulse import with_verdict
from tests.factories import BuilderFactory, BuilderTokenFactory, HeartbeatFactory, TaskFactory

pytestmark = pytest.mark.django_db


def verdict(name):
    return with_verdict().get(pk=name).verdict


def hold(name, silent_for=0):
    """Put a task into a builder's hands, whose last beat is so many seconds old."""
    builder = BuilderFactory(builder_id=name, current_task=TaskFactory(state="in-progress"))
    heard = now() - timedelta(seconds=silent_for)
    Builder.objects.filter(pk=name).update(last_heartbeat=heard, assigned_at=heard)
    HeartbeatFactory(builder=builder, timestamp=heard, task=builder.current_task)
    return builder


def test_a_stranger_is_sent_to_the_login(client):
    response = client.get(reverse("builders:builder_list"))
    assert response.status_code == 302
    assert response.url.startswith(reverse("login"))


def test_builders_stand_in_their_usual_order():
    assert [builder.short_name for builder in with_verdict()] == [
        "ui",
        "api",
        "schema",
        "integration",
        "qa",
    ]


def test_a_builder_is_never_heard_until_it_beats():
    assert verdict("ui-builder") == "never-heard"
    HeartbeatFactory(builder=BuilderFactory(builder_id="ui-builder"), status="idle")
    assert verdict("ui-builder") == "idle"


@pytest.mark.parametrize(
    ("status", "expected"), [("active", "working"), ("blocked", "waiting"), ("idle", "idle")]
)
def test_a_builder_is_what_its_last_beat_says(status, expected):
    HeartbeatFactory(builder=BuilderFactory(builder_id="qa-builder"), status=status)
    assert verdict("qa-builder") == expected


def test_silence_counts_only_with_a_task_in_hand(settings):
    beyond = settings.FOREMAN_SILENCE_THRESHOLD_SECONDS + 5
    hold("api-builder", silent_for=beyond)
    assert verdict("api-builder") == "silent"
    Builder.objects.filter(pk="api-builder").update(current_task=None)
    assert verdict("api-builder") != "silent"


def test_a_builder_within_the_threshold_is_not_silent(settings):
    hold("api-builder", silent_for=settings.FOREMAN_SILENCE_THRESHOLD_SECONDS - 5)
    assert verdict("api-builder") == "working"


def test_builder_list_shows_pulse_task_and_tokens(client, admin_user):
    client.force_login(admin_user)
    builder = hold("schema-builder", silent_for=30)
    BuilderTokenFactory(builder=builder)
    content = client.get(reverse("builders:builder_list")).text
    assert builder.current_task.name in content
    assert "1 valid" in content
    assert content.count("No token: it cannot report") == 4
    assert content.count("never heard from") == 4


def test_builder_list_asks_twice_for_each_and_once_for_the_rest(
    client, admin_user, django_assert_max_num_queries
):
    client.force_login(admin_user)
    for name in ("ui-builder", "api-builder", "qa-builder"):
        hold(name)
    with django_assert_max_num_queries(19):
        client.get(reverse("builders:builder_list"))


PAUSE = reverse_lazy("builders:builder_pause", args=["qa-builder"])
RESUME = reverse_lazy("builders:builder_resume", args=["qa-builder"])
ASKED = {"reason": "a new disk", "minutes": 60}


def test_a_builder_is_paused_and_resumed_on_its_page(client, admin_user):
    client.force_login(admin_user)
    assert client.post(PAUSE, ASKED).status_code == 302
    assert verdict("qa-builder") == "paused"
    assert "a new disk" in client.get(reverse("builders:builder_list")).text
    assert client.post(RESUME).status_code == 302
    assert verdict("qa-builder") == "never-heard"


def test_a_pause_without_a_reason_is_asked_for_one(client, admin_user):
    client.force_login(admin_user)
    response = client.post(PAUSE, {"minutes": 60})
    assert response.status_code == 422
    assert verdict("qa-builder") == "never-heard"


def test_a_second_pause_is_refused(client, admin_user):
    client.force_login(admin_user)
    client.post(PAUSE, ASKED)
    response = client.post(PAUSE, ASKED)
    assert response.status_code == 409
    assert "paused already" in response.text


def test_pausing_is_asked_for_by_form_and_after_login(client, admin_user):
    for url in (PAUSE, RESUME):
        assert client.post(url).url.startswith(reverse("login"))
    client.force_login(admin_user)
    assert client.get(PAUSE).status_code == 405
