"""Every page, both themes, both widths: axe finds nothing, nothing scrolls sideways."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.scene import furnish

OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


@pytest.fixture
def addresses(transactional_db):
    scene = furnish()
    return [
        reverse("inbox"),
        reverse("programs:program_list"),
        scene["program"].get_absolute_url(),
        scene["wave"].get_absolute_url(),
        scene["task"].get_absolute_url(),
        reverse("builders:builder_list"),
        reverse("governance:why", args=["task", scene["task"].pk]),
        reverse("governance:why", args=["builder", "integration-builder"]),
    ]


def findings(page):
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{page.url} {one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(browse, foreman, addresses, theme, width):
    page = browse(width=width, color_scheme=theme, user=foreman)
    found = []
    for address in addresses:
        page.goto(address)
        expect(page.locator("#freshness")).to_have_text("live")
        found += findings(page)
    page.get_by_role("button", name="johan").click()
    found += findings(page)
    page.goto(reverse("inbox"))
    for fold in page.locator("details.offer > summary").all():
        fold.click()
    page.evaluate("scrollTo(0, 0)")  # out from under the bar that stays on top
    found += findings(page)
    assert not found, "\n\n".join(found)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_at_the_door(browse, complaints, live_server, theme):
    page = browse(color_scheme=theme)
    found = []
    for address in (reverse("login"), "/nowhere/"):
        page.goto(address)
        found += findings(page)
    assert not found, "\n\n".join(found)
    complaints[:] = [words for words in complaints if "404 (Not Found)" not in words]


@pytest.mark.parametrize("width", [320, 390, 768, 1024])
def test_nothing_scrolls_sideways(browse, foreman, addresses, width):
    page = browse(width=width, user=foreman)
    for address in addresses:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


def test_the_keyboard_reaches_the_page_at_once(browse, foreman, addresses):
    page = browse(user=foreman)
    page.goto(addresses[0])
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


SMALL_TARGETS = """
() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
  .filter((element) => element.checkVisibility())
  .map((element) => [element.textContent.trim().slice(0, 40), element.getBoundingClientRect()])
  .filter(([, box]) => box.height && (box.height < 23.5 || box.width < 23.5))
  .map(([words, box]) => `${words}: ${box.width} x ${box.height}`)
"""


@pytest.mark.parametrize("width", [1440, 390])
def test_every_target_is_large_enough(browse, foreman, addresses, width):
    page = browse(width=width, user=foreman)
    for address in addresses:
        page.goto(address)
        small = [found for found in page.evaluate(SMALL_TARGETS) if "Skip to" not in found]
        assert not small, (address, small)
