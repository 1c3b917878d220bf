"""The replay: who had what when, what happened, and how it is counted."""

import re
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from builders.actions import assign_task
from foreman_office.dashboard.replay import events, views
from foreman_office.dashboard.replay.views import draw_strip_of
from governance.actions import raise_blocker
from governance.models import Evidence
from kit.web.time_axis import TimeSpan
from programs.actions import delete
from tests.factories import (
    BuilderFactory,
    BuilderPauseFactory,
    HeartbeatFactory,
    OfficeAbsenceFactory,
    QAExecutionFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def night(client):
    """A task that a builder took up and put down again, and what came with it."""
    person = UserFactory(username="johan")
    client.force_login(person)
    task = TaskFactory(name="Masonry")
    builder = BuilderFactory(state="idle")
    assign_task(task, builder, by=person, override="a test")
    HeartbeatFactory(builder=builder, task=task, progress_percentage=10)
    QAExecutionFactory(task=task, passing_tests=1, failing_tests=4)
    raise_blocker(task, classification="protected_path", description="A lock", by=person)
    return task


def whole():
    at = now()
    return TimeSpan(at - HOUR, at + timedelta(seconds=1))


def lane(strip, name):
    return next(each for each in strip.lanes if each.builder == name)


def replayed(client, **span):
    return client.get(reverse("governance:replay"), span)


def test_a_lane_has_what_its_builder_had_in_hand_and_what_happened_to_it(night):
    strip = draw_strip_of(whole())
    ui, api = lane(strip, "ui-builder"), lane(strip, "api-builder")
    assert [span.words.partition(":")[0] for span in ui.spans if span.kind == "task"] == ["Masonry"]
    assert ui.number == 1
    assert {event.told.row.action for event in ui.marks} >= {"qa_run_recorded", "blocker_raised"}
    assert [event.shape for event in ui.marks if event.told.row.action == "qa_run_recorded"] == [
        "run"
    ]
    marks = [mark for mark in api.marks if mark.told.row.action != "created"]
    assert (api.spans, api.number, marks) == ([], 0, [])
    assert {event.told.row.entity_type for event in strip.office} >= {"program", "wave"}


def test_what_was_taken_up_before_and_goes_on_fills_the_span(night):
    at = now()
    (span,) = [
        each for each in lane(draw_strip_of(TimeSpan(at, at + HOUR)), "ui-builder").spans
        if each.kind == "task"
    ]  # fmt: skip
    assert (span.began, span.ended) == (at, at + HOUR)
    assert span.x == "0.000%"


def test_pauses_and_the_offices_absences_are_no_silence(night):
    at = now()
    BuilderPauseFactory(
        builder__builder_id="api-builder",
        started_at=at - timedelta(minutes=50),
        ends_at=at - HOUR / 2,
    )
    OfficeAbsenceFactory(began_at=at - HOUR / 3, ended_at=at - HOUR / 4)
    strip = draw_strip_of(whole())
    assert [span.kind for span in lane(strip, "api-builder").spans] == ["paused", "closed"]
    assert [span.kind for span in lane(strip, "qa-builder").spans] == ["closed"]


def test_the_page_tells_each_event_with_the_pages_of_its_moment(client, night):
    page = replayed(client).text
    assert "Masonry" in page
    assert re.search(rf'href="{night.get_absolute_url()}\?as_of=[^"]+"', page)
    address = re.search(rf'href="({night.get_absolute_url()}\?as_of=[^"]+)"', page).group(1)
    assert client.get(address).status_code == 200


def test_what_was_deleted_has_a_page_as_of_before(client, night):
    gone = TaskFactory(name="A mistake")
    address = gone.get_absolute_url()
    delete(gone, by=None)
    page = replayed(client).text
    found = re.findall(rf'href="({address}\?as_of=[^"]+)"', page)
    assert found
    assert {client.get(each).status_code for each in found} == {200}


def test_a_span_that_is_none_is_refused_in_words(client, night):
    at = now()
    for start, end, words in (
        (at, at - HOUR, "From must be before To"),
        (at - timedelta(days=8), at, "at most 7 days"),
        (at + HOUR, at + 2 * HOUR, "From must be before To"),
        ("soon", at, "Enter a valid date/time"),
    ):
        response = replayed(client, **{"from": start if start == "soon" else start.isoformat(),
                                       "to": end.isoformat()})  # fmt: skip
        assert response.status_code == 422
        assert words in response.text
        assert 'id="replay"' not in response.text


def test_without_a_choice_it_begins_where_the_handover_was_read(client, night, monkeypatch):
    read = now() - 2 * HOUR
    monkeypatch.setattr(
        views, "last_visit", lambda request: SimpleNamespace(since=read, known_by="read")
    )
    assert replayed(client).context["strip"].span.start == read


def test_who_has_read_no_handover_begins_where_the_last_day_has_signs(client, night):
    first = Evidence.objects.order_by("timestamp").values_list("timestamp", flat=True)[0]
    start = replayed(client).context["strip"].span.start
    assert start <= first
    assert first - start <= timedelta(minutes=1)  # the shortest span
    heard = now() - 3 * HOUR
    HeartbeatFactory(builder_id="ui-builder", timestamp=heard)
    assert replayed(client).context["strip"].span.start == heard
    HeartbeatFactory(builder_id="ui-builder", timestamp=now() - 30 * HOUR)
    assert replayed(client).context["strip"].span.start == heard


def test_a_span_with_very_much_in_it_is_told_in_parts(client, night, monkeypatch):
    everything = [event.told.row.sequence for event in draw_strip_of(whole()).part.events]
    monkeypatch.setattr(events, "MOST", 4)
    span, told, parts = whole(), [], 0
    start = span.start
    while start:
        part = draw_strip_of(TimeSpan(start, span.end)).part
        told += [row.row.sequence for event in part.events for row in (event.told, *event.others)]
        start, parts = part.goes_on, parts + 1
    assert parts > 1
    assert len(told) == len(set(told))
    builders = set(
        Evidence.objects.filter(entity_type="builder", action="created").values_list(
            "sequence", flat=True
        )
    )  # of one transaction, and more than are told at once
    assert set(told) | builders >= set(everything)
    page = replayed(client)
    assert "Not all are here" in page.text


def test_it_takes_as_many_queries_however_much_happened(client, night):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            assert replayed(client).status_code == 200
        return len(asked)

    queries()
    few = queries()
    for number in range(5):
        QAExecutionFactory(task=night, passing_tests=0, failing_tests=5)
        HeartbeatFactory(task=night, progress_percentage=number)
    assert queries() == few


def test_heartbeats_are_bars_however_many_there_are(night):
    at = now()
    for second in range(300):
        HeartbeatFactory(task=night, timestamp=at - timedelta(seconds=second))
    ui = lane(draw_strip_of(whole()), "ui-builder")
    assert ui.number == 301
    assert len(ui.beats) <= 12


def test_the_address_of_a_replay_survives_its_form(client, night):
    at = now()
    query = urlencode({"from": (at - HOUR).isoformat(), "to": at.isoformat()})
    response = client.get(f"{reverse('governance:replay')}?{query}")
    assert response.context["strip"].span == TimeSpan(at - HOUR, at)
