"""Every page, both themes, three widths: axe finds nothing, nothing scrolls sideways."""

from itertools import cycle

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.pages import MORE_OF_THE_SAME, WITH_MOST_OF_ALL, pages
from tests.browser.scene import furnish
from tests.factories import UserFactory
from tests.large import SAMPLE

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CONTRAST = {"type": "rule", "values": ["color-contrast"]}  # what a theme changes is colour
WIDTHS = [1440, 390]
# Each width and each theme once, by turns from page to page; `make thorough` tries each with each,
# on each page: to look for all that axe knows takes a second a page.
LOOKS = [(1440, "light", RULES), (390, "dark", RULES)]
ALL_LOOKS = [*LOOKS, (390, "light", RULES), (1440, "dark", CONTRAST)]
# 320 px is a window of 1280 px at 400 %, whose height is then that of a few lines.
SIZES = [(1440, 900), (390, 844), (320, 256)]
# What passed is not told, which takes longer than to find it out. What stands beside its like is
# drawn by the same template and the same rules of CSS.
ASK = """(asked) => axe
  .run({exclude: ["[data-again]"]}, {runOnly: asked, resultTypes: ["violations"]})
  .then((all) => all.violations)"""
SCRIPT = Axe().axe_script

# Marks each element of the page's own content that has a sibling before it of the same shape: the
# same elements in it, each with the same classes, states and attributes, whatever they say.
MARK = r"""() => {
  const told = ["class", "role", "type"];
  const shapes = new Map();
  const attribute = ({name, value}) => told.includes(name)
    || /^(aria|data)-/.test(name) && /^[a-z-]{0,20}$/.test(value) ? `${name}=${value}` : name;
  const shape = (one) => {
    const words = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const own = [...one.attributes].map(attribute).join(" ");
    const found = `<${one.localName} ${own}${words}>${[...one.children].map(shape).join("")}</>`;
    shapes.set(one, found);
    return found;
  };
  for (const one of document.querySelectorAll("[data-again]")) delete one.dataset.again;
  const main = document.querySelector("main");
  if (!main) return;
  shape(main);
  for (const one of main.querySelectorAll("*")) {
    const like = (other) => shapes.get(other) === shapes.get(one);
    if ([...one.parentElement.children].find(like) !== one) one.dataset.again = "";
  }
}"""


@pytest.fixture
def scene(transactional_db):
    return furnish()


@pytest.fixture
def addresses(scene):
    return pages(scene)


def findings(page, looks=None):
    """Return what axe finds on the page as it is, in each look, with nothing under a bar.

    A look is a width, a theme and the rules to ask about: by default both themes at this width.
    """
    found = []
    seen = page.viewport_size
    page.evaluate(SCRIPT)
    for width, theme, asked in looks or [
        (seen["width"], "light", RULES),
        (seen["width"], "dark", CONTRAST),
    ]:
        page.set_viewport_size(seen | {"width": width})
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": width, "height": max(seen["height"], height)})
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        page.evaluate(MARK)
        found += [
            f"{page.url} {width} {theme} {one['id']}: {node['html'][:200]} {node['failureSummary']}"
            for one in page.evaluate(ASK, asked)
            for node in one["nodes"]
        ]
    page.set_viewport_size(seen)
    return found


def expected(complaints):
    """Ignore the browser's errors about answers in the 400s, which the test causes."""
    complaints.expect("Failed to load resource")


def test_axe_finds_nothing_on_some_pages_and_none_scrolls_sideways(
    browse, foreman, complaints, scene
):
    looks, by_turns = {}, cycle(LOOKS)
    assert pages(scene).keys() >= WITH_MOST_OF_ALL
    for name, url in pages(scene).items():
        if name not in MORE_OF_THE_SAME:
            looks[url] = [next(by_turns)] if name in WITH_MOST_OF_ALL else []
    look_at_pages(browse, foreman, complaints, looks.items())


@pytest.mark.thorough
def test_axe_finds_nothing_in_any_look_of_a_page(browse, foreman, complaints, scene):
    call_command("import_plan", SAMPLE, verbosity=0)
    each = [(url, ALL_LOOKS) for url in pages(scene).values()]
    look_at_pages(browse, foreman, complaints, each)


def look_at_pages(browse, foreman, complaints, addresses):
    page = browse(user=foreman, still=True)
    found = []
    for address, looks in addresses:
        page.goto(address)
        found += findings(page, looks) if looks else []
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            found += too_wide(page)
    expected(complaints)
    assert not found, "\n\n".join(found)


@pytest.mark.thorough
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
        expect(page.get_by_role("link", name="Evidence", exact=True)).to_be_visible()
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


def too_wide(page):
    """Return how wide a page is that is wider than its window, and by what.

    It is asked twice, the second time with text an eighth wider: fonts differ by as much, and a
    page has to hold with those of any machine.
    """
    width = page.viewport_size["width"]
    return [
        f"{page.url} at {width}, {text}: {reached}, {widest}"
        for text, reached, widest in page.evaluate(WIDE, LETTER_SPACING)
        if reached > width
    ]


# A letter of the faces in use is about half an em wide: this is an eighth of that.
LETTER_SPACING = ".065em"
# A sheet that a script makes is no inline style, so the page's policy allows it.
WIDE = """(spacing) => {
  const everything = () => [...document.querySelectorAll("body *")];
  const measured = (text) => [text, document.documentElement.scrollWidth,
    document.documentElement.scrollWidth <= innerWidth ? [] : everything()
      .filter((one) => one.getBoundingClientRect().right > innerWidth && !one.closest(".scroll"))
      .slice(-3).map((one) => one.outerHTML.slice(0, 100))];
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`* { letter-spacing: ${spacing} !important; }`);
  const found = [measured("text as it is")];
  document.adoptedStyleSheets = [sheet];
  found.push(measured("text an eighth wider"));
  document.adoptedStyleSheets = [];
  return found;
}"""


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
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
