"""Every page, both themes, three widths: axe finds nothing, nothing scrolls sideways."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.pages import pages
from tests.browser.scene import furnish
from tests.factories import UserFactory
from tests.large import SAMPLE

# What a theme changes is colour: the other is asked about that alone.
THEMES = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "dark": {"type": "rule", "values": ["color-contrast"]},
}
WIDTHS = [1440, 390]
SHARES = 3  # of the pages, for as many workers
# 320 px is a window of 1280 px at 400 %, whose height is then that of a few lines.
SIZES = [(1440, 900), (390, 844), (320, 256)]
# What passed is not told, which takes longer than to find it out.
ASK = "asked => axe.run({runOnly: asked, resultTypes: ['violations']}).then(all => all.violations)"
SCRIPT = Axe().axe_script


@pytest.fixture
def scene(transactional_db):
    return furnish()


@pytest.fixture
def addresses(scene):
    return pages(scene)


def findings(page, *widths):
    """Ask axe about the page as it stands, at each width, with nothing under a bar."""
    found = []
    seen = page.viewport_size
    page.evaluate(SCRIPT)
    for width in widths or [seen["width"]]:
        page.set_viewport_size(seen | {"width": width})
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": max(seen["height"], height)})
        for theme, asked in THEMES.items():
            page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            found += [
                f"{page.url} {width} {theme} {one['id']}: "
                f"{node['html'][:200]} {node['failureSummary']}"
                for one in page.evaluate(ASK, asked)
                for node in one["nodes"]
            ]
    page.set_viewport_size(seen)
    return found


def expected(complaints):
    """The browser tells of each answer in the 400s: that was the point."""
    complaints[:] = [words for words in complaints if "Failed to load resource" not in words]


@pytest.mark.parametrize("share", range(SHARES))
def test_axe_finds_nothing(browse, foreman, complaints, addresses, share):
    page = browse(user=foreman, still=True)
    found = []
    for address in [*addresses.values()][share::SHARES]:
        page.goto(address)
        found += findings(page, *WIDTHS)
    expected(complaints)
    assert not found, "\n\n".join(found)


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_in_what_opens(browse, foreman, addresses, width):
    page = browse(width=width, user=foreman, still=True)
    page.goto(reverse("inbox"))
    for fold in page.locator("details.offer > summary").all():
        fold.click()
    page.evaluate("scrollTo(0, 0)")  # out from under the bar that stays on top
    found = findings(page)
    page.get_by_role("button", name="johan").click()
    found += findings(page)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("fo")
    expect(page.locator("#hits .hit").first).to_be_visible()
    found += findings(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    found += findings(page)
    page.keyboard.press("Escape")
    if width < 760:
        page.get_by_role("button", name="More").click()
        expect(page.get_by_role("link", name="Evidence")).to_be_visible()
        found += findings(page)
    assert not found, "\n\n".join(found)


def test_axe_finds_nothing_at_the_door(browse, complaints, transactional_db):
    found = []
    for user, address in (
        (None, reverse("login")),
        (None, "/nowhere/"),
        (UserFactory(roles=[]), reverse("inbox")),
    ):
        page = browse(user=user, still=True)
        page.goto(address)
        found += findings(page)
    expected(complaints)
    assert not found, "\n\n".join(found)


def test_no_page_scrolls_sideways(browse, foreman, complaints, scene):
    page = browse(user=foreman, still=True)
    wide = []
    call_command("import_plan", SAMPLE, verbosity=0)
    for address in pages(scene).values():
        page.goto(address)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            wide += too_wide(page)
    expected(complaints)
    assert not wide, "\n".join(wide)


def too_wide(page):
    """Say how wide a page is that is wider than its window, and by what."""
    width = page.viewport_size["width"]
    reached = page.evaluate("document.documentElement.scrollWidth")
    if reached <= width:
        return []
    return [f"{page.url} at {width}: {reached}, {page.evaluate(WIDEST)}"]


WIDEST = """[...document.querySelectorAll("main *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth && !one.closest(".scroll"))
  .slice(0, 3).map((one) => one.outerHTML.slice(0, 100))"""


def test_lamps_and_places_leave_room_on_a_phone(browse, foreman, addresses):
    page = browse(width=390, height=844, user=foreman, still=True)
    page.goto(reverse("inbox"))
    room = page.evaluate(
        "document.querySelector('.rail').getBoundingClientRect().top"
        " - document.querySelector('#main').getBoundingClientRect().top"
    )
    assert room > 844 * 0.8
    page.evaluate("scrollTo(0, 2000)")
    expect(page.locator("#lamps")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Tasks", exact=True)).to_be_in_viewport()
    page.set_viewport_size({"width": 320, "height": 256})
    page.evaluate("scrollTo(0, 2000)")
    expect(page.locator("#lamps")).not_to_be_in_viewport()


def test_skipping_leads_past_the_frame(browse, foreman, addresses):
    page = browse(user=foreman, still=True)
    page.goto(reverse("inbox"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
