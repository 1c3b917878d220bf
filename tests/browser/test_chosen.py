"""Rows that are chosen in a list and acted on together, and lists that are saved under a name."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from governance.models import SavedView
from programs.models import Task
from tests.browser.conftest import settle
from tests.factories import BlockerFactory, TaskFactory, WaveFactory


@pytest.fixture
def tasks(transactional_db):
    wave = WaveFactory()
    return [TaskFactory(wave=wave, name=f"Wire lamp {number}") for number in (1, 2, 3)]


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_chosen_tasks_are_moved_together(browse, foreman, complaints, tasks, script):
    target = WaveFactory(program=tasks[0].wave.program, name="Cellar")
    page = browse(user=foreman, java_script_enabled=script)
    page.goto(reverse("programs:task_list"))
    move = page.get_by_role("button", name="Move to a wave")
    expect(move).to_be_hidden()
    for task in tasks[:2]:
        page.get_by_label(f"Choose “{task.name}”").check()
    move.click()
    expect(page.get_by_role("heading", name="Move to a wave: 2 tasks")).to_be_visible()
    page.get_by_label("Wave", exact=True).select_option(str(target.pk))
    page.get_by_role("button", name="Move to a wave").click()
    expect(page.get_by_role("heading", name="2 done, 0 refused")).to_be_visible()
    assert {*target.tasks.all()} == {*tasks[:2]}
    page.get_by_role("link", name="Back to the list").click()
    assert page.url.endswith(reverse("programs:task_list"))


def test_what_is_chosen_stays_so_while_the_list_is_drawn_again(browse, foreman, complaints, tasks):
    page = browse(user=foreman)
    page.goto(reverse("programs:task_list"))
    settle(page)
    box = page.get_by_label(f"Choose “{tasks[0].name}”")
    box.check()
    Task.objects.filter(pk=tasks[1].pk).update(name="Wire the lamp in the hall")
    expect(page.get_by_role("link", name="Wire the lamp in the hall")).to_be_visible()
    expect(box).to_be_checked()
    page.get_by_role("button", name="Choose all on this page").click()
    for task in tasks:
        expect(page.locator(f"#choose-{task.pk}")).to_be_checked()


def test_a_list_is_saved_and_opened_again(browse, foreman, complaints, tasks):
    Task.objects.filter(pk=tasks[0].pk).update(state="blocked")
    page = browse(user=foreman)
    page.goto(reverse("programs:task_list"))
    page.locator("#filters").get_by_label("State").select_option("blocked")
    expect(page.get_by_role("link", name=tasks[1].name)).to_be_hidden()
    settle(page)
    views = page.locator("#views > summary")
    views.click()
    page.get_by_label("Save what is shown as").fill("Blocked lamps")
    page.get_by_role("button", name="Save the view").click()
    expect(page.locator("#said")).to_contain_text("The view “Blocked lamps” is saved.")
    view = SavedView.objects.get()
    assert "state=blocked" in view.query
    page.goto(reverse("programs:task_list"))
    expect(page.get_by_role("link", name=tasks[1].name)).to_be_visible()
    views.click()
    page.get_by_role("link", name="Blocked lamps").click()
    expect(page.get_by_role("link", name=tasks[0].name)).to_be_visible()
    expect(page.get_by_role("link", name=tasks[1].name)).to_be_hidden()


@pytest.mark.thorough
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_columns_are_hidden_for_good_and_come_back(
    browse, foreman, complaints, tasks, script, width
):
    page = browse(user=foreman, width=width, java_script_enabled=script)
    page.goto(f"{reverse('programs:task_list')}?state=planned")
    builder = page.locator("td", has_text="foreman").first
    expect(builder).to_be_visible()
    for shown in (False, True):
        page.locator("#columns > summary").click()
        page.get_by_label("Builder", exact=True).last.set_checked(shown)
        page.get_by_role("button", name="Keep these columns").click()
        expect(page.get_by_text("Tasks: the columns are kept.").first).to_be_visible()
        assert page.url.endswith("?state=planned")
        expect(builder).to_be_visible(visible=shown)
        expect(page.locator("#columns > summary")).to_have_text(
            "Columns" if shown else "Columns1 hidden"
        )
        page.goto(reverse("programs:task_list"))
        expect(page.locator("td", has_text="foreman").first).to_be_visible(visible=shown)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.goto(f"{reverse('programs:task_list')}?state=planned")


@pytest.mark.thorough
def test_a_decision_is_snoozed_by_the_keyboard_alone(browse, foreman, complaints, tasks):
    BlockerFactory(entity=tasks[0])
    page = browse(user=foreman)
    page.goto(reverse("inbox"))
    settle(page)
    page.keyboard.press("/")
    page.keyboard.type("snooze lamp")
    expect(page.get_by_role("option", name="Snooze “Wire lamp 1”")).to_have_attribute(
        "aria-selected", "true"
    )
    page.keyboard.press("Enter")
    form = page.locator("details.offer[open]")
    expect(form).to_have_count(1)
    form.get_by_role("button", name="Snooze").click()
    expect(page.get_by_text("is snoozed until").first).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/replay/")
    expect(page.locator('.rail a[aria-current="page"]')).to_have_text("Replay")
