"""Blockers, violations, evidence and quality in a real browser: acted upon, exported, printed."""

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now
from playwright.sync_api import expect

from foreman_office.dashboard.quality.addresses import row_address
from governance.models import Blocker, Evidence, GovernanceViolation, QATestResult
from kit.core.acts import act
from programs.models import Task
from tests.browser.conftest import settle
from tests.browser.test_deciding import expected, state_of
from tests.factories import BlockerFactory, QAExecutionFactory, TaskFactory

BLOCKERS = "/blockers/"


@pytest.fixture
def task(transactional_db):
    return TaskFactory(state="in-progress", name="Masonry")


def open_page(browse, foreman, address, **options):
    page = browse(user=foreman, **options)
    page.goto(address)
    settle(page)
    page.evaluate("window.sameDocument = true")
    return page


def test_a_blocker_is_resolved_on_its_list(browse, foreman, task):
    BlockerFactory(entity=task)
    page = open_page(browse, foreman, BLOCKERS)
    page.locator("#list summary").filter(has_text="Resolve").click()
    page.get_by_label("Resolution").fill("The suite is repaired")
    page.locator("#list form").get_by_role("button", name="Resolve").click()
    expect(page.locator("#said")).to_contain_text("is resolved")
    expect(page.locator("#list")).to_contain_text("No open blockers.")
    assert page.evaluate("window.sameDocument")
    assert state_of(task) == "in-progress"
    page.get_by_label("State", exact=True).select_option("resolved")
    expect(page.locator("#list")).to_contain_text("The suite is repaired")
    expect(page).to_have_url(re.compile("state=resolved"))


def test_a_blocker_is_raised_on_what_is_found_by_its_name(browse, foreman, task):
    page = open_page(browse, foreman, BLOCKERS)
    page.get_by_role("link", name="Raise a blocker").click()
    page.get_by_label("Name (word prefixes)").type("maso")
    page.locator("#found summary").filter(has_text="Raise a blocker").click()
    page.get_by_label("Classification").select_option("impossible_requirements")
    page.get_by_label("Description").fill("Nine and eleven at once.")
    page.locator("#found form").get_by_role("button", name="Raise a blocker").click()
    expect(page.locator("#said")).to_contain_text("is blocked")
    assert Blocker.objects.get().description == "Nine and eleven at once."
    assert state_of(task) == "blocked"


def test_a_refusal_is_shown_beside_its_form(browse, foreman, task, complaints):
    page = open_page(browse, foreman, reverse("governance:blocker_new") + "?q=masonry")
    page.locator("#found summary").filter(has_text="Raise a blocker").click()
    page.get_by_label("Description").fill("Too late.")
    with act(None, override="It is done meanwhile."):
        Task.objects.filter(pk=task.pk).update(state="completed")
    page.locator("#found form").get_by_role("button", name="Raise a blocker").click()
    expect(page.locator("#found .answer")).to_contain_text("it cannot be blocked")
    expect(page.get_by_label("Description")).to_have_value("Too late.")
    expected(complaints)


def test_a_violation_is_recorded_and_halts_its_task(browse, foreman, task):
    page = open_page(browse, foreman, reverse("governance:violation_new") + "?q=masonry")
    page.locator("#found summary").filter(has_text="Record a violation").click()
    page.get_by_label("Rule").fill("test debt")
    page.get_by_label("Description").fill("53 stubs.")
    page.locator("#found form").get_by_role("button", name="Record a violation").click()
    expect(page.locator("#said")).to_contain_text("is recorded")
    assert GovernanceViolation.objects.get().violation_type == "test debt"
    assert state_of(task) == "blocked"


def test_open_values_survive_what_happens_meanwhile(browse, foreman, task):
    Task.objects.filter(pk=task.pk).update(name="Stone")
    page = open_page(browse, foreman, reverse("governance:evidence_list"))
    values = page.locator("details.exact", has_text="1 value changed").first
    values.locator("summary").click()
    expect(values.get_by_role("cell", name="Masonry")).to_be_visible()
    BlockerFactory(entity=task, description="No mortar.")
    expect(page.locator("#list")).to_contain_text("No mortar.")
    expect(page.get_by_role("cell", name="Masonry")).to_be_visible()


def test_the_file_has_what_the_page_shows(browse, foreman, task):
    TaskFactory(name="Plumbing")
    page = open_page(browse, foreman, reverse("governance:evidence_list") + f"?of=task:{task.pk}")
    with page.expect_download() as download:
        page.get_by_role("link", name="NDJSON").click()
    with open(download.value.path(), encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    assert [row["entity"] for row in rows] == ["Masonry"]


def test_from_a_page_to_its_evidence_and_back(browse, foreman, task):
    page = open_page(browse, foreman, BLOCKERS)
    BlockerFactory(entity=task)
    page.reload()
    # By the keyboard, whose place outlives a refresh between press and release of a button.
    page.get_by_role("link", name="Evidence of Masonry").press("Enter")
    number = str(Evidence.objects.get(action="blocker_raised").sequence)
    page.get_by_role("link", name=number, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Blocker: repeated failures")
    page.get_by_role("link", name="Masonry").last.click()
    expect(page.get_by_role("heading", name="Masonry", level=1)).to_be_visible()


def test_on_paper_evidence_is_a_clean_record(browse, foreman, task):
    Task.objects.filter(pk=task.pk).update(name="Stone")
    page = open_page(browse, foreman, reverse("governance:evidence_list"))
    page.emulate_media(media="print")
    for part in (".rail", ".top", ".filters", ".exports"):
        expect(page.locator(part).first).to_be_hidden()
    expect(page.get_by_role("cell", name="Masonry").first).to_be_visible()
    moment = Evidence.objects.recent()[0].timestamp
    expect(page.locator("#list")).to_contain_text(f"{moment:%Y-%m-%d %H:%M:%S} UTC")


def test_a_filter_of_quality_changes_all_figures_at_once(browse, foreman, task):
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    QAExecutionFactory(task=task, passing_tests=5, executed_at=now() - timedelta(days=20))
    page = open_page(browse, foreman, reverse("governance:quality"))
    expect(page.locator("#list")).to_contain_text("5 of 5 fail")
    page.get_by_label("Builder", exact=True).select_option("qa-builder")
    expect(page.locator("#list")).to_contain_text("No suite fails")
    expect(page).to_have_url(re.compile("builder=qa-builder"))
    assert page.evaluate("window.sameDocument")


def test_a_refresh_on_its_way_does_not_undo_a_filter(browse, foreman, task):
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5)
    page = open_page(browse, foreman, reverse("governance:quality"))
    held = []
    filtered = re.compile("builder=qa-builder")
    page.route(filtered, lambda route: route.continue_() if held else held.append(route))
    with page.expect_request(filtered):
        page.get_by_label("Builder", exact=True).select_option("qa-builder")
    page.evaluate("htmx.trigger('#list', 'poke')")
    page.evaluate("fetch('/quality/').then(answer => answer.text())")  # as long as a refresh takes
    held[0].continue_()
    expect(page.locator("#list")).to_contain_text("No suite fails")


def test_the_link_of_a_row_of_a_run_is_copied_and_leads_to_it(browse, foreman, task):
    run = QAExecutionFactory(task=task, passing_tests=30, failing_tests=0)
    results = [QATestResult(execution=run, name=f"test {n}", outcome="passed") for n in range(30)]
    result = QATestResult.objects.bulk_create(results)[-1]
    page = open_page(browse, foreman, row_address(run.pk, result.pk))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row = page.locator(f"#t-{result.pk}")
    expect(row).to_be_in_viewport()
    row.get_by_role("link", name="Link to this row").click()
    expect(page.locator("#announcer")).to_have_text("Link copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.endswith(row_address(run.pk, result.pk))
    row.get_by_role("link", name="test 29").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("test 29")
    page.locator(".outcomes a").click()
    expect(page.locator(f"#t-{result.pk}")).to_be_in_viewport()
