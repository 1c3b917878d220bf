"""Pictures of every page, written to var/screenshots for people to look at.

Not a test, so its name keeps it out of the suite: `pytest tests/browser/pictures.py -n0`.
"""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db.models import Count
from django.urls import reverse

from programs.models import Program, Task
from tests.browser.scene import furnish

SAMPLE = "governance/plans/samples/maturion-wave-1.yaml"
SIZES = {"desk": 1440, "phone": 390}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pictures(browse, foreman, theme, size):
    scene = furnish()
    call_command("import_plan", SAMPLE, verbosity=0)
    sample = Program.objects.get(name__startswith="Maturion")
    judged = Task.objects.filter(wave__program=sample).alias(
        runs=Count("qa_executions", distinct=True), seen=Count("validations", distinct=True)
    )
    folder = Path(settings.BASE_DIR) / "var" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page = browse(width=SIZES[size], color_scheme=theme, user=foreman)
    stranger = browse(width=SIZES[size], color_scheme=theme)
    for name, address, who in (
        ("login", reverse("login"), stranger),
        ("inbox", reverse("inbox"), page),
        ("programs", reverse("programs:program_list"), page),
        ("program", scene["program"].get_absolute_url(), page),
        ("wave", scene["wave"].get_absolute_url(), page),
        ("task", scene["task"].get_absolute_url(), page),
        ("sample-program", sample.get_absolute_url(), page),
        ("sample-task", judged.order_by("-runs", "-seen")[0].get_absolute_url(), page),
        ("builders", reverse("builders:builder_list"), page),
    ):
        who.goto(address)
        who.screenshot(path=folder / f"{name}-{size}-{theme}.png", full_page=True)
