import re
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest

from foreman_office.kit import embedded
from tests.platform.conftest import ROOT, environment, gone


class Office:
    def __init__(self, process, var):
        self.process = process
        self.address = re.search(r"http://\S+/", process.wait_for("is open at"))[0]
        assert self.is_open()
        self.server = embedded.Server(embedded.data_directory(var)).postmaster()
        self.children = process.descendants()  # gunicorn and its workers
        assert len(self.children) >= 3

    def is_open(self):
        with urlopen(f"{self.address}admin/login/", timeout=60) as answer:
            return "csrfmiddlewaretoken" in answer.read().decode()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """Migrate once; an office that opens on a copy opens sooner."""
    var = tmp_path_factory.mktemp("migrated") / "var"
    command = [sys.executable, ROOT / "manage.py", "migrate"]
    subprocess.run(command, env=environment(var), check=True, capture_output=True)
    return var


@pytest.fixture
def open_office(start, migrated):
    def open_office(var):
        if not var.exists():
            subprocess.run(["cp", "-a", migrated, var], check=True)  # with its owners
        command = [sys.executable, ROOT / "manage.py", "office"]
        return Office(start(command, environment(var, PORT="0")), var)

    return open_office


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_closed_office_leaves_nothing_running(tmp_path, open_office, number):
    office = open_office(tmp_path / "var")
    assert office.process.end(number) == 128 + number
    assert gone([*office.children, office.server])


def test_a_killed_office_opens_again(tmp_path, open_office):
    killed = open_office(tmp_path / "var")
    killed.process.end(signal.SIGKILL)

    reopened = open_office(tmp_path / "var")
    assert gone(killed.children)
    assert reopened.server == killed.server
    assert reopened.is_open()
    reopened.process.end()
    assert gone([reopened.server])


def test_two_offices_do_not_disturb_each_other(tmp_path, open_office):
    one, other = open_office(tmp_path / "one"), open_office(tmp_path / "other")
    assert one.server != other.server

    one.process.end()
    assert gone([one.server])
    assert other.is_open()


def test_a_second_office_in_one_place_is_told_where_the_first_one_is(tmp_path, open_office, manage):
    office = open_office(tmp_path / "var")
    refused = manage("office", PORT="0")
    assert refused.returncode == 1
    assert office.address in refused.stderr
    assert office.is_open()


def test_an_office_without_its_web_server_closes_and_says_why(tmp_path, open_office):
    office = open_office(tmp_path / "var")
    gunicorn = next(child for child in office.children if child.ppid() == office.process.popen.pid)
    gunicorn.kill()
    office.process.wait_for("gunicorn ended unexpectedly")
    assert office.process.popen.wait(60) == 1
    assert gone([*office.children, office.server])


def test_a_port_that_is_taken_is_named(tmp_path, manage):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = manage("office", PORT=port)
    assert refused.returncode == 1
    assert f"Port {port} is taken" in refused.stderr


def test_a_database_that_does_not_answer_is_a_sentence(manage):
    address = "postgres://foreman@127.0.0.1:1/foreman"
    refused = manage("office", PORT="0", DATABASE_URL=address, SECRET_KEY="a secret")
    assert refused.returncode == 1
    assert "The database cannot be reached" in refused.stderr
    assert "Traceback" not in refused.stderr
