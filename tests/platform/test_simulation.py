"""The demo as a visitor meets it: one command, and an office that lives."""

import re
import signal
import sys
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import psycopg
import pytest

from kit.runtime import embedded_postgres
from tests.platform.conftest import PATIENCE, ROOT, environment, gone
from tests.races import until

# A token is used by those alone who come over HTTP.
HEARD = "SELECT count(*) FROM builder_tokens WHERE last_used_at IS NOT NULL"
# The sample has tasks in progress too, but nobody holds them.
ADVANCED = """
    SELECT count(*) FROM builders JOIN tasks ON task_id = current_task_id
    WHERE tasks.state IN ('in-progress', 'blocked') AND progress_percentage > 0
"""
COMMAND = [sys.executable, ROOT / "manage.py", "office"]


@pytest.fixture
def open_demo(start, tmp_path):
    """Open a demo, and return its process and the link that it prints."""

    def open_demo():
        env = environment(tmp_path / "var", PORT="0", FOREMAN_SIMULATION="true")
        process = start(COMMAND, env)
        return process, re.search(r"http://\S+", process.wait_for("one-time link"))[0]

    return open_demo


@pytest.fixture
def ask(tmp_path):
    """Query the demo's database, as psql would."""

    def ask(query):
        with psycopg.connect(embedded_postgres.database_url(tmp_path / "var")) as connection:
            return connection.execute(query).fetchall()

    return ask


def test_a_visitor_finds_builders_at_work_and_a_killed_demo_goes_on_where_it_was(open_demo, ask):
    demo, link = open_demo()
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page(browser, link))[1]
    inbox = page(browser, link, urlencode({"csrfmiddlewaretoken": token}).encode())
    assert "Simulation" in inbox
    assert "Maturion" in inbox
    with pytest.raises(HTTPError, match="410"):
        page(build_opener(), link)

    until(lambda: ask(HEARD) == [(5,)], PATIENCE)
    until(lambda: ask(ADVANCED) == [(5,)], PATIENCE)
    assert "Island Line booking - release 1" in page(browser, address_of(link))
    processes = demo.descendants()
    assert sum("foreman_office.simulation.builder" in each.cmdline() for each in processes) == 5
    demo.end(signal.SIGKILL)
    assert gone(processes)

    again, other_link = open_demo()
    assert other_link != link
    beats = ask("SELECT count(*) FROM heartbeats")
    until(lambda: ask("SELECT count(*) FROM heartbeats") > beats, PATIENCE)
    assert ask("SELECT count(*) FROM programs") == [(2,)]
    processes = again.descendants()
    assert again.end() == 0, again.popen.stdout.read()
    assert gone(processes)


def page(browser, address, data=None):
    with browser.open(address, data, timeout=60) as answer:
        return answer.read().decode()


def address_of(link):
    return re.match(r"http://[^/]+/", link)[0]
