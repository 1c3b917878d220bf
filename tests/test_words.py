"""What the README and docs/ say is there is there."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_readme_lists_every_setting_and_no_other():
    read = re.findall(
        r"env\.\w+\(\s*\"(\w+)\"", (ROOT / "foreman_office" / "settings.py").read_text()
    )
    listed = re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(set(read))


def test_every_make_target_that_is_named_exists():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)
    assert named
    assert set(named) <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists(page):
    named = re.findall(r"manage\.py (\w+)", page.read_text())
    assert set(named) <= set(get_commands())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    assert [link for link in links if ":" not in link and not (page.parent / link).exists()] == []
