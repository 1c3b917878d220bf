"""A handover that is left by one person and read by another, on a desk and on a phone."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from foreman_office.dashboard.inbox.reconciling import reconcile
from governance.actions import raise_blocker
from governance.models import HandoverReading
from programs.actions import write_note
from tests.factories import TaskFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_handover_is_read_by_the_next_person(browse, foreman):
    task = TaskFactory(state="in-progress", name="Masonry")
    raise_blocker(
        task, classification="protected_path", description="It needs governance/.", by=foreman
    )
    reconcile()
    leaving = browse(user=foreman)
    leaving.goto(reverse("decisions"))
    card = leaving.locator(".decision", has_text="Masonry")
    card.get_by_role("button", name="I have it").click()
    expect(leaving.locator("#said")).to_contain_text("You have")
    card.locator("summary", has_text="Snooze").click()
    card.get_by_label("Until", exact=True).select_option("240")
    card.locator("details[open] button[type=submit]").click()
    expect(leaving.locator("#said")).to_contain_text("is snoozed until")

    mary = UserFactory(username="mary")
    desk = browse(user=mary)
    desk.goto("/")
    desk.get_by_role("link", name="Handover").first.click()
    expect(desk.locator("h1")).to_have_text("Shift handover")
    still = desk.locator("[data-section=still]")
    expect(still).to_contain_text("Masonry")
    expect(still).to_contain_text("johan has it, snoozed by johan until")
    desk.get_by_role("button", name="I have read this").click()
    expect(desk.locator("#said")).to_contain_text("You have read the handover.")
    expect(desk.locator("[data-section=still]")).to_have_count(0)
    assert HandoverReading.objects.get().user == mary

    write_note(task, text="The path is free.", by=foreman)
    phone = browse(user=mary, width=390, height=800)
    phone.goto(reverse("handover"))
    expect(phone.locator("[data-section=notes]")).to_contain_text("The path is free.")
    expect(phone.locator("[data-section=still]")).to_have_count(0)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Both devices confirm what they show, the older page last: no error, and nothing goes back.
    phone.get_by_role("button", name="I have read this").click()
    expect(phone.locator("#said")).to_contain_text("You have read the handover.")
    place = HandoverReading.objects.get().place
    desk.get_by_role("button", name="I have read this").click()
    expect(desk.locator("#said")).to_contain_text("You have read the handover.")
    assert HandoverReading.objects.get().place == place
