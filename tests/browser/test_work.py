"""Tasks and builders in a real browser: found, looked into, put right."""

from datetime import timedelta

import pytest
from django.utils.timezone import now
from playwright.sync_api import expect

from builders.models import BuilderToken
from tests.browser.conftest import settle
from tests.factories import (
    BlockerFactory,
    BuilderFactory,
    HeartbeatFactory,
    ProgramFactory,
    TaskFactory,
    WaveFactory,
)


@pytest.fixture
def plan(transactional_db):
    """Two programs, of which one has two waves."""
    barn = ProgramFactory(name="Barn")
    for number, (wave, task) in enumerate([("Walls", "Masonry"), ("Roof", "Ridge")], start=1):
        TaskFactory(wave=WaveFactory(program=barn, name=wave, sequence_number=number), name=task)
    annex = WaveFactory(program=ProgramFactory(name="Annex"), name="Rooms", sequence_number=1)
    TaskFactory(wave=annex, name="Floor")


def test_a_task_is_found_by_program_and_then_by_wave_in_place(browse, foreman, plan):
    page = browse(user=foreman)
    page.goto("/tasks/")
    settle(page)
    page.evaluate("window.sameDocument = true")
    filters, found = page.locator("#filters"), page.locator("#list")
    wave, program = filters.get_by_label("Wave"), filters.get_by_label("Program")
    expect(wave).to_be_disabled()
    program.select_option(label="Barn")
    expect(found).to_contain_text("2 tasks")
    expect(wave).to_be_enabled()
    wave.select_option(label="Roof")
    expect(found).to_contain_text("1 task")
    expect(found).to_contain_text("Ridge")
    program.focus()
    program.select_option(label="Annex")
    expect(found).to_contain_text("Floor")
    expect(program).to_be_focused()
    assert "wave=" not in page.url
    assert page.evaluate("window.sameDocument")
    page.reload()
    expect(page.locator("#list")).to_contain_text("Floor")
    expect(page.locator("#list")).not_to_contain_text("Ridge")


def test_what_is_wrong_with_a_task_is_put_right_where_it_is_said(browse, foreman, transactional_db):
    task = TaskFactory(state="in-progress", name="Masonry")
    BlockerFactory(entity=task)
    page = browse(user=foreman)
    page.goto(task.get_absolute_url())
    settle(page)
    trouble = page.locator("#trouble")
    expect(trouble).to_contain_text("Repeated failures")
    trouble.locator("summary", has_text="Resolve").click()
    trouble.get_by_label("Resolution").fill("The suite is repaired")
    trouble.locator("details[open] button[type=submit]").click()
    expect(page.locator("#said")).to_contain_text("is resolved")
    expect(trouble).to_be_hidden()
    expect(page.locator("#gate .acts")).to_contain_text("Abandon")
    expect(page.locator("#past")).to_contain_text("The suite is repaired")


def test_a_token_is_issued_and_revoked_in_place(browse, foreman, transactional_db):
    builder = BuilderFactory()
    HeartbeatFactory(builder=builder, timestamp=now() - timedelta(minutes=5))
    page = browse(user=foreman)
    page.goto(builder.get_absolute_url())
    settle(page)
    tokens = page.locator("#tokens")
    tokens.get_by_role("button", name="Issue a token").click()
    secret = tokens.locator(".secret")
    expect(secret).to_contain_text("fo_")
    token = BuilderToken.objects.get()
    assert secret.inner_text().startswith(token.prefix)
    # The list is refreshed around the secret, which stays until it is copied.
    expect(tokens.locator(".tokens")).to_contain_text("Valid")
    expect(secret).to_be_visible()
    tokens.locator("summary", has_text="Revoke").click()
    tokens.locator("details[open] button[type=submit]").click()
    expect(page.locator("#said")).to_contain_text("is revoked")
    expect(tokens.locator(".tokens")).to_contain_text("Revoked")
