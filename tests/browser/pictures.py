"""Pictures of every page in var/screenshots, for people to look at: `make screenshots`.

Not a test, so its name keeps it out of the suite.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.urls import reverse
from playwright.sync_api import expect

from governance.models import Watcher
from tests.browser.pages import pages
from tests.browser.scene import furnish
from tests.factories import UserFactory
from tests.large import SAMPLE

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


def take(page, name, size, **options):
    for theme in ("light", "dark"):
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        page.screenshot(path=FOLDER / f"{name}-{size}-{theme}.png", **{"full_page": True} | options)
