import csv
import io
import json
from datetime import datetime, timedelta

import pytest
from django.urls import reverse, reverse_lazy
from django.utils.timezone import now

from builders.actions import pause_builder
from builders.models import Builder
from foreman_office.dashboard.builders.queries import with_verdict
from programs.models import BuilderName
from tests.factories import BuilderFactory, BuilderTokenFactory, HeartbeatFactory, TaskFactory

pytestmark = pytest.mark.django_db


def verdict(name):
    return with_verdict().get(pk=name).verdict


def hold(name, silent_for=0):
    """Assign a task to a builder, whose last heartbeat is so many seconds old."""
    builder = BuilderFactory(builder_id=name, current_task=TaskFactory(state="in-progress"))
    heard = now() - timedelta(seconds=silent_for)
    Builder.objects.filter(pk=name).update(last_heartbeat=heard, heard_at=heard, assigned_at=heard)
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
    ("status", "expected"),
    [("active", "working"), ("blocked", "waiting"), ("idle", "idle-with-work")],
)
def test_a_builder_with_a_task_is_what_its_last_beat_says(status, expected):
    builder = hold("qa-builder", silent_for=5)
    HeartbeatFactory(builder=builder, task=builder.current_task, status=status)
    assert verdict("qa-builder") == expected


@pytest.mark.parametrize("status", ["active", "blocked", "idle"])
def test_a_builder_without_a_task_is_idle_whatever_it_says(person, status):
    builder = BuilderFactory(builder_id="qa-builder")
    HeartbeatFactory(builder=builder, status=status)
    assert verdict("qa-builder") == "idle"
    for address in (builder.get_absolute_url(), reverse("builders:builder_list")):
        words = f"Its last heartbeat says that it is {status}; it has no task."
        assert (words in person.get(address).text) is (status != "idle")


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
    assert content.count("No token: cannot report") == 4
    assert content.count("nothing received") == 4


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
        answer = client.post(url)
        assert answer.status_code == 401
        assert f'href="{reverse("login")}?next=' in answer.text
    client.force_login(admin_user)
    assert client.get(PAUSE).status_code == 405


def test_an_export_says_what_each_builder_does(person):
    held = hold("ui-builder").current_task
    Builder.objects.filter(pk="qa-builder").update(heard_at=now())
    answer = person.get(reverse("builders:builder_list"), {"export": "json"})
    rows = {row["builder_id"]: row for row in json.loads(answer.getvalue())}
    assert list(rows) == list(BuilderName.values)
    ui, qa = rows["ui-builder"], rows["qa-builder"]
    assert (ui["verdict"], ui["task_id"], ui["task"]) == ("working", str(held.pk), held.name)
    assert (ui["task_state"], ui["progress_percentage"]) == ("in-progress", 0)
    assert (qa["verdict"], qa["task_id"], qa["paused_until"]) == ("idle", None, None)


def test_an_export_says_until_when_a_builder_is_paused(person):
    until = now() + timedelta(hours=1)
    pause_builder(Builder.objects.get(pk="ui-builder"), reason="Repair", until=until, by=None)
    answer = person.get(reverse("builders:builder_list"), {"export": "csv"})
    text = answer.getvalue().decode().removeprefix("\ufeff")
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["builder_id"], row["verdict"]) == ("ui-builder", "paused")
    assert datetime.fromisoformat(row["paused_until"]) == until


def test_an_unknown_format_of_the_export_is_not_found(person):
    assert person.get(reverse("builders:builder_list"), {"export": "xls"}).status_code == 404
