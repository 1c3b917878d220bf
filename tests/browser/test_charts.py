"""Charts and figures as they are looked at: words that stand clear of what they explain."""

from datetime import timedelta
from itertools import product

import pytest
from django.urls import reverse
from django.utils.timezone import now
from playwright.sync_api import expect

from tests.browser.scene import furnish
from tests.factories import BlockerFactory, QAExecutionFactory, TaskFactory

# The words of a chart that lie over its bars, once it has any.
OVER_BARS = """() => [...document.querySelectorAll("figure")].flatMap((figure) => {
  const box = (each) => each.getBoundingClientRect();
  const bars = [...figure.querySelectorAll("rect:is(.solid, .hatched, .outline)")].map(box);
  const words = [...figure.querySelectorAll("text")].filter((each) => each.checkVisibility());
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  return words.filter((each) => bars.some((bar) => meet(box(each), bar)))
    .map((each) => `${figure.id} ${each.textContent}`);
})"""
BARS = "document.querySelectorAll('figure rect:is(.solid, .hatched, .outline)').length"
LARGE = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("html { font-size: 200% }");
  document.adoptedStyleSheets = [sheet];
}"""


@pytest.fixture
def scene(transactional_db):
    scene = furnish()
    for hours in range(1, 30):
        for _ in range(hours % 3 + 1):
            QAExecutionFactory(task=scene["task"], executed_at=now() - timedelta(hours=hours))
    return scene


def test_no_word_of_a_chart_lies_over_its_bars_however_large_letters_are(browse, foreman, scene):
    page = browse(user=foreman, still=True)
    found = []
    addresses = (
        reverse("governance:quality"),
        reverse("builders:builder", args=["api-builder"]),
        scene["task"].get_absolute_url(),
        scene["program"].get_absolute_url(),
    )
    for width, address in product((1440, 390), addresses):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address)
        assert address == scene["program"].get_absolute_url() or page.evaluate(BARS)
        found += [f"{words} at {width}" for words in page.evaluate(OVER_BARS)]
        page.evaluate(LARGE)
        found += [f"{words} at {width}, large" for words in page.evaluate(OVER_BARS)]
    assert not found, "\n".join(found)


def test_a_stale_page_still_tells_how_many_decisions_wait(browse, foreman, complaints, db):
    BlockerFactory(entity=TaskFactory(state="in-progress"))
    page = browse(user=foreman)
    page.goto("/")
    expect(page.locator("#freshness")).to_have_text("live")
    page.context.set_offline(True)
    expect(page.locator("#freshness")).to_contain_text("stale since")
    number, ground = page.evaluate(
        """() => {
            const { color, backgroundColor } = getComputedStyle(document.getElementById("due"));
            return [color, backgroundColor];
        }"""
    )
    assert number != ground
    complaints.expect("Failed", "htmx:")
