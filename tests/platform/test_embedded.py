import signal
import stat
import subprocess
import sys

import psutil
import psycopg
import pytest

from kit.runtime import embedded_postgres
from tests.platform.conftest import PATIENCE, ROOT, copied, gone


@pytest.fixture
def new(tmp_path):
    """A place where nothing has been set up."""
    return tmp_path / "var"


@pytest.fixture
def var(new, set_up):
    return copied(set_up, new)


def postmaster(var):
    return embedded_postgres.Server(embedded_postgres.data_directory(var)).postmaster()


def ask(var, query):
    owner = embedded_postgres.database_url(var, embedded_postgres.USERS["owner"])
    with psycopg.connect(owner) as connection:
        cursor = connection.execute(query)
        return cursor.fetchone()[0] if cursor.description else None


def leave(user):
    user.popen.stdin.close()
    return user.popen.wait(PATIENCE)


def test_the_server_lives_as_long_as_its_last_user(var, use_server):
    first, second = use_server(var), use_server(var)
    first.wait_for("ready")
    second.wait_for("ready")
    server = postmaster(var)

    assert leave(first) == 0
    assert ask(var, "SELECT current_database()") == "foreman"
    assert postmaster(var) == server

    assert leave(second) == 0
    assert gone([server])
    assert postmaster(var) is None


def test_what_was_written_is_there_the_next_time(var, use_server):
    user = use_server(var)
    user.wait_for("ready")
    ask(var, "CREATE TABLE kept AS SELECT 42 AS answer")
    leave(user)

    use_server(var).wait_for("ready")
    assert ask(var, "SELECT answer FROM kept") == 42


def test_a_server_whose_user_was_killed_is_adopted_and_stopped_by_the_next(var, use_server):
    killed = use_server(var)
    killed.wait_for("ready")
    server = postmaster(var)
    killed.end(signal.SIGKILL)
    assert server.is_running()

    heir = use_server(var)
    heir.wait_for("ready")
    assert postmaster(var) == server
    leave(heir)
    assert gone([server])


def test_after_everything_was_killed_the_server_recovers(var, use_server):
    killed = use_server(var)
    killed.wait_for("ready")
    ask(var, "CREATE TABLE kept AS SELECT 42 AS answer")
    server = postmaster(var)
    killed.end(signal.SIGKILL)
    server.kill()
    assert gone([server])

    use_server(var).wait_for("ready")
    assert ask(var, "SELECT answer FROM kept") == 42


def test_a_pid_file_whose_number_is_a_strangers_by_now_is_no_server(var, use_server):
    user = use_server(var)
    user.wait_for("ready")
    pid_file = embedded_postgres.data_directory(var) / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server = postmaster(var)
    user.end(signal.SIGKILL)
    server.kill()
    assert gone([server])
    pid_file.write_text("\n".join([str(psutil.Process().pid), *lines[1:]]))

    assert postmaster(var) is None
    use_server(var).wait_for("ready")
    assert ask(var, "SELECT 1") == 1


def test_a_set_up_that_was_killed_half_way_is_begun_again(new, use_server):
    draft = new / "postgres.new"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")

    use_server(new).wait_for("ready")
    assert ask(new, "SELECT 1") == 1
    assert not draft.exists()


def test_a_path_too_long_for_a_socket_is_no_hindrance(tmp_path, use_server):
    var = tmp_path / ("a-long-name-" * 10) / "var"
    directory = embedded_postgres.socket_directory(embedded_postgres.data_directory(var))
    assert not directory.is_relative_to(tmp_path)

    user = use_server(var)
    user.wait_for("ready")
    assert ask(var, "SELECT 1") == 1
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    leave(user)
    assert not directory.exists()


def test_nobody_else_can_reach_the_server_whose_texts_are_utf8(var, use_server):
    use_server(var).wait_for("ready")
    assert ask(var, "SHOW listen_addresses") == ""
    assert stat.S_IMODE(embedded_postgres.data_directory(var).stat().st_mode) == 0o700
    assert ask(var, "SHOW server_encoding") == "UTF8"
    assert ask(var, "SHOW data_checksums") == "on"
    assert ask(var, "SELECT datlocale FROM pg_database WHERE datname = 'foreman'") == "C.UTF-8"


def test_data_of_another_postgresql_is_refused_in_a_sentence(new, manage):
    data = embedded_postgres.data_directory(new)
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("13\n")

    refused = manage("showmigrations", var=new)
    assert refused.returncode == 1
    assert "was made by PostgreSQL 13 and this office brings" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_secret_is_made_once_and_only_its_owner_reads_it(new):
    secret = embedded_postgres.secret_key(new)
    assert len(secret) >= 50
    assert embedded_postgres.secret_key(new) == secret
    assert stat.S_IMODE((new / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in new.iterdir()] == ["secret_key"]


def test_who_keeps_an_office_open_loads_nothing_else():
    program = "import sys, kit.runtime.supervisor; print({'django', 'psycopg'} & {*sys.modules})"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "set()\n", ran.stderr
