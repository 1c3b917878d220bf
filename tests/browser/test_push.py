"""Pages that are told what was touched, in a real browser: what they then ask, show and say."""

import time

import psycopg
import pytest
from django.db import OperationalError, transaction
from django.urls import reverse
from playwright.sync_api import expect

from governance.actions import resolve_blocker
from governance.models import OfficeSession
from kit.live import views
from kit.live.hub import REST, hub
from programs.models import Task
from tests.browser.conftest import settle
from tests.browser.test_live import TICK_NOW, at_work, parts_of, post_heartbeat  # noqa: F401
from tests.factories import BlockerFactory, BuilderFactory, HeartbeatFactory, TaskFactory
from tests.races import until

# A page that never asks of its own accord: what it then shows, it was told of.
NO_TICKS = "document.addEventListener('tick', (tick) => tick.stopPropagation(), true)"
HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(autouse=True)
def short_breath(monkeypatch):
    """Shorten the server's wait for a page that has gone: this one cannot see a client hang up."""
    monkeypatch.setattr(views, "STILL", 1)


@pytest.fixture
def task(transactional_db):
    return TaskFactory(state="in-progress", name="Masonry", progress_percentage=10)


@pytest.fixture
def live(browse, foreman, task):
    """The page of a task with an open stream, and nothing more to request."""
    page = browse(user=foreman)
    page.goto(task.get_absolute_url())
    expect(page.locator("#freshness")).to_have_text("live")
    settle(page)
    return page


def set_progress(task, percentage):
    Task.objects.filter(pk=task.pk).update(progress_percentage=percentage)


def requests_of(page):
    """Collect which parts a page asks for, each question as a list."""
    asked = []
    page.on("request", lambda request: asked.append(parts_of(request)))
    return asked


def away(*args, **kwargs):
    raise psycopg.OperationalError("away")


def stop_hearing(connect):
    # Workers share a server: others listen to databases of their own.
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = %s"
    )
    assert connect().execute(query, ["foreman-live"]).fetchall()


def test_a_beat_is_on_the_page_before_it_would_have_asked(
    browse,
    foreman,
    live_server,
    at_work,  # noqa: F811
):
    task, token = at_work
    page = browse(user=foreman)
    page.goto(task.get_absolute_url())
    settle(page)
    page.evaluate(NO_TICKS)
    post_heartbeat(
        live_server,
        token,
        builder_id="ui-builder",
        task_id=str(task.pk),
        status="active",
        message="Mortar mixed",
        progress_percentage=5,
    )
    expect(page.locator("#pulse")).to_contain_text("Mortar mixed")
    expect(page.locator("#summary")).to_contain_text("In progress")


def test_a_part_is_asked_for_when_its_own_topics_are_touched(live, task):
    builder = BuilderFactory(builder_id="qa-builder")
    settle(live)
    live.evaluate(NO_TICKS)
    asked = requests_of(live)
    HeartbeatFactory(builder=builder, status="active")
    until(lambda: live.wait_for_timeout(50) or ["lamps"] in asked)
    assert not any("summary" in parts for parts in asked)
    set_progress(task, 40)
    expect(live.locator("#summary")).to_contain_text("40 %")


def test_a_burst_is_asked_about_as_seldom_as_it_is_told(live, task):
    live.evaluate(NO_TICKS)
    asked = requests_of(live)
    began = time.monotonic()
    for percentage in range(11, 31):
        set_progress(task, percentage)
    expect(live.locator("#summary")).to_contain_text("30 %")
    told = 1 + (time.monotonic() - began) / REST
    assert 0 < sum("summary" in parts for parts in asked) <= told


def test_a_hidden_page_gives_its_stream_back_and_catches_up_when_shown(live, task):
    live.evaluate(NO_TICKS)
    live.evaluate(HIDE, True)
    until(lambda: not any(f"task:{task.pk}" in stream.topics for stream in hub._streams))
    asked = requests_of(live)
    set_progress(task, 50)
    live.wait_for_timeout(1500)
    assert asked == []
    live.evaluate(HIDE, False)
    expect(live.locator("#summary")).to_contain_text("50 %")
    expect(live.locator("#freshness")).to_have_text("live")


def test_a_page_says_when_the_office_hears_nothing_and_learns_what_it_missed(
    live, task, connect, monkeypatch
):
    live.evaluate(NO_TICKS)
    with monkeypatch.context() as outage:
        outage.setattr(hub, "connect", away)
        stop_hearing(connect)
        expect(live.locator("#freshness")).to_have_text("reconnecting")
        set_progress(task, 60)
    expect(live.locator("#summary")).to_contain_text("60 %")
    expect(live.locator("#freshness")).to_have_text("live")


def test_a_page_without_a_stream_polls_says_so_and_is_told_when_nothing_changed(
    browse, foreman, task, settings
):
    settings.DATABASE_POOLED, settings.DATABASE_LISTEN_URL = True, ""
    page = browse(user=foreman)
    page.goto(task.get_absolute_url())
    expect(page.locator("#freshness")).to_have_text("polling")
    with page.expect_response(lambda answer: "summary" in parts_of(answer.request)):
        page.evaluate(TICK_NOW)
    with page.expect_response(lambda answer: "summary" in parts_of(answer.request)) as second:
        page.evaluate(TICK_NOW)
    assert second.value.status == 304
    set_progress(task, 70)
    expect(page.locator("#summary")).to_contain_text("70 %")
    expect(page.locator("#freshness")).to_have_text("polling")


def test_where_there_is_no_room_for_a_stream_the_page_polls(browse, foreman, task, settings):
    settings.FOREMAN_STREAMS = 0
    page = browse(user=foreman)
    page.goto(task.get_absolute_url())
    expect(page.locator("#freshness")).to_have_text("polling")
    set_progress(task, 70)
    expect(page.locator("#summary")).to_contain_text("70 %")


def test_a_page_whose_session_ends_elsewhere_says_so(live, complaints):
    address = live.url
    OfficeSession.objects.all().delete()
    expect(live.locator("#ended")).to_contain_text("Your login has ended.")
    assert live.url == address
    complaints.expect("401", "EventSource")


def test_a_stale_page_is_grey_until_it_hears_again(live, task, complaints):
    status = live.locator("#summary .status").first
    before = status.evaluate("(element) => getComputedStyle(element).color")
    live.context.set_offline(True)
    expect(live.locator("#freshness")).to_contain_text("stale since")
    expect(status).not_to_have_css("color", before)
    live.context.set_offline(False)
    expect(live.locator("#freshness")).to_have_text("live")
    expect(status).to_have_css("color", before)
    complaints.expect("Failed", "htmx:")


def test_one_part_that_fails_makes_the_page_stale_until_it_is_answered(live, task, complaints):
    def is_summary(request):
        return "summary" in parts_of(request)

    live.route(
        "**/*",
        lambda route: route.fulfill(status=500) if is_summary(route.request) else route.fallback(),
    )
    live.evaluate(f"setInterval(() => {TICK_NOW}, 500)")  # one in flight would be the answer
    expect(live.locator("#freshness")).to_contain_text("stale since")
    live.unroute("**/*")
    live.evaluate(TICK_NOW)
    expect(live.locator("#freshness")).to_have_text("live")
    complaints.expect("500", "htmx:")


def test_a_poke_keeps_the_place_a_selection_and_what_has_the_focus(browse, foreman, task):
    for number in range(30):
        TaskFactory(wave=task.wave, name=f"Stone {number}")
    builder = BuilderFactory(builder_id="qa-builder")
    page = browse(user=foreman, height=500)
    page.goto(reverse("programs:wave", args=[task.wave_id]))
    settle(page)
    link = page.locator("#list").get_by_role("link", name="Stone 20", exact=True)
    link.focus()  # which scrolls to it
    page.evaluate(NO_TICKS)
    stands = "document.activeElement.getBoundingClientRect().toJSON()"
    place = page.evaluate(stands)
    HeartbeatFactory(builder=builder, status="active")
    set_progress(task, 77)
    expect(page.locator("#list")).to_contain_text("77")
    expect(link).to_be_focused()
    assert page.evaluate(stands) == place


def test_all_that_was_touched_is_asked_for_in_one_question(live):
    with live.expect_request(lambda request: "lamps" in parts_of(request)) as asked:
        live.evaluate(TICK_NOW)
    question = parts_of(asked.value)
    assert {"summary", "pulse", "evidence"} <= set(question)


def test_a_filter_is_not_overtaken_by_the_answer_to_an_older_question(browse, foreman, task):
    TaskFactory(wave=task.wave, name="Roofing")
    page = browse(user=foreman)
    page.goto(reverse("programs:task_list"))
    settle(page)
    held = {}

    def hold(route):
        """Hold up the first question of the page, and the first of its reader."""
        who = "page" if parts_of(route.request) else "reader"
        route.continue_() if who in held else held.update({who: route})

    page.route("**/tasks/**", hold)
    page.evaluate(TICK_NOW)
    until(lambda: page.wait_for_timeout(50) or "page" in held)
    page.get_by_role("searchbox").fill("Roof")
    until(lambda: page.wait_for_timeout(50) or "reader" in held)
    assert parts_of(held["page"].request) == ["lamps", "list"]
    set_progress(task, 55)
    with page.expect_response(lambda answer: parts_of(answer.request)):
        held["page"].continue_()
    held["reader"].continue_()
    expect(page.locator("#list")).not_to_contain_text("Masonry")
    expect(page.locator("#list")).to_contain_text("Roofing")
    page.evaluate(TICK_NOW)
    settle(page)
    expect(page.locator("#list")).not_to_contain_text("Masonry")


def test_what_is_new_is_said_also_where_as_much_was_settled(browse, foreman, task):
    first = BlockerFactory(entity=task)
    page = browse(user=foreman)
    page.goto("/")
    expect(page.locator("#freshness")).to_have_text("live")
    with transaction.atomic():
        resolve_blocker(first, resolution_action="Done", by=None)
        BlockerFactory(entity=TaskFactory(wave=task.wave, name="Roofing"))
    expect(page.locator("#announcer")).to_have_text("1 new blocker")
    expect(page).to_have_title("(1) Inbox · Foreman Office")


# --- acts that the office did not take ------------------------------------------------------------


@pytest.fixture
def answering(browse, foreman, task):
    """The inbox, with an answer to a blocker typed and not sent."""
    BlockerFactory(entity=task)
    page = browse(user=foreman)
    page.goto("/")
    settle(page)
    page.locator("details.offer > summary", has_text="Resolve").click()
    page.get_by_label("Resolution").fill("The suite is repaired")
    return page


def send(page):
    page.locator("details.offer[open] button[type=submit]").click()


def is_kept_and_sent_again(page):
    expect(page.get_by_label("Resolution")).to_have_value("The suite is repaired")
    send(page)
    expect(page.locator("#said")).to_contain_text("is resolved")
    expect(page.locator("#decisions")).not_to_contain_text("Blocker")


def expected(complaints):
    """Ignore the errors of browser and htmx about failed requests, which the test causes."""
    complaints.expect("Failed to load resource", "htmx:", "Response Status Error Code 50")


def test_an_act_during_an_outage_says_so_where_it_was_made(answering, complaints, monkeypatch):
    def unreachable(*args, **kwargs):
        raise OperationalError("away")

    with monkeypatch.context() as outage:
        outage.setattr("governance.actions.resolve_blocker", unreachable)
        send(answering)
        alert = answering.locator("details.offer[open] [role=alert]")
        expect(alert).to_contain_text("cannot reach its database")
        expect(alert).to_contain_text("send it again")
    is_kept_and_sent_again(answering)
    expected(complaints)


def test_an_act_without_network_says_so_where_it_was_made(answering, complaints):
    answering.context.set_offline(True)
    send(answering)
    alert = answering.locator("details.offer[open] [role=alert]")
    expect(alert).to_contain_text("The office could not be reached")
    answering.context.set_offline(False)
    expect(answering.locator("#freshness")).to_have_text("live")
    is_kept_and_sent_again(answering)
    expected(complaints)


def test_an_act_that_a_proxy_answers_says_with_what(answering, complaints):
    answering.route(
        "**/resolve/**", lambda route: route.fulfill(status=502, body="<h1>Bad gateway</h1>")
    )
    send(answering)
    alert = answering.locator("details.offer[open] [role=alert]")
    expect(alert).to_contain_text("an error (502)")
    expect(alert).not_to_contain_text("Bad gateway")
    answering.unroute("**/resolve/**")
    is_kept_and_sent_again(answering)
    expected(complaints)
