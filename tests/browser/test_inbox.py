"""The inbox in a browser: what is broken and what waits, forms under their row, the freshness."""

import pytest
from playwright.sync_api import expect

from kit.core.acts import act
from programs.models import Task
from tests.factories import BlockerFactory, TaskFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def blocked():
    task = TaskFactory(state="in-progress", name="Masonry")
    BlockerFactory(entity=task)
    return task


def box(locator):
    return locator.bounding_box()


@pytest.mark.parametrize("width", [1440, 390, 320])
def test_a_form_opens_under_its_row_and_is_cancelled(browse, foreman, blocked, width):
    page = browse(user=foreman, width=width, height=900, still=True)
    page.goto("/decisions/")
    row = page.locator(".decision .acts").first
    opener = row.locator("summary", has_text="Resolve")
    before = box(opener)
    opener.click()
    form = row.locator("form", has=page.get_by_label("Resolution"))
    expect(form.get_by_label("Resolution")).to_be_focused()
    after = box(opener)
    assert (after["x"], after["y"]) == (before["x"], before["y"])
    for other in row.locator("> a.button, > form button").all():
        assert box(other)["y"] + box(other)["height"] <= box(form)["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    form.get_by_label("Resolution").fill("Not yet")
    form.get_by_role("button", name="Cancel").click()
    expect(form).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    expect(form.get_by_label("Resolution")).to_have_value("")


def test_a_plan_is_sent_back_from_its_card_and_its_page_shows_the_note(browse, foreman):
    task = TaskFactory(wave__state="planned", wave__program__state="planned")
    program = task.wave.program
    page = browse(user=foreman)
    page.goto("/")
    expect(page.locator("#freshness")).to_have_text("live")
    page.locator("summary", has_text="Send back").click()
    page.get_by_label("What has to change").fill("The first wave is too large.")
    page.locator("details.offer[open] button[type=submit]").click()
    expect(page.locator("#said")).to_contain_text("is sent back")
    expect(page.locator("#decisions")).not_to_contain_text("Plan to approve")
    page.goto(program.get_absolute_url())
    expect(page.locator("#notes")).to_contain_text("The first wave is too large.")
    program.refresh_from_db()
    assert program.state == "planned"


def test_a_page_that_was_never_connected_says_connecting_in_grey(browse, foreman, complaints):
    page = browse(user=foreman)
    page.route("**/live/**", lambda route: route.abort())
    page.goto("/")
    freshness = page.locator("#freshness")
    expect(freshness).to_have_text("connecting")
    expect(freshness).to_have_attribute("data-state", "connecting")
    border = "e => getComputedStyle(e, '::before').borderTopStyle"
    assert freshness.evaluate(border) == "solid"  # reconnecting is dashed, in amber
    page.unroute("**/live/**")
    expect(freshness).to_have_text("live", timeout=15_000)
    complaints.expect("net::ERR_FAILED")  # the streams that were kept from it


def test_parts_of_a_task_change_together_and_bear_one_revision(browse, foreman):
    task = TaskFactory(state="in-progress", name="Masonry")
    page = browse(user=foreman)
    page.goto(task.get_absolute_url())
    expect(page.locator("#freshness")).to_have_text("live")
    with act(None, override="the scene"):
        Task.objects.filter(pk=task.pk).update(state="failed")
    expect(page.locator("#summary")).to_contain_text("Failed")
    page.wait_for_function(
        "new Set([...document.querySelectorAll('[data-revision]')]"
        ".map((part) => part.dataset.revision)).size === 1"
    )
    expect(page.locator("#gate")).not_to_contain_text("Cannot be completed")
    expect(page.locator("#evidence")).to_contain_text("→ Failed")
