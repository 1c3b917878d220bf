"""Plan files where the disk takes no more of what is written beside the database."""

import resource
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from tests.dashboard.planning.test_plan_file_pages import IMPORT, choose
from tests.factories import ProgramFactory, TaskFactory, UserFactory, WaveFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROOM = 256 << 10  # bytes, of which a file may have as many


def plan_file(size):
    """Return a plan file of about so many bytes."""
    task = """\
    - key: task-{0}
      name: Task {0}
      acceptance_criteria: {1}
"""
    tasks = "".join(task.format(number, "x" * 1000) for number in range(size // 1070))
    return f"""\
format_version: 1
program:
  key: lamps
  name: Lamps
  waves:
  - key: first
    name: The first wave
    sequence_number: 1
    tasks:
{tasks}"""


@contextmanager
def little_room():
    """Limit what the system lets this process write to a file to its first bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def foreman():
    client = Client(raise_request_exception=False, headers={"Accept": "text/html"})
    client.force_login(UserFactory(username="johan"))
    return client


def says_so(response):
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "office_full" in response.text
    assert "temporary files is full" in response.text


def test_a_file_that_finds_no_room_as_it_comes_in_says_so(foreman):
    with little_room():
        says_so(choose(foreman, plan_file(3_500_000)))


def test_also_where_the_form_is_read_before_any_view_is_asked():
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(UserFactory())
    client.get(IMPORT)
    with little_room():
        says_so(choose(client, plan_file(3_500_000)))


def test_an_export_that_finds_no_room_says_so(foreman, tmp_path):
    wave = WaveFactory(program=ProgramFactory(name="Lamps"))
    TaskFactory.create_batch(3, wave=wave, acceptance_criteria="x" * 100_000)
    export = reverse("governance:plan_export", args=[wave.program.pk])
    with little_room():
        says_so(foreman.get(export))
        with pytest.raises(CommandError, match=r"Lamps cannot be written: .*too large"):
            call_command("export_plan", "Lamps", output=tmp_path / "lamps.yaml")
    assert b"name: Lamps" in foreman.get(export).getvalue()
