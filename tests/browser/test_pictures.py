"""Pictures of every page, written to var/screenshots for people to look at."""

from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from tests.browser.scene import furnish

SIZES = {"desk": 1440, "phone": 390}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pictures(browse, foreman, theme, size):
    scene = furnish()
    folder = Path(settings.BASE_DIR) / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page = browse(width=SIZES[size], color_scheme=theme, user=foreman)
    stranger = browse(width=SIZES[size], color_scheme=theme)
    for name, address, who in (
        ("login", reverse("login"), stranger),
        ("overview", reverse("overview"), page),
        ("programs", reverse("programs:program_list"), page),
        ("program", scene["program"].get_absolute_url(), page),
        ("wave", scene["wave"].get_absolute_url(), page),
        ("task", scene["task"].get_absolute_url(), page),
        ("builders", reverse("builders:builder_list"), page),
    ):
        who.goto(address)
        who.screenshot(path=folder / f"{name}-{size}-{theme}.png", full_page=True)
