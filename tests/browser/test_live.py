"""Pages that keep themselves current, in a real browser against a real server."""

import json
import re
import urllib.request
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now
from playwright.sync_api import expect

from builders.actions import assign_task, issue_token
from builders.models import Builder
from governance.models import Blocker
from kit.core.acts import act
from programs.models import Task
from tests.browser.conftest import settle
from tests.browser.scene import furnish
from tests.factories import BlockerFactory, BuilderFactory, TaskFactory

pytestmark = pytest.mark.pooled

TICK_NOW = "htmx.trigger(document.body, 'tick')"


@pytest.fixture
def at_work(transactional_db):
    """A builder with an assigned task and a token: what a heartbeat needs."""
    task = TaskFactory(name="Masonry", wave__program__name="The house")
    builder = BuilderFactory(builder_id="ui-builder")
    assign_task(task, builder, by=None, override="the scene")
    _, token = issue_token(builder, by=None)
    return task, token


def post_heartbeat(live_server, token, **body):
    request = urllib.request.Request(
        f"{live_server.url}/api/heartbeat",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status in (200, 201)


def parts_of(request):
    """Return the parts that a page asks for."""
    return request.headers.get("foreman-parts", "").split()


def tick_until_answered(page, part):
    """Make one part refresh itself, and wait until it has."""
    with page.expect_response(
        lambda answer: part in parts_of(answer.request) and answer.status in (200, 304)
    ):
        page.evaluate(TICK_NOW)


def test_a_person_logs_in_and_sees_a_heartbeat_arrive(browse, live_server, foreman, at_work):
    task, token = at_work
    page = browse()
    page.goto("/")
    expect(page).to_have_title("Log in · Foreman Office")
    page.get_by_label("Name").fill("johan")
    page.get_by_label("Password").fill("a password")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#freshness")).to_have_text("live")
    page.evaluate("window.sameDocument = true")
    running = page.locator("#moving")
    expect(running).to_contain_text("Nothing moves")

    post_heartbeat(
        live_server,
        token,
        builder_id="ui-builder",
        task_id=str(task.pk),
        status="active",
        message="First course is laid",
        progress_percentage=37,
    )

    expect(running).to_contain_text("37 %")
    expect(page.locator("#moving")).to_contain_text("First course is laid")
    expect(page.locator("#lamps")).to_contain_text("Working")
    assert page.evaluate("window.sameDocument")


def test_the_task_page_shows_a_heartbeat_arrive(browse, live_server, foreman, at_work):
    task, token = at_work
    page = browse(user=foreman)
    page.goto(task.get_absolute_url())
    expect(page.locator("#pulse")).to_contain_text("No heartbeats for this task")
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


def test_a_new_matter_is_in_title_icon_rail_and_said_once(browse, foreman):
    task = TaskFactory(state="in-progress", name="Masonry")
    page = browse(user=foreman)
    page.goto("/")
    expect(page).to_have_title("Inbox · Foreman Office")
    BlockerFactory(entity=task)
    tick_until_answered(page, "lamps")
    expect(page).to_have_title("(1) Inbox · Foreman Office")
    expect(page.locator("#due")).to_contain_text("1")
    expect(page.locator("#announcer")).to_have_text("1 new blocker")
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("favicon-failed"))


def test_a_refresh_keeps_focus_folds_and_place(browse, foreman):
    scene = furnish()
    page = browse(user=foreman, height=600)
    page.goto(scene["program"].get_absolute_url())
    settle(page)
    wave = scene["program"].waves.get(sequence_number=1)
    fold = page.locator("#timeline-table")
    fold.locator("summary").click()
    link = page.locator("#timeline").get_by_role("link", name="1 Foundation", exact=True)
    link.focus()
    place = page.evaluate("scrollY")
    # What the timeline shows changes, so that the part really is swapped.
    with act(None, override="the scene"):
        earlier = now() - timedelta(days=30)
        Task.objects.filter(wave=wave).update(started_at=earlier)
    tick_until_answered(page, "timeline")
    expect(page.locator("#timeline")).to_contain_text(f"{earlier:%-d %b %Y}")
    expect(fold).to_have_attribute("open", "")
    expect(link).to_be_focused()
    assert page.evaluate("scrollY") == place


def test_what_is_read_stays_in_its_place_while_cards_come_and_go_above_it(browse, foreman):
    for number in range(5):
        BlockerFactory(entity=TaskFactory(name=f"Waits {number}"))
    page = browse(user=foreman, height=600)
    page.goto("/")
    settle(page)
    link = page.locator("#decisions").get_by_role("link", name="Waits 4", exact=True)
    link.focus()  # which scrolls to it
    assert page.evaluate("scrollY")
    stands = "document.activeElement.getBoundingClientRect().top"
    before = page.evaluate(stands)
    first = BlockerFactory(
        entity=TaskFactory(name="The first"), detected_at=now() - timedelta(days=9)
    )
    top = page.locator("#decisions li:first-child")
    card = top.get_by_role("link", name="The first", exact=True)
    tick_until_answered(page, "decisions")
    expect(card).to_be_attached()
    assert page.evaluate(stands) == pytest.approx(before, abs=2)
    with act(None):
        Blocker.objects.filter(pk=first.pk).update(resolved_at=now(), resolution_action="Done")
    tick_until_answered(page, "decisions")
    expect(card).not_to_be_attached()
    expect(link).to_be_focused()
    assert page.evaluate(stands) == pytest.approx(before, abs=2)


def test_a_refresh_waits_for_a_selection(browse, foreman):
    task = TaskFactory(state="in-progress", name="Masonry", progress_percentage=10)
    page = browse(user=foreman)
    page.goto("/")
    expect(page.locator("#moving")).to_contain_text("10 %")
    settle(page)
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#moving h2'))")
    Task.objects.filter(pk=task.pk).update(progress_percentage=20)
    tick_until_answered(page, "moving")
    expect(page.locator("#moving")).to_contain_text("10 %")
    page.evaluate("getSelection().removeAllRanges()")
    tick_until_answered(page, "moving")
    expect(page.locator("#moving")).to_contain_text("20 %")


def test_what_is_pressed_stays_until_it_is_let_go(browse, foreman):
    BlockerFactory(entity=TaskFactory(state="in-progress", name="Masonry"))
    page = browse(user=foreman)
    page.goto("/")
    settle(page)
    page.locator("details.offer > summary").first.hover()
    page.mouse.down()
    BlockerFactory(entity=TaskFactory(state="in-progress", name="Another wall"))
    tick_until_answered(page, "decisions")
    page.mouse.up()
    expect(page.locator("details.offer[open]")).to_have_count(1)
    expect(page.locator("#decisions")).to_contain_text("Another wall")


def test_a_page_that_hears_nothing_says_since_when(browse, foreman, complaints):
    page = browse(user=foreman)
    page.goto("/")
    page.context.set_offline(True)
    expect(page.locator("#freshness")).to_contain_text("stale since")
    page.evaluate(TICK_NOW)
    expect(page.locator("#freshness")).to_have_attribute("data-state", "stale")
    page.context.set_offline(False)
    page.evaluate(TICK_NOW)
    expect(page.locator("#freshness")).to_have_text("live")
    # Browser and htmx tell of each request that they could not send: that was the point.
    complaints.expect("Failed to load resource: net::ERR_INTERNET_DISCONNECTED", "htmx:")


def test_a_page_whose_session_ended_stays_and_leads_to_the_login(browse, foreman, complaints):
    page = browse(user=foreman)
    page.goto(reverse("builders:builder_list"))
    expect(page.locator("#freshness")).to_have_attribute("data-state", re.compile("live|polling"))
    page.context.clear_cookies()
    page.evaluate(TICK_NOW)
    expect(page.locator("#ended")).to_contain_text("Your login has ended.")
    assert page.url.endswith(reverse("builders:builder_list"))
    complaints.expect("401")


def test_durations_run_between_two_answers(browse, foreman):
    task = TaskFactory(state="in-progress", assigned_builder="qa-builder")
    builder = BuilderFactory(builder_id="qa-builder", current_task=task)
    builder.heartbeats.create(status="active", task=task, timestamp=now())
    page = browse(user=foreman, still=True)
    page.goto("/")
    pulse = page.locator("#lamps time")
    before = pulse.text_content()
    expect(pulse).not_to_have_text(before)


def test_a_theme_is_chosen_from_the_menu_and_kept(browse, foreman):
    page = browse(user=foreman)
    page.goto(reverse("programs:program_list"))
    page.get_by_role("button", name="johan").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.url.endswith(reverse("programs:program_list"))
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_silent_builder_is_seen_by_reading_alone(browse, foreman):
    """Nothing need happen for silence: the page draws it from the clock."""
    task = TaskFactory(state="in-progress", name="Masonry")
    builder = BuilderFactory(builder_id="api-builder", current_task=task, last_heartbeat=now())
    page = browse(user=foreman)
    page.goto("/")
    expect(page.locator("#decisions")).to_contain_text("Nothing waits, and nothing moves")
    since = now() - timedelta(minutes=3)
    Builder.objects.filter(pk=builder.pk).update(
        last_heartbeat=since, heard_at=since, assigned_at=since
    )
    expect(page.locator("#broken")).to_contain_text("Silent builder")
    expect(page.locator("#lamps .lamp[data-tone=failed]")).to_contain_text("api")


def test_without_script_the_page_is_complete_and_dated(browse, foreman):
    furnish()
    page = browse(user=foreman, java_script_enabled=False)
    page.goto("/")
    expect(page.locator("#freshness")).to_contain_text("as of")
    for words in ("Silent builder", "Under way", "In the last 24 hours"):
        expect(page.get_by_text(words).first).to_be_visible()
    page.get_by_role("link", name="Programs", exact=True).click()
    expect(page.get_by_role("heading", name="Programs")).to_be_visible()
