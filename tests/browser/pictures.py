"""Pictures of every page in var/screenshots, for people to look at: `make screenshots`.

Not a test, so its name keeps it out of the suite.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError
from django.urls import reverse
from playwright.sync_api import expect

from governance.models import Watcher
from kit.web.listing import Listing
from tests.browser.pages import NO_PAGES, is_page, pages
from tests.browser.scene import furnish
from tests.factories import UserFactory
from tests.large import SAMPLE
from tests.test_roles import EXPECTED, OURS

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
FOLDER = Path(settings.BASE_DIR) / "var" / "screenshots"

# What is opened on the inbox, and by which keys.
OPENED = {"menu": None, "palette": "/", "help": "?"}


@pytest.mark.parametrize("size", SIZES)
def test_pictures(browse, foreman, complaints, size):
    scene = furnish()
    call_command("import_plan", SAMPLE, verbosity=0)
    Watcher.objects.create(host="here", pid=1, period=timedelta(hours=1))
    FOLDER.mkdir(parents=True, exist_ok=True)
    width, height = SIZES[size]
    page = browse(width=width, height=height, user=foreman)
    for name, address in pages(scene).items():
        page.goto(address)
        take(page, name, size)
    for name, key in OPENED.items():
        page.goto(reverse("inbox"))
        expect(page.locator("#freshness")).to_have_text("live")
        if key:
            page.keyboard.press(key)
            page.keyboard.type("rec" if name == "palette" else "")
            expect(page.locator(f"#{name}")).to_be_visible()
        else:
            page.get_by_role("button", name="johan").click()
        take(page, name, size, full_page=False)
    for name, address, user in (
        ("login", reverse("login"), None),
        ("not-allowed", reverse("inbox"), UserFactory(username="nobody", roles=[])),
    ):
        other = browse(width=width, height=height, user=user)
        other.goto(address)
        take(other, name, size)
    complaints.clear()  # of answers in the 400s, which were asked for


@pytest.mark.parametrize("size", SIZES)
def test_pictures_of_an_empty_office_and_of_what_failed(
    browse, foreman, complaints, monkeypatch, size
):
    FOLDER.mkdir(parents=True, exist_ok=True)
    width, height = SIZES[size]
    page = browse(width=width, height=height, user=foreman)
    for name in pages_without_rows():
        page.goto(reverse(name))
        take(page, f"empty-{name.rpartition(':')[2]}", size)
    page.goto(reverse("programs:program_new"))
    page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
    page.get_by_role("button", name="Save").click()
    take(page, "form-expired", size)
    for name, error in (("not-ready", OperationalError("away")), ("error", ValueError("a bug"))):
        fail(monkeypatch, error)
        page.goto(reverse("programs:task_list"))
        take(page, name, size)
    complaints.clear()


def pages_without_rows():
    """Return the names of the pages whose address names no row."""
    return [
        name
        for name, answers in EXPECTED.items()
        if is_page(answers["GET"]) and name not in NO_PAGES and not OURS[name].pattern.converters
    ]


def fail(monkeypatch, error):
    """Make every list fail, however it is requested."""

    def refuse(listing):
        raise error

    monkeypatch.setattr(Listing, "form", property(refuse))


def take(page, name, size, **options):
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        page.screenshot(path=FOLDER / f"{name}-{size}-{theme}.png", **{"full_page": True} | options)
