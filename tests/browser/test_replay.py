"""The replay's player: by keyboard, by buttons, without motion and without script."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now
from playwright.sync_api import expect

from builders.actions import assign_task
from governance.actions import raise_blocker, resolve_blocker
from tests.factories import BuilderFactory, HeartbeatFactory, TaskFactory

WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def night(transactional_db):
    task = TaskFactory(name="Masonry", state="planned")
    builder = BuilderFactory(state="idle")
    assign_task(task, builder, by=None, override="a test")
    HeartbeatFactory(builder=builder, task=task, progress_percentage=10)
    for description in ("A lock", "A key"):
        blocker = raise_blocker(
            task, classification="protected_path", description=description, by=None
        )
        resolve_blocker(blocker, resolution_action=f"No more: {description}", by=None)
    return task


def test_the_arrow_keys_step_through_the_events(browse, foreman, night):
    page = browse(user=foreman, still=True)
    page.goto(reverse("governance:replay"))
    rows = page.locator(".replay-events tbody tr")
    expect(page.locator("#player")).to_be_visible()
    expect(rows.first).to_have_attribute("aria-current", "true")
    page.locator("#event").focus()
    page.keyboard.press("ArrowRight")
    expect(rows.nth(1)).to_have_attribute("aria-current", "true")
    expect(rows.first).not_to_have_attribute("aria-current", "true")
    expect(page.locator("#event")).to_have_attribute("aria-valuetext", re.compile("^2 of "))
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("ArrowRight")
    expect(rows.nth(2)).to_have_attribute("aria-current", "true")
    page.keyboard.press("ArrowLeft")
    expect(rows.nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("Enter")
    expect(rows.nth(2)).to_have_attribute("aria-current", "true")
    words = rows.nth(2).get_attribute("data-words")
    expect(page.locator("#spoken")).to_have_text(words)
    expect(page.locator("#moment a").first).to_be_visible()


def test_it_plays_to_the_end_and_says_so_once(browse, foreman, night):
    page = browse(user=foreman)
    page.emulate_media(reduced_motion="no-preference")
    page.goto(reverse("governance:replay"))
    page.evaluate(
        """() => {
            window.said = [];
            new MutationObserver(() => said.push(document.getElementById("spoken").textContent))
                .observe(document.getElementById("spoken"), {childList: true});
        }"""
    )
    # All happened in the last second of a day, so that this takes next to no time.
    page.get_by_role("button", name="Play").click()
    rows = page.locator(".replay-events tbody tr")
    expect(rows.last).to_have_attribute("aria-current", "true")
    expect(page.locator("#spoken")).to_have_text(rows.last.get_attribute("data-words"))
    assert len(page.evaluate("said")) == 1


def test_it_pauses_where_it_is(browse, foreman, night):
    page = browse(user=foreman)
    page.emulate_media(reduced_motion="no-preference")
    start = (now() - timedelta(minutes=50)).isoformat()
    page.goto(reverse("governance:replay", query={"from": start}))
    rows = page.locator(".replay-events tbody tr")
    page.locator("#event").focus()
    page.keyboard.press("End")
    expect(rows.last).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Play").click()  # from the beginning, as it was at its end
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    cursor = page.locator(".cursor").first
    place = cursor.get_attribute("x1")
    assert 0 <= float(place.removesuffix("%")) < 100
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert cursor.get_attribute("x1") == place


def test_without_script_it_is_whole(browse, foreman, night):
    page = browse(user=foreman, java_script_enabled=False)
    page.goto(reverse("governance:replay"))
    expect(page.locator("svg.lane")).to_have_count(6)
    expect(page.locator(".replay-events tbody tr").first).to_be_visible()
    expect(page.locator("#player")).to_be_hidden()


def test_where_nothing_may_move_there_are_steps_alone(browse, foreman, night):
    page = browse(user=foreman)
    page.emulate_media(reduced_motion="reduce")
    page.goto(reverse("governance:replay"))
    expect(page.get_by_role("button", name="Next")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_hidden()


def test_it_fits_a_narrow_page_and_a_page_of_the_past_too(browse, foreman, night):
    page = browse(user=foreman, still=True)
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(reverse("governance:replay"))
    expect(page.locator("#player")).to_be_visible()
    assert not page.evaluate(WIDER)
    page.locator(".replay-events a[href*='as_of=']").first.click()
    expect(page.locator(".past-banner")).to_be_visible()
    assert not page.evaluate(WIDER)
    page.get_by_role("link", name="Back to now").click()
    expect(page.locator(".past-banner")).to_have_count(0)
