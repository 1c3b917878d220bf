"""Several pages at the same time, of one browser and of two people; what one of them lost."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from programs.models import Task
from tests.browser.conftest import settle
from tests.browser.test_push import expected
from tests.factories import BlockerFactory, TaskFactory

SEATS = 4  # as in static/js/live.js


@pytest.fixture
def task(transactional_db):
    return TaskFactory(state="in-progress", name="Masonry", progress_percentage=10)


def test_more_pages_than_a_browser_has_connections_are_all_current(browse, foreman, task):
    first = browse(user=foreman)
    pages = [first, *(first.context.new_page() for _ in range(7))]
    for number, page in enumerate(pages):
        page.goto(task.get_absolute_url())
        expect(page.locator("#freshness")).to_have_text("live" if number < SEATS else "polling")
    Task.objects.filter(pk=task.pk).update(progress_percentage=40)
    for page in pages:
        expect(page.locator("#summary")).to_contain_text("40 %")


def test_a_page_that_is_left_gives_its_stream_to_another(browse, foreman, task):
    first = browse(user=foreman)
    pages = [first, *(first.context.new_page() for _ in range(SEATS))]
    for page in pages:
        page.goto(task.get_absolute_url())
    expect(pages[-1].locator("#freshness")).to_have_text("polling")
    first.goto("about:blank")
    pages[-1].reload()
    expect(pages[-1].locator("#freshness")).to_have_text("live")


def test_whoever_decides_second_is_told_what_was_decided_first(browse, foreman, task):
    BlockerFactory(entity=task)
    pages = [browse(user=foreman) for _ in range(2)]
    for page, words in zip(pages, ("The suite is repaired", "Nothing"), strict=True):
        page.goto("/blockers/")
        expect(page.locator("#freshness")).to_have_text("live")
        page.locator("#list summary").filter(has_text="Resolve").click()
        page.get_by_label("Resolution").fill(words)
    for page in pages:
        page.locator("details.offer[open] button[type=submit]").click()
        expect(page.locator("#said")).to_contain_text("resolved")
    first, second = pages
    expect(first.locator("#said")).to_contain_text("is resolved")
    expect(second.locator("#said")).to_contain_text("was resolved already")
    expect(second.locator("#said")).to_contain_text("The suite is repaired")


@pytest.mark.parametrize("lost", ["requestfailed", "response"])
def test_a_filter_that_was_lost_is_asked_for_again(browse, foreman, task, complaints, lost):
    TaskFactory(wave=task.wave, name="Roofing")
    page = browse(user=foreman)
    page.goto(reverse("programs:task_list"))
    settle(page)
    if lost == "requestfailed":
        page.context.set_offline(True)
    else:
        page.route(lambda address: "q=Roof" in address, lambda route: route.fulfill(status=502))
    with page.expect_event(lost, lambda question: "q=Roof" in question.url):
        page.get_by_role("searchbox").fill("Roof")
    page.unroute_all()
    page.context.set_offline(False)
    expect(page.locator("#list")).not_to_contain_text("Masonry")
    expect(page.locator("#list")).to_contain_text("Roofing")
    expect(page.locator("#freshness")).to_have_text("live")
    expected(complaints)
