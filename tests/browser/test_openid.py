"""The way to the provider and back in Chromium, whose policy lets no form lead to another site."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests.access.openid.conftest import provider, running_provider  # noqa: F401
from tests.browser.test_access import LOOKS, findings

pytestmark = pytest.mark.slow


def test_a_person_logs_in_by_the_provider(
    browse,
    complaints,
    transactional_db,
    provider,  # noqa: F811
    live_server,
):
    office = live_server.url.replace("localhost", "127.0.0.1")
    page = browse(width=320, still=True)
    page.goto(f"{office}/builders/")
    found = findings(page, LOOKS)
    page.get_by_role("button", name="Log in with the club").click()
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("pw")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{office}/builders/")
    expect(page.get_by_role("heading", name="Builders")).to_be_visible()
    assert User.objects.get().username == "ada"

    provider.tells(ada={"groups": []})
    page.context.clear_cookies(domain="127.0.0.1")
    page.goto(f"{office}/login/")
    page.get_by_role("button", name="Log in with the club").click()
    # The provider still knows who it is, and sends back at once.
    expect(page.get_by_text("None of your groups")).to_be_visible()
    found += findings(page, LOOKS)
    complaints.expect("403 (Forbidden)")
    assert not found, "\n\n".join(found)
