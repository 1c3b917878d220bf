"""PgBouncer in transaction mode between offices and their database.

What pages and the API answer through it is asked by `make pooled`: tests/choice.py.
"""

import subprocess
import sys

import psycopg
import pytest

from kit.runtime import embedded_postgres
from kit.runtime.database_addresses import LIMITS
from tests.bouncer import bouncer
from tests.faults.office import Load, Office
from tests.platform.conftest import ROOT, copied, environment, place
from tests.races import until


@pytest.fixture(scope="module")
def server(staffed):
    """A server of its own, whose role has the limits that a pooler does not pass on."""
    var = place() / "var"
    copied(staffed, var)
    with embedded_postgres.running(var):
        address = embedded_postgres.database_url(var, embedded_postgres.SUPERUSER)
        with psycopg.connect(address) as administrator:
            for name, limit in LIMITS.items():
                administrator.execute(f"ALTER ROLE {embedded_postgres.USER} SET {name} = '{limit}'")
        yield var


def address(port):
    return f"postgres://{embedded_postgres.USER}@127.0.0.1:{port}/{embedded_postgres.DATABASE}"


def doctor(var, **variables):
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", "doctor"],
        env=environment(var, SECRET_KEY="0123456789" * 5, **variables),
        capture_output=True,
        text=True,
    )


def test_two_offices_behind_a_pooler_lose_nothing_and_declare_each_stall_once(
    server, django_db_blocker
):
    """Two offices, two watchers, one database."""
    with bouncer(server, server.parent) as port:
        variables = {
            "DATABASE_URL": address(port),
            "DATABASE_POOLED": "true",
            "SECRET_KEY": "0123456789" * 5,
            "database": server,
        }
        offices = [Office(place() / "var", **variables) for _ in range(2)]
        one, other = offices
        other.sent, other.acknowledged = one.sent, one.acknowledged
        try:
            for office in offices:
                office.open()
            with Load(one, other) as load:
                until(lambda: one.query("SELECT count(*) FROM watchers") == [(2,)])
                task = one.fall_silent("qa-builder")
                load.flows(60)
                sweeps = dict(one.query("SELECT watcher_id, sweeps FROM watchers"))
                until_both_swept(one, sweeps)
                assert one.stalls(task) == [(True, 1)]
                assert one.query("SELECT sum(stalls) FROM watchers") == [(1,)]
            assert load.statuses.keys() == {201}
            assert one.ask("GET", "/login/").status == 200
            with django_db_blocker.unblock():
                one.assert_nothing_is_lost()
        finally:
            for office in offices:
                office.close()


def until_both_swept(office, before):
    def swept():
        now = dict(office.query("SELECT watcher_id, sweeps FROM watchers"))
        return all(now[name] > before[name] + 1 for name in before)

    until(swept)


def test_a_pooler_that_nobody_spoke_of_is_named(server, tmp_path):
    var = tmp_path / "var"
    with bouncer(server, tmp_path) as port:
        refused = doctor(var, DATABASE_URL=address(port))
        assert refused.returncode == 1
        assert "set DATABASE_POOLED=true" in refused.stdout
        pooled = doctor(var, DATABASE_URL=address(port), DATABASE_POOLED="true")
        assert "WARNING DATABASE_LISTEN_URL" in pooled.stdout
        assert "time limits" not in pooled.stdout
    with bouncer(server, tmp_path, ignored="options") as port:
        tolerated = doctor(var, DATABASE_URL=address(port))
        assert "WARNING DATABASE_POOLED: There is an undeclared pooler" in tolerated.stdout
