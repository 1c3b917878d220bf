"""The README's walk, in an empty office: from a user to a completed task, by page and by curl."""

import os
import re
import shlex
from http import HTTPStatus
from io import StringIO
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from programs.models import Program, Task

README = Path(__file__).parents[2] / "README.md"
OFFICE = "http://localhost:8000"


def commands(heading):
    """Return the commands with curl under a heading of the README, each as its words."""
    text = README.read_text()
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    lines = blocks.replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("curl ")]


@pytest.fixture
def curl(live_server):
    """Send what a command of the README sends, as curl would, and return the answer."""

    def curl(command, **variables):
        for name, value in variables.items():
            command = command.replace(f"${name}", value)
        words = shlex.split(command)
        headers = dict(
            words[place + 1].split(": ", 1) for place, word in enumerate(words) if word == "-H"
        )
        address = next(word for word in words if word.startswith(OFFICE))
        body = words[words.index("-d") + 1].encode()
        request = Request(address.replace(OFFICE, live_server.url), body, headers)
        with urlopen(request) as answer:
            return HTTPStatus(answer.status), answer.read().decode()

    return curl


def save(page, button="Save"):
    page.get_by_role("button", name=button, exact=True).click()


@pytest.fixture
def newcomer(transactional_db, monkeypatch):
    """Create a user as the README does, and return the name and the password."""
    monkeypatch.setitem(os.environ, "DJANGO_SUPERUSER_PASSWORD", "a long password")
    call_command("createsuperuser", "--noinput", username="ada", email="", verbosity=0)
    return "ada", "a long password"


def test_a_newcomer_takes_a_new_task_to_completed_as_the_readme_says(browse, newcomer, curl):
    told = StringIO()
    call_command("issue_token", "ui-builder", stdout=told, stderr=StringIO())
    token = told.getvalue().strip()
    [hello] = commands("A builder's first heartbeat")[:1]
    assert curl(hello, TOKEN=token)[0] == 201
    red, begin, end, green, claim = commands("From a plan to a completed task")

    page = browse()
    page.goto("/")
    name, password = newcomer
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.locator("main button, form button").first.click()

    page.get_by_role("link", name="Programs", exact=True).first.click()
    page.get_by_role("link", name="New program").click()
    page.get_by_label("Name").fill("Lamps")
    page.get_by_label("Description").fill("Light in every room.")
    save(page)
    page.get_by_role("link", name="New wave").click()
    page.get_by_label("Name").fill("The first lamp")
    save(page)
    page.get_by_role("link", name="New task").click()
    page.get_by_label("Name").fill("Wire the lamp")
    page.get_by_label("Planned builder").select_option("ui-builder")
    page.get_by_label("Architecture reference").fill("docs/lamp.md")
    page.get_by_label("QA suite").fill("tests/lamp/")
    save(page)
    expect(page.get_by_role("heading", name="Wire the lamp", exact=True)).to_be_visible()
    at = page.url
    task = at.rstrip("/").rpartition("/")[2]

    program = Program.objects.get()
    page.goto(program.get_absolute_url())
    page.locator("#gate button", has_text="Approve").first.click()
    expect(page.locator(".head")).to_contain_text("In progress")
    page.goto(program.waves.get().get_absolute_url())
    page.locator("#gate button", has_text="Start").first.click()
    expect(page.locator(".head")).to_contain_text("In progress")

    page.goto(at)
    page.locator("#gate").get_by_role("link", name="Validate docs/lamp.md").click()
    for box in page.get_by_role("checkbox").all():
        box.check()
    save(page, "Validate the architecture")
    expect(page.locator("#validations")).to_contain_text("validated by foreman (ada)")

    assert curl(red, TOKEN=token, TASK=task)[0] == 201
    page.reload()
    page.locator("#gate summary", has_text="Assign").first.click()
    form = page.locator("#gate details[open]")
    form.get_by_label("Builder").select_option("ui-builder")
    form.get_by_role("button", name="Assign").click()
    expect(page.locator("#summary")).to_contain_text("Assigned")

    assert curl(begin, TOKEN=token, TASK=task)[0] == 201
    expect(page.locator("#summary")).to_contain_text("In progress")
    assert curl(end, TOKEN=token, TASK=task)[0] == 201
    assert curl(green, TOKEN=token, TASK=task)[0] == 201
    status, answer = curl(claim, TOKEN=token, TASK=task)
    assert (status, '"accepted":true' in answer) == (200, True)

    expect(page.locator("#summary")).to_contain_text("Completed")
    expect(page.locator("#proof")).to_contain_text("Red to green")
    program.refresh_from_db()
    assert (program.state, Task.objects.get().state) == ("completed", "completed")
