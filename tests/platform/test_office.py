import signal
import socket
import sys

import psycopg
import pytest

from kit.runtime import embedded_postgres
from kit.runtime.embedded_roles import SUPERUSER
from tests.platform.conftest import (
    PATIENCE,
    ROOT,
    copied,
    environment,
    gone,
    opened,
    place,
    starting,
)
from tests.races import until


@pytest.fixture(scope="module")
def watched_office(migrated):
    """An office that several tests look at."""
    with starting() as start:
        office = opened(start, migrated, place() / "var", FOREMAN_SWEEP_SECONDS="1")
        until(office.is_ready)
        yield office


def closed(office, number):
    """End an office by a signal; it has left nothing running."""
    assert office.process.end(number) == 128 + number
    return gone([*office.children, office.server])


def test_a_killed_office_opens_again_and_a_closed_one_leaves_nothing_running(tmp_path, open_office):
    killed = open_office(tmp_path / "var")
    killed.process.end(signal.SIGKILL)

    reopened = open_office(tmp_path / "var")
    assert gone(killed.children)
    assert reopened.is_open()
    assert closed(reopened, signal.SIGTERM)


def test_an_office_has_noted_its_closure_before_it_shows_a_page(tmp_path, open_office):
    """Its watcher, which would note it too, cannot end a sweep meanwhile."""
    var = tmp_path / "var"
    first = open_office(var)
    until(first.is_ready)
    assert closed(first, signal.SIGTERM)

    address = embedded_postgres.database_url(var, SUPERUSER)
    with embedded_postgres.running(var), psycopg.connect(address) as holder:
        holder.execute("LOCK TABLE watchers IN SHARE MODE")
        again = open_office(var)
        assert again.is_open()
        with psycopg.connect(address) as reader:
            assert reader.execute("SELECT count(*) FROM office_absences").fetchone() == (1,)
        holder.rollback()
        until(again.is_ready)
    assert closed(again, signal.SIGTERM)


def test_an_office_whose_web_server_ends_at_once_says_so_and_closes(tmp_path, start, migrated):
    var = copied(migrated, tmp_path / "var")
    # gunicorn reads it too, and knows no such option.
    variables = environment(var, PORT="0", GUNICORN_CMD_ARGS="--no-such-option")
    office = start([sys.executable, ROOT / "manage.py", "office"], variables)
    assert "gunicorn ended unexpectedly (2); the office closes." in office.wait_for("closes.")
    assert office.popen.wait(PATIENCE) == 1


def test_two_offices_do_not_disturb_each_other(tmp_path, open_office):
    one, other = open_office(tmp_path / "one"), open_office(tmp_path / "other")
    assert one.server != other.server

    assert closed(one, signal.SIGHUP)
    assert other.is_open()


def test_a_second_office_in_one_place_is_told_where_the_first_one_is(watched_office, manage):
    refused = manage("office", var=watched_office.var, PORT="0")
    assert refused.returncode == 1
    assert watched_office.address in refused.stderr
    assert watched_office.is_open()


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
    assert not embedded_postgres.exists(tmp_path / "var")


def test_a_database_that_does_not_answer_is_a_sentence(manage):
    address = "postgres://foreman@127.0.0.1:1/foreman"
    refused = manage("office", PORT="0", DATABASE_URL=address, SECRET_KEY="a secret")
    assert refused.returncode == 1
    assert "The database cannot be reached" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_office_watches_and_says_so(watched_office):
    watcher = watched_office.watcher()
    if sys.platform == "linux":  # forked from the web server, and a child of the office
        office = watched_office.process.popen.pid
        assert (watcher.name(), watcher.ppid()) == ("foreman-watch", office)
    watcher.suspend()
    until(lambda: not watched_office.is_ready())
    watcher.resume()
    until(watched_office.is_ready)


def test_a_watcher_that_ends_is_followed_by_another(watched_office):
    watcher = watched_office.watcher()
    watcher.kill()
    watched_office.process.wait_for("The watcher ended (-9); it restarts in 1 s.")
    until(lambda: watched_office.watcher() not in (None, watcher))
    until(watched_office.is_ready)
    assert watched_office.is_open()
