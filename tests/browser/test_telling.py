"""The browser's own notifications of what newly breaks, while a page is open."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from foreman_office.dashboard.inbox.reconciling import reconcile
from tests.factories import GovernanceViolationFactory, TaskFactory
from tests.races import until

# Stands for the browser's own, which some builds of Chromium without a screen refuse whoever asks.
BROWSER = """
window.notes = [];
window.tones = 0;
window.Notification = class extends EventTarget {
  static get permission() {
    return localStorage.getItem("permission") ?? "default";
  }
  static async requestPermission() {
    localStorage.setItem("permission", "granted");
    return "granted";
  }
  constructor(title, { body }) {
    super();
    Object.assign(this, { title, body, close() {} });
    window.notes.push(this);
    setTimeout(() => this.dispatchEvent(new Event("show")));
  }
};
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  window.tones += 1;
  return make.call(this);
};
"""
HIDE = """
Object.defineProperty(document, "hidden", {get: () => true});
document.dispatchEvent(new Event("visibilitychange"));
"""
KNOWS = """
Object.entries(localStorage).some(([name, kept]) => name.startsWith("tell ") && JSON.parse(kept).at)
"""
NOTIFICATIONS = "/account/notifications/"


@pytest.fixture
def page(browse, foreman):
    page = browse(user=foreman)
    page.context.add_init_script(BROWSER)
    page.goto(NOTIFICATIONS)
    return page


@pytest.fixture
def switched_on(page):
    switch_on(page)
    return page


def switch_on(page):
    """Switch it on, and wait until what is broken by then is known."""
    page.get_by_role("button", name="Tell me in this browser").click()
    expect(page.locator("#this-browser [role=status]")).to_contain_text("On.")
    until(lambda: page.evaluate(KNOWS))


def broken(name):
    """Let something break, and note it as the watcher's next sweep does."""
    violation = GovernanceViolationFactory(task=TaskFactory(name=name), description="Red lines.")
    reconcile()
    return violation


def told(*pages):
    """Return what pages have told, after each has heard something."""
    found = []
    for page in pages:
        page.evaluate("htmx.trigger(document.body, 'stream:heard')")
        found += page.evaluate("notes.map(({title}) => title)")
    return found


def test_what_newly_breaks_is_told_by_one_page_and_leads_to_its_card(switched_on):
    page, other = switched_on, switched_on.context.new_page()
    other.goto(reverse("inbox"))
    violation = broken("Masonry")
    until(lambda: len(told(page, other)) == 1)
    broken("Roofing")
    until(lambda: len(told(page, other)) == 2)
    titles = told(page, other)
    assert {name for name in ("Masonry", "Roofing") for each in titles if name in each} == {
        "Masonry",
        "Roofing",
    }
    assert all(title.startswith("Broken now: ") for title in titles)
    assert other.evaluate("notes.length") == 0
    assert page.evaluate("notes.every(({body}) => body)")
    with page.context.expect_page() as opened:
        page.evaluate(
            "notes.find(({title}) => title.includes('Masonry')).dispatchEvent(new Event('click'))"
        )
    expect(opened.value.locator("h1")).to_be_visible()
    assert f"violation-task-{violation.task_id}" in opened.value.url


def test_what_was_broken_before_is_not_told_and_many_at_once_are_one(page):
    broken("Masonry")
    switch_on(page)
    for number in range(4):
        GovernanceViolationFactory(task=TaskFactory(name=f"Roofing {number}"))
    reconcile()
    until(lambda: told(page))
    assert told(page) == ["4 broken now"]


def test_a_page_that_nobody_sees_hears_and_tells_and_another_takes_over(switched_on):
    other = switched_on.context.new_page()
    other.goto(reverse("inbox"))
    switched_on.evaluate(HIDE)
    broken("Masonry")
    until(lambda: len(told(switched_on)) == 1)
    expect(switched_on.locator("#freshness")).to_have_text("live")
    switched_on.close()
    until(lambda: other.evaluate("'tells' in document.body.dataset"))
    broken("Roofing")
    until(lambda: any("Roofing" in title for title in told(other)))
    assert not any("Masonry" in title for title in told(other))


def test_the_switch_says_how_it_stands_tries_it_and_ends_it(switched_on):
    page = switched_on
    said = page.locator("#this-browser [role=status]")
    page.get_by_label("With a sound").check()
    until(lambda: page.evaluate("tones") == 2)
    page.get_by_role("button", name="Try it").click()
    expect(said).to_contain_text("has shown the test")
    assert page.evaluate("tones") == 4
    assert page.evaluate("notes.map(({title}) => title)") == ["Test of Foreman Office"]
    page.reload()
    expect(said).to_contain_text("On.")
    expect(page.get_by_label("With a sound")).to_be_checked()
    page.get_by_role("button", name="Stop").click()
    expect(said).to_contain_text("Off.")
    broken("Masonry")
    page.reload()
    expect(said).to_contain_text("Off.")
    assert told(page) == []


def test_a_browser_that_refuses_says_so(browse, foreman):
    page = browse(user=foreman)
    page.context.add_init_script(
        "Object.defineProperty(Notification, 'permission', {get: () => 'denied'})"
    )
    page.goto(NOTIFICATIONS)
    expect(page.locator("#this-browser [role=status]")).to_contain_text("refuses notifications")
    expect(page.get_by_role("button", name="Tell me in this browser")).to_be_hidden()


def test_where_a_browser_has_none_it_is_said(browse, foreman):
    page = browse(user=foreman)
    page.context.add_init_script("delete window.Notification")
    page.goto(NOTIFICATIONS)
    expect(page.locator("#this-browser [role=status]")).to_contain_text("cannot tell you")
