"""Decisions made in a real browser: in place, by keyboard, refused, forced, without script."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now
from playwright.sync_api import expect

from governance.actions import resolve_blocker
from tests.browser.conftest import settle
from tests.browser.test_live import tick_until_answered
from tests.factories import (
    BlockerFactory,
    TaskFactory,
)
from tests.scenes import make_ready, state_of, take_up


@pytest.fixture
def plan(transactional_db):
    task = TaskFactory(wave__state="planned", wave__program__state="planned")
    return task.wave.program


@pytest.fixture
def worked_on(transactional_db):
    """A task assigned to a builder, whose last run is red."""
    task = make_ready(name="Masonry")
    take_up(task, timestamp=now() + timedelta(seconds=1))
    return task


def expected(complaints):
    """Ignore the browser's errors about answers in the 400s, which the test causes."""
    complaints.expect("Failed to load resource")


def test_a_plan_is_approved_in_place(browse, foreman, plan):
    page = browse(user=foreman)
    page.goto("/")
    settle(page)
    page.evaluate("window.sameDocument = true")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#said")).to_contain_text("is in progress")
    expect(page.locator("#decisions")).not_to_contain_text("Plan to approve")
    expect(page.locator("#decisions")).to_contain_text("Wave to start")
    expect(page.locator("#decisions-title")).to_be_focused()
    assert page.evaluate("window.sameDocument")
    assert state_of(plan) == "in-progress"


def test_a_blocker_is_resolved_by_the_keyboard_alone(browse, foreman, transactional_db):
    task = TaskFactory(state="in-progress", name="Masonry")
    BlockerFactory(entity=task)
    page = browse(user=foreman)
    page.goto("/")
    settle(page)
    page.locator("details.offer > summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Resolution").first).to_be_focused()
    page.keyboard.type("The suite is repaired")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("is resolved")
    expect(page.locator("#decisions")).to_contain_text("No decision waits")
    assert state_of(task) == "in-progress"


def test_a_half_written_answer_outlives_a_refresh(browse, foreman, transactional_db):
    BlockerFactory(entity=TaskFactory(state="in-progress"))
    page = browse(user=foreman)
    page.goto("/")
    settle(page)
    page.locator("details.offer > summary").first.click()
    answer = page.get_by_label("Resolution").first
    answer.fill("The suite is")
    BlockerFactory(entity=TaskFactory(state="in-progress", name="Another wall"))
    tick_until_answered(page, "decisions")
    expect(page.locator("#decisions")).to_contain_text("Another wall")
    expect(answer).to_have_value("The suite is")
    expect(answer).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type(" repaired")
    page.locator("details.offer[open] button[type=submit]").click()
    expect(page.locator("#said")).to_contain_text("is resolved")


def test_a_half_written_answer_to_what_is_resolved_meanwhile_does_not_hold_the_page_back(
    browse, foreman, transactional_db
):
    blocker = BlockerFactory(entity=TaskFactory(state="in-progress", name="Masonry"))
    page = browse(user=foreman)
    page.goto("/")
    settle(page)
    page.locator("details.offer > summary").first.click()
    page.get_by_label("Resolution").first.fill("The suite is")
    resolve_blocker(blocker, resolution_action="Somebody else did", by=None)
    tick_until_answered(page, "decisions")
    expect(page.locator("#decisions")).to_contain_text("No decision waits")
    aside = page.locator(".set-aside")
    expect(aside).to_contain_text("no longer offered")
    expect(aside.get_by_label("Resolution")).to_have_value("The suite is")
    expect(aside.get_by_label("Resolution")).to_be_focused()
    aside.locator("button[type=submit]").click()
    expect(page.locator("#said")).to_contain_text("Somebody else did")
    expect(aside).to_have_count(0)


def test_a_refused_completion_shows_its_conditions_in_place(browse, foreman, complaints, worked_on):
    page = browse(user=foreman)
    page.goto(worked_on.get_absolute_url())
    gate = page.locator("#gate")
    expect(gate).to_contain_text("Cannot be completed yet")
    gate.locator("summary", has_text="Complete").click()
    gate.get_by_label("Evidence location").fill("evidence/1/")
    gate.locator("details[open] button[type=submit]").click()
    expect(gate.locator(".refusal")).to_contain_text("0 of 5 tests pass")
    expect(gate.get_by_label("Evidence location")).to_have_value("evidence/1/")
    expect(page.locator("#freshness")).to_have_text("live")
    assert state_of(worked_on) == "in-progress"
    expected(complaints)


def test_a_completion_is_forced_with_a_reason_that_stays(browse, foreman, complaints, worked_on):
    page = browse(user=foreman)
    page.goto(worked_on.get_absolute_url())
    page.locator("#gate summary", has_text="Override").click()
    reason = page.get_by_label("Reason for the override")
    reason.fill("   ")
    page.locator("#gate details[open] button[type=submit]").click()
    expect(page.locator("#gate .form-error")).to_contain_text("Enter a reason for the override")
    reason.fill("The client signed it off")
    page.locator("#gate details[open] button[type=submit]").click()
    expect(page.locator("#gate .overridden")).to_contain_text("The client signed it off")
    expect(page.locator("#summary")).to_contain_text("Completed")
    expected(complaints)


def test_a_decision_needs_no_script(browse, foreman, complaints, plan):
    page = browse(user=foreman, java_script_enabled=False)
    page.goto("/")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#said")).to_contain_text("is in progress")
    expect(page.locator("#decisions")).to_contain_text("Wave to start")
    page.goto(plan.get_absolute_url())
    page.locator("#gate summary", has_text="Abandon").click()
    page.locator("#gate details[open]").get_by_label("Reason").fill("  ")
    page.locator("#gate details[open] button[type=submit]").click()
    expect(page.get_by_role("heading", name="The form has errors")).to_be_visible()
    page.get_by_label("Reason").fill("Another plan")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("#summary")).to_contain_text("Failed")
    assert page.url.endswith(plan.get_absolute_url())
    expected(complaints)


def test_bad_news_leads_to_its_derivation(browse, foreman, transactional_db):
    task = TaskFactory(state="in-progress", name="Masonry")
    BlockerFactory(entity=task)
    page = browse(user=foreman)
    page.goto(task.get_absolute_url())
    page.locator("#summary").get_by_role("link", name="Blocked").click()
    expect(page.get_by_role("heading", name="Why is “Masonry” blocked?")).to_be_visible()
    assert page.url.endswith(reverse("governance:why", args=["task", task.pk]))
    expect(page.get_by_text("Resolve 1 blocker.")).to_be_visible()
