"""What is seldom looked at: errors, deletions, empty and crowded offices, other media and eyes."""

import base64

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError
from django.urls import reverse
from playwright.sync_api import expect

from governance.models import Blocker, QAExecution
from kit.runtime.database_addresses import OWNER, acting_as
from programs.models import Program, Task, Wave
from tests.browser.conftest import FLAGS, session_of
from tests.browser.pictures import fail, pages_without_rows
from tests.browser.scene import furnish
from tests.browser.test_access import LOOKS, WIDTHS, expected, findings, too_wide
from tests.choice import find_tool
from tests.factories import UserFactory
from tests.large import SAMPLE


@pytest.fixture
def scene(transactional_db):
    return furnish()


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_where_something_failed(browse, foreman, complaints, monkeypatch, width):
    page = browse(width=width, user=foreman)
    found = []

    def look(heading):
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        found.extend(findings(page) + too_wide(page))

    page.goto(reverse("programs:program_new"))
    page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
    page.get_by_role("button", name="Save").click()
    look("This form has expired.")
    fail(monkeypatch, OperationalError("the connection is lost"))
    page.goto(reverse("programs:task_list"))
    look("The office is not ready.")
    expect(page.get_by_role("link", name="Try again")).to_have_attribute(
        "href", reverse("programs:task_list")
    )
    fail(monkeypatch, ValueError("a bug"))
    page.goto(reverse("programs:task_list"))
    look("Something went wrong in the office.")
    expected(complaints)
    assert not found, "\n\n".join(found)


@pytest.mark.thorough
def test_axe_finds_nothing_where_the_admin_asks_whether_to_delete(browse, scene):
    page = browse(user=UserFactory(is_staff=True, is_superuser=True))
    annex = Program.objects.get(state="planned")
    wave = annex.waves.first()
    found = []
    for row in (annex, wave, wave.tasks.first(), scene["program"], Blocker.objects.first()):
        meta = row._meta
        page.goto(reverse(f"admin:{meta.app_label}_{meta.model_name}_delete", args=[row.pk]))
        found += findings(page, LOOKS)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found += too_wide(page)
    assert not found, "\n\n".join(found)


@pytest.mark.parametrize("model", ["programs_task", "governance_qaexecution", "governance_blocker"])
def test_a_list_of_the_admin_shows_all_its_columns_on_a_desk(browse, scene, model):
    page = browse(user=UserFactory(is_staff=True, is_superuser=True))
    page.goto(reverse(f"admin:{model}_changelist"))
    table, room = page.evaluate(
        "['#result_list', '.results'].map((one) => document.querySelector(one).offsetWidth)"
    )
    assert table <= room


# --- offices --------------------------------------------------------------------------------------


@pytest.mark.thorough
def test_axe_finds_nothing_in_an_empty_office(browse, foreman):
    page = browse(user=foreman, still=True)
    found = []
    for name in pages_without_rows():
        page.goto(reverse(name))
        found += findings(page, LOOKS)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found += too_wide(page)
    assert not found, "\n\n".join(found)


def addresses_of_the_largest():
    """Return the pages of what has most rows in it, and of what has the longest names."""
    task = max(Task.objects.all(), key=lambda task: len(task.name))
    wave = max(Wave.objects.all(), key=lambda wave: len(wave.name))
    program = task.wave.program
    run = QAExecution.objects.latest("executed_at")
    return [
        reverse("inbox"),
        *(row.get_absolute_url() for row in (program, wave, task, run.task)),
        reverse("governance:why", args=["program", program.pk]),
        reverse("governance:quality_run", args=[run.pk]),
        reverse("programs:task_list"),
        reverse("programs:program_list"),
        reverse("builders:builder_list"),
        f"{reverse('search')}?q=a",
        f"{reverse('governance:blocker_new')}?q=a",
        f"{reverse('governance:blocker_list')}?state=all",
    ]


OFFICES = {
    "long names": ["import_plan", SAMPLE],
    "made up": [
        *("generate_office", "--programs=3", "--waves=12", "--tasks=150"),
        *("--heartbeats=500", "--evidence=800"),
    ],
}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(OFFICES["long names"], id="long names", marks=pytest.mark.thorough),
        pytest.param(OFFICES["made up"], id="made up", marks=pytest.mark.thorough),
    ],
)
def test_no_page_of_a_crowded_office_scrolls_sideways_or_sets_labels_over_another(
    browse, foreman, command
):
    with acting_as(OWNER):
        call_command(*command, verbosity=0)
    found = []
    page = browse(user=foreman, still=True)
    for address in addresses_of_the_largest():
        page.goto(address)
        for width in (1024, 320):
            page.set_viewport_size({"width": width, "height": 900})
            found += too_wide(page)
            found += [f"{page.url} at {width}: {each}" for each in page.evaluate(OVERLAPPING)]
    assert not found, "\n".join(found)


# Labels of one chart that lie on one another.
OVERLAPPING = """() => [...document.querySelectorAll("main svg")].flatMap((chart) => {
  const labels = [...chart.querySelectorAll("text")]
    .map((label) => [label.textContent, label.getBoundingClientRect()])
    .filter(([, box]) => box.width);
  return labels.flatMap(([words, one], place) => labels.slice(place + 1)
    .filter(([, two]) => one.left < two.right - 1 && two.left < one.right - 1
      && one.top < two.bottom - 3 && two.top < one.bottom - 3)
    .map(([others]) => `${words} | ${others}`));
})"""


def test_what_has_no_room_beside_stands_below_or_says_that_it_scrolls(browse, foreman, scene):
    page = browse(user=foreman, still=True)
    wide = []
    for name in ("evidence_list", "blocker_list", "violation_list", "quality_runs"):
        page.goto(reverse(f"governance:{name}") + "?state=all")
        for width in (768, 1024, 1152, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            wide += [f"{page.url} at {width}: {each}" for each in page.evaluate(SCROLLING)]
    assert not wide, "\n".join(wide)
    page.goto(scene["program"].get_absolute_url())
    further = page.get_by_text("Scroll sideways to see all 5 steps")
    for width, scrolls in ((768, True), (1024, True), (1440, False), (390, False)):
        page.set_viewport_size({"width": width, "height": 900})
        expect(further).to_be_visible(visible=scrolls)
        assert any(each.startswith("lanes") for each in page.evaluate(SCROLLING)) is scrolls


SCROLLING = """[...document.querySelectorAll(".scroll")]
  .filter((one) => one.scrollWidth > one.clientWidth)
  .map((one) => `${one.firstElementChild.className}: ${one.scrollWidth}, ${one.clientWidth}`)"""


def test_a_broad_screen_has_the_page_in_its_middle(browse, foreman, scene):
    page = browse(width=2560, user=foreman, still=True)
    page.goto(reverse("inbox"))
    left, right = page.evaluate(
        """(() => {
          const around = document.querySelector("#main").getBoundingClientRect();
          const within = document.querySelector("#main .cols").getBoundingClientRect();
          return [within.left - around.left, around.right - within.right];
        })()"""
    )
    assert abs(left - right) <= 2
    assert left > 200


# --- other eyes, other media ----------------------------------------------------------------------


def drawn(page, locator, *, width=None):
    """Return the colours that an element, or its beginning, is drawn in."""
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    clip = box | ({"width": width} if width else {})
    picture = base64.b64encode(page.screenshot(clip=clip, caret="initial")).decode()
    return {*page.evaluate(COLOURS, picture)}


COLOURS = """async (picture) => {
  const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes]));
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const {data} = canvas.getImageData(0, 0, image.width, image.height);
  return [...Array(data.length / 4).keys()]
    .map((n) => `rgb(${[...data.slice(4 * n, 4 * n + 3)].join(", ")})`);
}"""


@pytest.fixture
def in_forced_colours(browse, foreman, scene):
    """Open pages in colours that the reader's system forces, light or dark."""

    def open_page(scheme, forced="active"):
        page = browse(user=foreman, color_scheme=scheme, forced_colors=forced, still=True)
        page.goto(reverse("inbox"))
        expect(page.locator("#freshness")).to_have_text("live")
        return page

    return open_page


@pytest.mark.thorough
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_states_are_told_apart_in_forced_colours(in_forced_colours, scene, scheme):
    page = in_forced_colours(scheme)
    ink = page.evaluate("getComputedStyle(document.body).color")

    def shape(word):
        mark = page.locator("main .status", has_text=word).first.locator(".mark")
        assert ink in drawn(page, mark)
        return mark.locator("use").get_attribute("href").partition("#")[2]

    states = {*Task.objects.values_list("state", flat=True)}
    shapes = set()
    for state in states:
        page.goto(f"{reverse('programs:task_list')}?state={state}")
        shapes.add(shape(Task.State(state).label))
    assert len(shapes) == len(states) == 5
    page.goto(reverse("builders:builder_list"))
    verdicts = ["Working", "Silent", "Idle", "Never heard"]
    assert len({shape(verdict) for verdict in verdicts}) == len(verdicts)


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.thorough), "dark"])
def test_what_a_ground_tells_is_told_by_lines_in_forced_colours(in_forced_colours, scene, scheme):
    page = in_forced_colours(scheme)
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert len(drawn(page, page.locator("#freshness"), width=8)) > 1
    here = page.locator('.rail a[aria-current="page"]').first
    there = page.locator('.rail a[aria-current="false"]').first
    assert drawn(page, here, width=3) != {ground} == drawn(page, there, width=3)
    page.goto(scene["task"].get_absolute_url())
    for sample in page.locator(".legend li").all() + page.locator(".bullets li").all()[:2]:
        assert len(drawn(page, sample, width=9)) > 1
    page.goto(scene["program"].get_absolute_url())
    assert len(drawn(page, page.locator(".critical-words .heavy"))) == 1
    assert drawn(page, page.locator(".critical-words .heavy")) != {ground}


@pytest.mark.parametrize(
    ("scheme", "forced"),
    [
        ("light", "active"),
        ("dark", "none"),
        pytest.param("light", "none", marks=pytest.mark.thorough),
        pytest.param("dark", "active", marks=pytest.mark.thorough),
    ],
)
def test_the_focus_is_seen_around_what_has_it(in_forced_colours, scheme, forced):
    page = in_forced_colours(scheme, forced)

    def seen(target):
        box = target.bounding_box()
        above = {"x": box["x"] + 8, "y": box["y"] - 4, "width": box["width"] - 16, "height": 2}
        before = page.screenshot(clip=above)
        page.keyboard.press("Tab")
        target.focus()
        return page.screenshot(clip=above) != before

    for target in (
        page.locator(".lamp").first,
        page.locator('.rail a[aria-current="page"]').first,
        page.locator('.rail a[aria-current="false"]').first,
        page.locator("main .button").first,
        page.locator("main summary").first,
    ):
        assert seen(target), target
    page.locator(".menu-button").click()
    assert seen(page.locator('.choice button[aria-pressed="true"]').first)


def test_nothing_moves_for_those_who_want_it_still(browse, foreman, scene):
    page = browse(user=foreman, still=True)
    for address in (reverse("inbox"), scene["program"].get_absolute_url()):
        page.goto(address)
        assert page.evaluate(MOVING) == []


# What follows the reader's own scrolling does not move by itself.
MOVING = """() => [...document.querySelectorAll("*")]
  .flatMap((each) => [getComputedStyle(each), getComputedStyle(each, "::before")])
  .filter((style) => style.animationName !== "none" && style.animationTimeline === "auto"
    || style.transitionDuration.split(", ").some((time) => parseFloat(time) > 0)
    || style.scrollBehavior === "smooth")
  .map((style) => style.transitionProperty)"""


@pytest.fixture
def reader_of_large_letters(chromium, live_server, foreman):
    """A browser set to letters of twice the usual size."""
    large = chromium.browser_type.launch(
        executable_path=find_tool("Chromium"),
        args=[*FLAGS, "--blink-settings=defaultFontSize=32"],
    )
    page = large.new_page(base_url=live_server.url)
    page.context.add_cookies([session_of(foreman, live_server.url)])
    yield page
    large.close()


@pytest.mark.thorough
def test_text_of_twice_the_size_is_neither_cut_nor_wider_than_the_page(
    reader_of_large_letters, scene
):
    page = reader_of_large_letters
    found = []
    for address in (
        reverse("inbox"),
        reverse("programs:task_list"),
        reverse("builders:builder_list"),
        reverse("governance:quality"),
        reverse("governance:blocker_list"),
        *(scene[name].get_absolute_url() for name in ("program", "wave", "task")),
    ):
        page.goto(address)
        assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        for width in (1440, 780):
            page.set_viewport_size({"width": width, "height": 1600})
            found += too_wide(page)
            found += [f"{page.url}: under the bar"] if page.evaluate(UNDER_THE_BAR) else []
            for measure in (OVERLAPPING, NARROW, CUT):
                found += [f"{page.url} at {width}: {words}" for words in page.evaluate(measure)]
    assert not found, "\n".join(found)


UNDER_THE_BAR = """() => document.querySelector("#lamps").getBoundingClientRect().bottom
  > document.querySelector("#main h1").getBoundingClientRect().top"""

# A word that stands letter below letter.
NARROW = """() => [...document.querySelectorAll("main .name, main h2, main th")]
  .filter((each) => each.clientHeight && each.textContent.trim().length > 4
    && each.getBoundingClientRect().width < 48 && each.getBoundingClientRect().height > 120)
  .map((each) => each.textContent.trim())"""

# What is cut on purpose ends in an ellipsis, is clamped, or is for those who hear the page.
CUT = """() => [...document.querySelectorAll("header *, nav *, main *")]
  .filter((each) => each.clientHeight
    && !each.closest("svg, .hidden-words, .wide-word, .home, select, .cards thead"))
  .filter((each) => {
    const style = getComputedStyle(each);
    return style.overflowY !== "visible" && style.overflowY !== "auto"
      && !/clamp/.test(each.className) && each.scrollHeight > each.clientHeight + 4;
  })
  .map((each) => `${each.className}: ${each.textContent.trim().slice(0, 40)}`)"""


def test_a_program_is_printed_whole(browse, foreman, complaints, scene):
    page = browse(width=720, user=foreman, still=True)
    page.goto(scene["program"].get_absolute_url())
    page.emulate_media(media="print")
    assert not too_wide(page)
    for hidden in (".banner", ".rail", ".acts", ".freshness"):
        expect(page.locator(hidden).first).to_be_hidden()
    waves = page.locator(".lanes .wave")
    assert waves.count() == scene["program"].waves.count()
    right = page.evaluate("document.querySelector('#main').getBoundingClientRect().right")
    for wave in waves.all():
        box = wave.bounding_box()
        assert box["height"] > 0
        assert box["x"] + box["width"] <= right + 1
    assert page.evaluate(OVERLAPPING) == []
