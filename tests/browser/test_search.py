"""Searching and acting by keys, as a foreman does, in a browser."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from builders.models import Builder
from tests.browser.conftest import settle
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    HeartbeatFactory,
    QAExecutionFactory,
    TaskFactory,
    UserFactory,
)


@pytest.fixture
def inbox(browse, foreman):
    page = browse(user=foreman)
    page.goto(reverse("inbox"))
    settle(page)
    return page


@pytest.fixture
def ready(transactional_db):
    """A task that could be assigned: validated, its suite red, and ui-builder idle."""
    task = TaskFactory(name="Login screen", planned_builder="ui-builder")
    ArchitectureValidationFactory(task=task, architecture_reference=task.architecture_reference)
    QAExecutionFactory(
        task=task, qa_suite_location=task.qa_suite_location, passing_tests=0, failing_tests=2
    )
    HeartbeatFactory(builder=BuilderFactory(builder_id="ui-builder"), task=None, status="idle")
    return task


def ask(page, text):
    page.keyboard.press("Control+k")
    page.keyboard.type(text)
    return page.get_by_role("listbox").get_by_role("option")


def test_a_part_of_a_text_is_found_and_shown_where_it_is(inbox, transactional_db):
    task = TaskFactory(name="Masonry", acceptance_criteria="- <b>Größe</b> in src/a/b.py::Foo")
    ask(inbox, "b.py::fo")
    found = inbox.locator("#hit-tasks-1")
    expect(found).to_contain_text("Masonry")
    expect(found.locator("mark")).to_have_text("b.py::Fo")
    expect(found).to_contain_text("<b>Größe</b>")
    found.click()
    expect(inbox.get_by_role("heading", name="Masonry", level=1)).to_be_visible()
    assert inbox.url.endswith(task.get_absolute_url())


def test_a_builder_is_paused_from_the_command_menu(inbox):
    page = inbox
    option = ask(page, "pause ui-builder").and_(page.locator("#hit-acts-1"))
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="ui-builder", level=1)).to_be_visible()
    fold = page.locator("#builder_pause-ui-builder")
    expect(fold).to_have_attribute("open", "")
    expect(fold.locator(":focus")).to_have_count(1)
    assert not Builder.objects.get(pk="ui-builder").pauses.exists()
    fold.get_by_label("Reason").fill("The disk is full.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#said")).to_contain_text("ui-builder is paused until")
    assert Builder.objects.get(pk="ui-builder").pauses.count() == 1


def test_the_same_act_opens_on_the_page_that_is_open_already(inbox):
    page = inbox
    for _ in range(2):
        option = ask(page, "pause ui-builder").and_(page.locator("#hit-acts-1"))
        expect(option).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Enter")
        fold = page.locator("#builder_pause-ui-builder")
        expect(fold).to_have_attribute("open", "")
        expect(fold.locator(":focus")).to_have_count(1)
        page.keyboard.press("Escape")
        expect(fold).not_to_have_attribute("open", "")


def test_a_task_is_assigned_to_whom_was_named(inbox, ready):
    page = inbox
    other = BuilderFactory(builder_id="api-builder")
    HeartbeatFactory(builder=other, task=None, status="idle")
    option = ask(page, "assign login to api-builder").and_(page.locator("#hit-acts-1"))
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    fold = page.locator(f"#task_assign-{ready.pk}")
    expect(fold.get_by_label("Builder")).to_be_focused()
    expect(fold.get_by_label("Builder")).to_have_value("api-builder")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("is assigned to api-builder")
    ready.refresh_from_db()
    assert ready.assigned_builder == "api-builder"


def test_a_key_opens_the_form_of_the_card_in_focus_and_enter_confirms(browse, foreman, ready):
    blocker = BlockerFactory(entity=TaskFactory(name="Roof", state="in-progress"))
    page = browse(user=foreman)
    page.goto(reverse("inbox"))
    settle(page)
    page.locator(".decision a.name", has_text="Roof").first.focus()
    page.keyboard.press("r")
    fold = page.locator(f"#blocker_resolve-{blocker.pk}")
    expect(fold.get_by_label("Resolution")).to_be_focused()
    page.keyboard.type("r and a and h are letters here")
    expect(fold.get_by_label("Resolution")).to_have_value("r and a and h are letters here")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#said")).to_contain_text("is resolved")
    blocker.refresh_from_db()
    assert blocker.resolution_action == "r and a and h are letters here"


def test_h_goes_to_the_button_that_takes_a_card_on_and_enter_presses_it(browse, foreman, ready):
    BlockerFactory(entity=TaskFactory(name="Roof", state="in-progress"))
    page = browse(user=foreman)
    page.goto(reverse("inbox"))
    settle(page)
    card = page.locator(".decision", has_text="Roof").first
    card.locator("a.name").first.focus()
    page.keyboard.press("h")
    expect(card.get_by_role("button", name="I have it")).to_be_focused()
    expect(page.locator("#said")).to_have_text("")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("You have")


def test_where_keys_are_off_or_nobody_may_decide_a_key_opens_nothing(browse, foreman, ready):
    blocker = BlockerFactory(entity=TaskFactory(name="Roof", state="in-progress"))
    page = browse(user=foreman)
    page.goto(reverse("inbox"))
    settle(page)
    page.get_by_role("button", name="johan").click()
    page.get_by_role("group", name="Single-key shortcuts").get_by_role("button", name="Off").click()
    expect(page.locator("html")).to_have_attribute("data-keys", "off")
    settle(page)
    page.locator(".decision a.name", has_text="Roof").first.focus()
    page.keyboard.press("r")
    expect(page.locator(f"#blocker_resolve-{blocker.pk}")).not_to_have_attribute("open", "")
    viewer = browse(user=UserFactory(roles=["viewer"]))
    viewer.goto(reverse("inbox"))
    settle(viewer)
    viewer.locator(".decision a.name", has_text="Roof").first.focus()
    viewer.keyboard.press("r")
    expect(viewer.locator("details.offer")).to_have_count(0)
    viewer.keyboard.press("?")
    expect(viewer.locator("#help")).to_be_visible()
    expect(viewer.locator("#help")).not_to_contain_text("Resolve")


def test_the_keys_are_in_the_help(inbox):
    inbox.keyboard.press("?")
    for words in ("Approve, assign, accept or answer", "Resolve", "I have it, or give it back"):
        expect(inbox.locator("#help")).to_contain_text(words)
