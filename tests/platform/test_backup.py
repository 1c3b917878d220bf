"""An office in a file, and back: as real commands between real servers."""

import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from kit.runtime import backup, embedded_postgres
from tests.bouncer import bouncer
from tests.platform.conftest import PATIENCE, ROOT, copied, environment, place

PLAN = "foreman_office/plan_files/samples/maturion-wave-1.yaml"


def everything(var):
    """Return the rows of each table, as text that does not depend on where they lie."""
    with psycopg.connect(embedded_postgres.database_url(var)) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace ORDER BY relname"
        ).fetchall()
        query = sql.SQL("SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {} t")
        return {
            name: connection.execute(query.format(sql.Identifier(name))).fetchone()
            for (name,) in tables
        }


def run(var, *arguments, **variables):
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *map(str, arguments)],
        env=environment(var, **variables),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def done(var, *arguments):
    finished = run(var, *arguments)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def refused(var, *arguments, **variables):
    finished = run(var, *arguments, **variables)
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    return finished.stderr


@pytest.fixture(scope="module")
def backed_up(migrated):
    """An office with a program and its history in it, and a backup of it."""
    var = place() / "var"
    copied(migrated, var)
    with embedded_postgres.running(var):
        done(var, "import_plan", PLAN)
        file = var.parent / "office.dump"
        done(var, "backup", file)
        yield var, file, everything(var)


def test_a_backup_comes_back_whole_into_an_empty_database_and_replays(backed_up, set_up, tmp_path):
    _, file, before = backed_up
    new = copied(set_up, tmp_path / "var")
    with embedded_postgres.running(new):
        assert f": {len(before)} tables." in done(new, "restore", file)
        assert everything(new) == before
        assert before["evidence_trail"][0] > 100
        assert "rows match them" in done(new, "replay_evidence")
        # What keeps the rules came along too: the trail grows by what is done, and only grows.
        owner = embedded_postgres.database_url(new, embedded_postgres.USERS["owner"])
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute("UPDATE programs SET name = name || '!'")
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute("DELETE FROM evidence_trail")
        assert everything(new)["evidence_trail"][0] == before["evidence_trail"][0] + 1
        done(new, "replay_evidence")


def test_nobody_else_may_read_a_backup(backed_up):
    _, file, _ = backed_up
    assert file.stat().st_mode & 0o077 == 0
    assert [path.name for path in file.parent.glob("*.dump*")] == ["office.dump"]


def test_a_database_with_anything_in_it_is_left_alone(backed_up):
    var, file, before = backed_up
    assert f"is not empty: it has {len(before)} tables" in refused(var, "restore", file)
    assert everything(var) == before


def test_what_is_no_backup_leaves_the_database_empty(backed_up, set_up, tmp_path):
    _, file, _ = backed_up
    new = copied(set_up, tmp_path / "var")
    whole = file.read_bytes()
    spoilt = whole[:-9000] + bytes(500) + whole[-8500:]
    with embedded_postgres.running(new):
        for name, content, complaint in [
            ("half", whole[: len(whole) // 2], "half cannot be read as a backup"),
            ("spoilt", spoilt, "unchanged"),
            ("text", b"CREATE TABLE it_was_not ();", "text cannot be read as a backup"),
        ]:
            broken = tmp_path / name
            broken.write_bytes(content)
            assert complaint in refused(new, "restore", broken)
            assert everything(new) == {}
        assert "There is no file" in refused(new, "restore", tmp_path / "nothing")


def test_a_place_that_cannot_be_written_is_named(backed_up, tmp_path):
    var, _, _ = backed_up
    nowhere = tmp_path / "nowhere" / "office.dump"
    assert f"{nowhere} cannot be written" in refused(var, "backup", nowhere)


def test_a_transaction_pooler_is_gone_round_or_said_to_be_in_the_way(backed_up, tmp_path):
    var, _, _ = backed_up
    pooled = {
        "DATABASE_URL": embedded_postgres.database_url(var),
        "SECRET_KEY": "secret",
        "DATABASE_POOLED": "true",
    }
    file = tmp_path / "office.dump"
    assert "set DATABASE_LISTEN_URL" in refused(var, "backup", file, **pooled)
    direct = {**pooled, "DATABASE_LISTEN_URL": embedded_postgres.database_url(var)}
    assert run(var, "backup", file, **direct).returncode == 0
    assert file.stat().st_size > 100_000


TLS = """
pool_mode = session
client_tls_sslmode = prefer
client_tls_cert_file = {directory}/cert.pem
client_tls_key_file = {directory}/key.pem
"""


@pytest.mark.parametrize("query", ["", "?sslmode=require"])
def test_where_the_office_speaks_tls_its_tools_never_speak_in_plain_text(
    backed_up, tmp_path, query
):
    """The embedded tools know no TLS, and others are missing or too old: that is said."""
    var, _, _ = backed_up
    owner = embedded_postgres._owner()
    for name in ("cert.pem", "key.pem"):
        shutil.copy(Path(__file__).parent / "tls" / name, tmp_path)
        (tmp_path / name).chmod(0o600)
        embedded_postgres._give(tmp_path / name, owner)
    with (
        embedded_postgres.running(var),
        bouncer(var, tmp_path, "options", TLS.format(directory=tmp_path)) as port,
    ):
        address = f"postgres://foreman@127.0.0.1:{port}/foreman{query}"
        file = tmp_path / "office.dump"
        said = refused(var, "backup", file, DATABASE_URL=address, SECRET_KEY="secret")
    assert "SSL support is not compiled in" in said
    assert "postgresql-client-18" in said
    assert not file.exists()


@pytest.mark.django_db
def test_tools_that_are_older_than_the_server_or_missing_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(backup, "candidates", lambda: [backup.Tools(tmp_path, 14)])
    with pytest.raises(backup.DumpError, match=r"or newer are missing\. There is version 14 in"):
        backup.newest_enough(*backup._address())
    newer = backup.Tools(tmp_path / "newer", 99)
    monkeypatch.setattr(backup, "candidates", lambda: [backup.Tools(tmp_path, 14), newer])
    monkeypatch.setattr(backup, "_reach", lambda *args: None)
    assert backup.newest_enough(*backup._address()) == newer
    monkeypatch.setattr(backup, "candidates", list)
    with pytest.raises(backup.DumpError, match="Install the client programs"):
        backup.newest_enough(*backup._address())


def test_where_the_embedded_server_is_missing_the_tools_on_the_path_are_taken(
    monkeypatch, tmp_path
):
    (own,) = backup.candidates()[:1]

    def missing():
        raise embedded_postgres.ServerError("The package is missing.")

    monkeypatch.setattr(embedded_postgres, "binaries", missing)
    monkeypatch.setattr(backup, "DEBIANS", tmp_path)
    monkeypatch.setenv("PATH", str(own.directory))
    assert backup.candidates() == [own]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert backup.candidates() == []
