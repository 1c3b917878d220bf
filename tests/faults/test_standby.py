"""A server that takes no changes, and a pair of servers of which the first is killed."""

import json
import subprocess
import sys
from contextlib import closing, contextmanager
from urllib.parse import quote
from uuid import uuid4

import psutil
import psycopg
import pytest

from kit.runtime import embedded_postgres
from kit.runtime.embedded_roles import DATABASE, SUPERUSER, USERS
from tests.faults.office import PATIENCE, Load, Office
from tests.faults.test_database import not_now
from tests.platform.conftest import ROOT, copied, environment, place
from tests.races import until


def administrator(var):
    """Connect to a server as the one who runs it."""
    address = embedded_postgres.database_url(var, SUPERUSER)
    return closing(psycopg.connect(address, autocommit=True))


END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@contextmanager
def read_only(office):
    """Let new sessions be read-only, as those with a standby are, and end the present ones."""
    with administrator(office.var) as server:
        server.execute(f"ALTER DATABASE {DATABASE} SET default_transaction_read_only = on")
        server.execute(END)
        yield
        server.execute(f"ALTER DATABASE {DATABASE} RESET default_transaction_read_only")


def test_a_server_that_takes_no_changes_is_away_and_found_again_without_a_restart(office):
    with Load(office) as load:
        with read_only(office):
            until(lambda: load.statuses[503] >= 3, PATIENCE)
            answer = not_now(office.beat("integration-builder"))
            assert json.loads(answer.body)["errors"][0]["rule"] == "database_read_only"
            until(lambda: not office.is_ready(), PATIENCE)
            checks = json.loads(office.ask("GET", "/readyz").body)["checks"]
            assert checks["database"]["detail"] == "It is set to be read-only."
            until(lambda: office.said("cannot sweep, and keeps trying"), PATIENCE)
        load.flows()
    until(office.is_ready, PATIENCE)
    with administrator(office.var) as server:  # what is idle is read-only still, until it writes
        server.execute(END)
    until(office.is_ready, PATIENCE)
    until(office.takes_beats, PATIENCE)


@contextmanager
def standby_gone(office):
    """Let commits wait for a standby that is not there."""
    with administrator(office.var) as server:
        try:
            server.execute("ALTER SYSTEM SET synchronous_standby_names = 'gone'")
            server.execute("SELECT pg_reload_conf()")
            yield
        finally:
            server.execute("ALTER SYSTEM RESET synchronous_standby_names")
            server.execute("SELECT pg_reload_conf()")


def test_a_change_that_no_standby_confirms_is_not_acknowledged(office):
    beat = str(uuid4())
    assert office.takes_beats()
    with standby_gone(office):
        until(lambda: not office.takes_beats(), PATIENCE)
        answer = not_now(office.beat("integration-builder", heartbeat_id=beat))
        assert json.loads(answer.body)["errors"][0]["rule"] == "database_unconfirmed"
        until(lambda: not office.is_ready(), PATIENCE)
        until(lambda: office.said("cannot sweep, and keeps trying"), PATIENCE)
        assert office.ask("GET", "/healthz").status == 200
        assert beat not in office.acknowledged
    until(office.is_ready, PATIENCE)
    until(lambda: office.said("sweeps again"), PATIENCE)
    # It was stored, and is acknowledged when it is sent again, as the same one.
    assert office.beat("integration-builder", heartbeat_id=beat).status == 201
    stored = "SELECT count(*) FROM heartbeats WHERE heartbeat_id = %s"
    with office.connect() as session:
        assert session.execute(stored, [beat]).fetchone() == (1,)


@pytest.fixture
def pair(staffed):
    """A primary, and a standby to which every commit is copied before it is acknowledged."""
    first, second = place() / "var", place() / "var"
    copied(staffed, first)
    second.mkdir()
    primary, standby = (
        embedded_postgres.Server(embedded_postgres.data_directory(var)) for var in (first, second)
    )
    primary.start()
    embedded_postgres._let_through(standby.data, standby.owner)
    embedded_postgres._own_private_directory(standby.data, standby.owner)
    primary._run(
        "pg_basebackup", "-h", primary.sockets, "-p", embedded_postgres.PORT, "-U", SUPERUSER,
        "-D", standby.data, "-R", "-X", "stream", doing="the standby is being made",
    )  # fmt: skip
    (standby.data / f".s.PGSQL.{embedded_postgres.PORT}.lock").unlink(missing_ok=True)
    standby.start()
    with administrator(first) as server:
        server.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        server.execute("SELECT pg_reload_conf()")
        until(
            lambda: (
                server.execute("SELECT sync_state FROM pg_stat_replication").fetchall()
                == [("sync",)]
            ),
            PATIENCE,
        )
    yield first, primary, second, standby
    for server in (standby, primary):
        server.stop()


def address_of_both(user, *servers):
    hosts = ",".join(quote(str(server.sockets), safe="") for server in servers)
    return f"postgres://{user}@{hosts}/{DATABASE}"


def test_when_the_primary_is_killed_nothing_acknowledged_is_lost(pair, django_db_blocker):
    first, primary, second, standby = pair
    urls = {
        variable: address_of_both(USERS[role], primary, standby)
        for variable, role in (
            *(("DATABASE_URL", "office"), ("DATABASE_OWNER_URL", "owner")),
            ("DATABASE_UPKEEP_URL", "upkeep"),
        )
    }
    office = Office(place() / "var", database=first, SECRET_KEY="of both", **urls).open()
    try:
        with Load(office) as load:
            postmaster = primary.postmaster()
            for process in [postmaster, *postmaster.children(recursive=True)]:
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue
            until(lambda: load.statuses[503] >= 3, PATIENCE)
            standby._run("pg_ctl", "promote", "-D", standby.data, doing="it is promoted")
            office.database = second
            load.flows()
            until(office.is_ready, PATIENCE)
            until(lambda: office.said("sweeps again"), PATIENCE)
        with django_db_blocker.unblock():
            office.assert_nothing_is_lost()
    finally:
        office.close()


def test_a_standby_alone_is_an_outage_that_says_so(pair):
    _, _, second, _ = pair
    address = embedded_postgres.database_url(second)
    environ = environment(place() / "var", DATABASE_URL=address, SECRET_KEY="of both")
    command = [sys.executable, ROOT / "manage.py", "doctor"]
    answer = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert answer.returncode != 0
    assert "It is a standby, which takes no changes." in answer.stdout + answer.stderr


def test_an_office_that_only_reads_works_on_a_standby(pair, django_db_blocker):
    """Who is logged in at the office that writes reads there; the heavy readers work there too."""
    first, _, second, _ = pair
    shared = {"SECRET_KEY": "of both, and long enough to be one"}
    writing = Office(
        place() / "var", database=first, **shared,
        DATABASE_URL=embedded_postgres.database_url(first, USERS["office"]),
        DATABASE_OWNER_URL=embedded_postgres.database_url(first, USERS["owner"]),
        DATABASE_UPKEEP_URL=embedded_postgres.database_url(first, USERS["upkeep"]),
    ).open()  # fmt: skip
    replica = {
        "DATABASE_URL": embedded_postgres.database_url(second, USERS["office"]),
        "DATABASE_UPKEEP_URL": embedded_postgres.database_url(second, USERS["upkeep"]),
        "FOREMAN_READ_ONLY": "true",
        "FOREMAN_WRITER": "https://office.example",
        **shared,
    }
    reading = Office(place() / "var", database=second, **replica)
    try:
        reading.open()
        assert reading.is_ready()
        assert "this standby has is" in reading.ask("GET", "/readyz").body
        refused = not_now(reading.beat("integration-builder"))
        assert json.loads(refused.body)["errors"][0]["rule"] == "office_read_only"
        assert writing.takes_beats()
        assert reading.ask("GET", "/login/").status == 200
        for command in (
            ["export_plan", "p"],
            ["replay_evidence"],
            ["backup", place() / "standby.dump"],
        ):
            answer = subprocess.run(
                [sys.executable, ROOT / "manage.py", *map(str, command)],
                env=environment(place() / "var", **replica),
                capture_output=True,
                text=True,
            )
            assert answer.returncode == 0, (command, answer.stdout, answer.stderr)
        assert "Traceback" not in reading.log.read_text()
    finally:
        reading.close()
        writing.close()
