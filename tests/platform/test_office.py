import re
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest

from foreman_office.kit import embedded
from tests.platform.conftest import ROOT, environment, gone
from tests.races import until


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

    def is_ready(self):
        try:
            with urlopen(f"{self.address}readyz", timeout=60) as answer:
                return answer.status == 200
        except HTTPError as refusal:
            refusal.close()
            return False

    def watcher(self):
        for child in self.process.descendants():
            with suppress(psutil.NoSuchProcess):
                if child.cmdline()[-1:] == ["watch"]:
                    return child
        return None


@pytest.fixture
def open_office(start, migrated):
    def open_office(var, **variables):
        if not var.exists():
            subprocess.run(["cp", "-a", migrated, var], check=True)  # with its owners
        command = [sys.executable, ROOT / "manage.py", "office"]
        return Office(start(command, environment(var, PORT="0", **variables)), var)

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


def test_an_office_watches_and_says_so(tmp_path, open_office):
    office = open_office(tmp_path / "var", FOREMAN_SWEEP_SECONDS="1")
    until(office.is_ready)

    watcher = office.watcher()
    watcher.suspend()
    until(lambda: not office.is_ready())
    watcher.resume()
    until(office.is_ready)


def test_a_watcher_that_ends_is_followed_by_another(tmp_path, open_office):
    office = open_office(tmp_path / "var", FOREMAN_SWEEP_SECONDS="1")
    until(office.is_ready)

    watcher = office.watcher()
    watcher.kill()
    office.process.wait_for("The watcher ended (-9); another begins in 1 s.")
    until(lambda: office.watcher() not in (None, watcher))
    until(office.is_ready)
    assert office.is_open()
