"""The main tasks with the keyboard alone, the command menu, and what a page says by itself."""

import pytest
from django.db import transaction
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.conftest import settle
from tests.browser.test_live import tick_until_answered
from tests.factories import BlockerFactory, GovernanceViolationFactory, TaskFactory

TABS = 60  # nothing that matters is further away than this


def tab_to(page, locator):
    """Press Tab until the element has the focus, as a user without a mouse does."""
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if locator.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{locator} is not reached by Tab.")


def has_visible_focus(page):
    return page.evaluate(
        "(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)"
        "(getComputedStyle(document.activeElement))"
    )


@pytest.fixture
def inbox(browse, foreman):
    page = browse(user=foreman)
    page.goto(reverse("inbox"))
    settle(page)
    return page


@pytest.fixture
def task(transactional_db):
    return TaskFactory(name="Masonry", state="in-progress", wave__program__name="The house")


def test_a_program_is_approved_with_the_keyboard_alone(browse, foreman, transactional_db):
    plan = TaskFactory(wave__state="planned", wave__program__state="planned").wave.program
    page = browse(user=foreman)
    page.goto(reverse("inbox"))
    settle(page)
    page.keyboard.press("j")
    expect(page.get_by_role("link", name=plan.name).first).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Approve"))
    assert has_visible_focus(page)
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("is in progress")
    plan.refresh_from_db()
    assert plan.state == "in-progress"
    expect(page.locator("#decisions :focus")).to_have_count(1)


def test_a_blocker_is_resolved_with_the_keyboard_alone(browse, foreman, task):
    blocker = BlockerFactory(entity=task)
    page = browse(user=foreman)
    page.goto(reverse("inbox"))
    settle(page)
    fold = page.locator(".offer summary", has_text="Resolve")
    tab_to(page, fold)
    assert has_visible_focus(page)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Resolution")).to_be_focused()
    page.keyboard.type("The suite is repaired. Jokes / keys? go go j k")  # nothing else happens
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("is resolved")
    blocker.refresh_from_db()
    assert "Jokes / keys? go go j k" in blocker.resolution_action


def test_a_task_is_found_with_the_keyboard_alone(inbox, task):
    page = inbox
    TaskFactory(name="Mason jars", wave=task.wave)
    page.keyboard.press("/")
    text = page.get_by_role("combobox", name="Search everything")
    expect(text).to_be_focused()
    page.keyboard.type("mason")
    options = page.locator("[id^=hit-tasks-]")
    expect(options).to_have_count(2)
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    chosen = options.filter(has_text="Masonry")
    expect(chosen).to_have_attribute("aria-selected", "true")
    expect(text).to_have_attribute("aria-activedescendant", chosen.get_attribute("id"))
    expect(text).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(
        f"{page.url.partition('/tasks')[0].rstrip('/')}{task.get_absolute_url()}"
    )
    expect(page.get_by_role("heading", name="Masonry", level=1)).to_be_visible()


def test_the_menu_closes_by_escape_and_gives_the_focus_back(inbox):
    page = inbox
    opener = page.get_by_role("link", name="Search")
    opener.focus()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    expect(page.get_by_role("option", name="Programs")).to_be_visible()
    page.keyboard.type("nothing of the kind")
    expect(page.get_by_role("listbox")).to_contain_text("No matches for “nothing of the kind”.")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    expect(opener).to_be_focused()


def test_two_keys_lead_to_a_place_and_one_walks_its_list(inbox, task):
    page = inbox
    TaskFactory(name="Zinc roof", wave=task.wave)
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page).to_have_title("Tasks · Foreman Office")
    settle(page)
    names = page.locator("main a.name")
    for key, place in (("j", 0), ("j", 1), ("j", 1), ("k", 0)):
        page.keyboard.press(key)
        expect(names.nth(place)).to_be_focused()
    second = names.nth(1).inner_text()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=second, level=1)).to_be_visible()


def test_single_keys_can_be_turned_off_and_then_do_nothing(inbox):
    page = inbox
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text(
        "Single-key shortcuts are inactive while you type"
    )
    page.keyboard.press("Escape")
    page.get_by_role("button", name="johan").click()
    page.get_by_role("group", name="Single-key shortcuts").get_by_role("button", name="Off").click()
    expect(page.locator("html")).to_have_attribute("data-keys", "off")
    settle(page)
    for key in ("/", "?", "g", "t"):
        page.keyboard.press(key)
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page).to_have_title("Inbox · Foreman Office")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()


def test_what_is_new_is_said_by_kind_and_takes_neither_focus_nor_place(browse, foreman, task):
    TaskFactory.create_batch(12, wave=task.wave, name="Chimney", state="failed")
    page = browse(user=foreman, height=300)
    page.goto(f"{reverse('search')}?q=chimney")
    settle(page)
    link = page.locator("main a.name").nth(5)
    link.focus()
    place = page.evaluate("scrollY")
    assert place > 0
    said = page.locator("#announcer")
    expect(said).to_have_text("")
    blocker = BlockerFactory(entity=task)
    tick_until_answered(page, "lamps")
    expect(said).to_have_text("1 new blocker")
    with transaction.atomic():
        GovernanceViolationFactory.create_batch(2)
    tick_until_answered(page, "lamps")
    expect(said).to_have_text("2 new violations")
    blocker.resolved_at, blocker.resolution_action = blocker.detected_at, "Repaired"
    blocker.save(update_fields=["resolved_at", "resolution_action"])
    tick_until_answered(page, "lamps")
    expect(said).to_have_text("14 still to decide")
    expect(page).to_have_title("(14) Search · Foreman Office")
    expect(link).to_be_focused()
    assert page.evaluate("scrollY") == place


def test_the_browsers_own_zone_is_offered_and_taken(browse, foreman, task):
    page = browse(user=foreman, timezone_id="Asia/Tokyo")
    page.goto(task.get_absolute_url())
    page.get_by_role("button", name="johan").click()
    page.get_by_role("button", name="Use Asia/Tokyo").click()
    expect(page.locator("html")).to_have_attribute("data-zone", "Asia/Tokyo")
    assert page.url.endswith(task.get_absolute_url())
    assert "JST" in page.locator("main time[title]").first.get_attribute("title")
    page.get_by_role("button", name="johan").click()
    expect(page.get_by_role("button", name="Use Asia/Tokyo")).to_be_hidden()
