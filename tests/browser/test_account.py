"""The page of one's own account in a browser: reached by the menu, read by everyone."""

import re

from playwright.sync_api import expect

from foreman_office.access import second_factor
from tests.access.test_second_factor import code_of
from tests.browser.test_access import LOOKS, expected, findings
from tests.factories import UserFactory

WIDE, NARROW = LOOKS  # by turns: each page has both in `make thorough`


def test_a_password_is_changed_by_way_of_the_menu(browse, complaints, transactional_db):
    user = UserFactory(username="johan", password="the old one")
    page = browse(user=user, still=True)
    page.goto("/")
    page.get_by_role("button", name="johan").click()
    page.get_by_role("link", name="Your account").click()
    found = findings(page, [WIDE])
    page.get_by_label("Old password").fill("wrong")
    page.get_by_label("New password", exact=True).fill("correct-horse-7")
    page.get_by_label("New password confirmation").fill("correct-horse-7")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("entered incorrectly")).to_be_visible()
    found += findings(page, [NARROW])
    page.get_by_label("Old password").fill("the old one")
    page.get_by_label("New password", exact=True).fill("correct-horse-7")
    page.get_by_label("New password confirmation").fill("correct-horse-7")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password is changed.")).to_be_visible()
    expected(complaints)
    assert not found, "\n\n".join(found)
    user.refresh_from_db()
    assert user.check_password("correct-horse-7")


def test_two_factor_login_is_set_up_and_used(browse, complaints, transactional_db):
    user = UserFactory(username="johan", password="the password")
    page = browse(width=320, user=user, still=True)
    page.goto("/account/")
    page.get_by_role("link", name="Two-factor login").click()
    found = findings(page, [WIDE])
    page.get_by_label("Password").fill("the password")
    page.get_by_role("button", name="Set up").click()
    picture = page.locator("svg.qr")
    expect(picture).to_be_visible()
    box = picture.bounding_box()
    assert 100 < box["height"] == box["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    found += findings(page, [NARROW])
    page.get_by_label("Code that the app shows").fill(code_of(user))
    page.get_by_role("button", name="Turn on").click()
    codes = page.locator("code.codes").inner_text().split()
    assert len(codes) == second_factor.RECOVERY_CODES
    found += findings(page, [WIDE])
    page.goto("/account/second-factor/")
    expect(page.get_by_text("10 recovery codes are left")).to_be_visible()
    found += findings(page, [NARROW])

    page = browse(width=320, user=None, still=True)
    page.goto("/login/?next=/account/")
    page.get_by_label("Name").fill("johan")
    page.get_by_label("Password").fill("the password")
    page.get_by_role("button", name="Log in").click()
    found += findings(page, [WIDE])
    page.get_by_label("Code").fill("no code")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    found += findings(page, [NARROW])
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(re.compile("/account/$"))
    expected(complaints)
    assert not found, "\n\n".join(found)
