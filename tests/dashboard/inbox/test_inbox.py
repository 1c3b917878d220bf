"""The inbox: what needs attention, what moves, and what it costs to read."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from builders.models import Builder
from governance.models import Watcher
from kit.core.acts import act
from programs.models import Wave
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    HeartbeatFactory,
    ProgramFactory,
    TaskFactory,
    UserFactory,
    WaveFactory,
)
from tests.scenes import make_silent

pytestmark = pytest.mark.django_db


LONG_AGO = now() - timedelta(minutes=5)
INBOX_QUERIES = 26
PARTS = ["headline", "broken", "decisions", "moving", "finished", "programs"]


@pytest.fixture
def watched():
    Watcher.objects.create(host="here", pid=1, period=timedelta(minutes=1))


def part(client, target):
    headers = {"HX-Request": "true", "HX-Target": target}
    return client.get(reverse("inbox"), headers=headers)


def test_a_stranger_is_sent_to_the_login(client):
    response = client.get("/")
    assert response.url == f"{reverse('login')}?next=/"


def test_an_empty_office_is_all_clear(person, watched):
    content = person.get("/").text
    assert "<title>Inbox" in content
    assert "All clear" in content
    assert "Nothing is to do" in content
    assert "Nothing moves" in content
    assert "Nothing has finished" in content
    assert "No program is under way" in content


def test_an_office_that_nobody_watches_is_not_all_clear(person):
    content = person.get("/").text
    assert "All clear" not in content
    assert "The watcher is not running" in part(person, "headline").text
    assert "manage.py watch" in part(person, "broken").text


def test_an_office_whose_only_task_cannot_be_assigned_is_not_all_clear(person, watched):
    task = TaskFactory(name="Walls")
    content = person.get("/").text
    assert "All clear" not in content
    assert "1 task lacks a red run" in part(person, "decisions").text
    assert task.get_absolute_url() in part(person, "decisions").text


def test_a_plan_that_lacks_tasks_is_why_nothing_moves(person, watched):
    program = ProgramFactory(state="planned", name="Annex")
    WaveFactory(program=program, state="planned", name="Roof")
    assert "Nothing moves, and here is why" in part(person, "headline").text
    told = part(person, "decisions").text
    assert "Cannot be approved yet" in told
    assert "Add a task to each wave" in told


def test_one_who_reads_is_told_that_decisions_wait_for_a_foreman(client, watched):
    client.force_login(UserFactory(roles=["viewer"]))
    BlockerFactory()
    told = part(client, "headline").text
    assert "1 decision waits for a foreman" in told
    assert 'class="offer"' not in part(client, "decisions").text


def test_what_needs_attention_comes_first_and_is_counted_in_the_title(person, watched):
    make_silent("integration-builder", name="Reconnect")
    BlockerFactory(entity=WaveFactory(name="Roof"))
    GovernanceViolationFactory(violation_type="protected path")
    TaskFactory(state="failed", name="Chimney")
    content = person.get("/").text
    assert "<title>(4) Inbox" in content
    assert "1 builder silent, 1 violation unresolved. 2 decisions wait." in content
    for words in ("Silent builder", "Blocker: repeated", "protected path", "Failed task"):
        assert words in content
    assert content.index("Silent builder") < content.index("Waiting for a decision")


def make_working(holder="qa-builder", **fields):
    """A builder that reports progress on a task in progress."""
    task = TaskFactory(state="in-progress", assigned_builder=holder, **fields)
    builder = BuilderFactory(builder_id=holder, current_task=task, state="active")
    HeartbeatFactory(builder=builder, task=task, message="Laying bricks", progress_percentage=37)
    return task


def test_what_moves_shows_builder_and_progress(person):
    make_working(progress_percentage=37, name="Masonry")
    content = part(person, "moving").text
    assert "Masonry" in content
    assert "qa-builder" in content
    assert "37 %" in content


def test_active_programs_come_before_planned_and_completed_ones_stay_away(person):
    ProgramFactory(name="A planned one", state="planned")
    ProgramFactory(name="B active one")
    ProgramFactory(name="C finished one", state="completed")
    content = part(person, "programs").text
    assert content.index("B active one") < content.index("A planned one")
    assert "C finished one" not in content


def test_what_moves_has_the_last_words_of_its_builder(person):
    make_working(name="Masonry")
    content = part(person, "moving").text
    assert "“Laying bricks”" in content


def test_what_is_silent_does_not_move_and_its_card_leads_to_why(person):
    builder = make_silent("integration-builder", name="Reconnect")
    HeartbeatFactory(
        builder=builder, task=builder.current_task, message="Rebasing", timestamp=LONG_AGO
    )
    assert "Reconnect" not in part(person, "moving").text
    content = part(person, "broken").text
    assert "“Rebasing”" in content
    assert reverse("governance:why", args=["builder", builder.pk]) in content


def test_what_is_in_a_blocked_wave_does_not_move(person):
    task = make_working(name="Masonry")
    with act(None, override="the scene"):
        Wave.objects.filter(pk=task.wave_id).update(state="blocked")
    assert "Masonry" not in part(person, "moving").text


@pytest.mark.parametrize("target", PARTS)
def test_a_part_is_the_element_that_asked(person, target):
    make_silent("integration-builder", name="Reconnect")
    alone = part(person, target).text
    assert alone.count(f'id="{target}"') == 1
    assert "<html" not in alone


def test_an_inbox_that_is_cut_leads_to_the_rest(person, monkeypatch):
    TaskFactory.create_batch(3, state="failed")
    assert "highest impact, of" not in part(person, "decisions").text
    monkeypatch.setattr("foreman_office.dashboard.inbox.inbox_cards.LISTED", 2)
    told = part(person, "decisions").text
    assert "Showing the 2 decisions with the highest impact, of 3" in told
    assert f"{reverse('decisions')}?band=waiting" in told


def test_the_lamps_bring_the_count_along(person):
    make_silent("integration-builder", name="Reconnect")
    alone = part(person, "lamps").text
    assert alone.count('class="lamp"') == 5
    assert re.search(r'id="due"[^>]*data-tone="failed"[^>]*>1<', alone)
    assert "[&quot;silent builder&quot;, &quot;silent builders&quot;, 1, [" in alone


def test_the_rail_counts_what_is_open_up_to_a_bound(person, monkeypatch):
    BlockerFactory.create_batch(3)
    GovernanceViolationFactory()
    page = person.get("/").text
    assert re.search(r'id="open-blockers"[^>]*>4<', page)  # the violation raised its own
    assert re.search(r'id="open-violations"[^>]*>1<', page)
    monkeypatch.setattr("foreman_office.dashboard.navigation.COUNTED", 2)
    assert re.search(r'id="open-blockers"[^>]*>2\+<', person.get("/").text)


@pytest.mark.parametrize(
    ("scene", "shown"),
    [
        (lambda: None, "done"),
        (lambda: BlockerFactory(), "blocked"),
        (lambda: TaskFactory(state="failed"), "failed"),
    ],
)
def test_the_favicon_shows_the_worst_also_without_script(person, scene, shown):
    Watcher.objects.create(host="here", pid=1, period=timedelta(minutes=1))
    scene()
    assert re.search(rf'href="/static/img/favicon-{shown}\.[^"]*svg"', person.get("/").text)


def test_the_favicon_shows_that_nobody_watches(person):
    assert re.search(r'href="/static/img/favicon-failed\.', person.get("/").text)


def test_inbox_asks_no_more_for_more_rows(person, django_assert_max_num_queries):
    for _ in range(4):
        wave = WaveFactory()
        for task in TaskFactory.create_batch(3, wave=wave, state="in-progress"):
            BlockerFactory(entity=task)
        BlockerFactory(entity=wave)
        BlockerFactory(entity=wave.program)
        GovernanceViolationFactory(task=task)
        TaskFactory(wave=wave, state="failed")
        HeartbeatFactory(task=task)
    with django_assert_max_num_queries(INBOX_QUERIES):
        person.get("/")


def test_reading_writes_nothing(person):
    make_silent("integration-builder", name="Reconnect")
    person.get("/")  # the session is there from here on
    before = list(Builder.objects.values())
    with CaptureWrites() as writes:
        person.get("/")
    assert writes == []
    assert list(Builder.objects.values()) == before


class CaptureWrites(list):
    """Collect the statements that change something."""

    def __enter__(self):
        from django.db import connection

        self.wrapped = connection.execute_wrapper(self.notice)
        self.wrapped.__enter__()
        return self

    def __exit__(self, *exception):
        self.wrapped.__exit__(*exception)

    def notice(self, execute, sql, params, many, context):
        if sql.split(maxsplit=1)[0].upper() in {"INSERT", "UPDATE", "DELETE"}:
            self.append(sql)
        return execute(sql, params, many, context)
