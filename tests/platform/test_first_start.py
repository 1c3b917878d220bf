"""What a new user is shown: while packages are installed, before the first start, at the end."""

import os
import pty
import select
import subprocess
import sys
import time
from hashlib import sha256
from importlib.metadata import version
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command
from gunicorn.workers.gthread import ThreadWorker

from foreman_office import health
from kit.live.worker import Worker
from kit.runtime import embedded_postgres, internals, packages
from kit.runtime.worker import ReadingWorker
from tests import throwaway
from tests.platform.conftest import PATIENCE, ROOT, environment

NOT_OPENED = "This office has not been opened yet: run `make run` or `manage.py migrate`.\n"
TRIED = {
    "issue_token": ["ui-builder"],
    "generate_office": [],
    "createsuperuser": [],
    "evidence_key": [],
    "export_evidence": ["--program", "p"],
    "reset_second_factor": ["ada", "--reason", "lost"],
}
OTHERS = {
    *("revoke_token", "prune_heartbeats", "export_plan", "import_plan", "replay_evidence"),
    *("estimate_usage", "thin_runs", "organisation"),
    *("watch", "deliver", "login_link", "simulate", "changepassword", "backup"),
}


# --- before the first start -----------------------------------------------------------------------


def test_a_command_before_the_first_start_is_told_so_and_makes_nothing(tmp_path, manage):
    var = tmp_path / "var"
    for command, arguments in TRIED.items():
        told = manage(command, *arguments, var=var)
        assert (told.returncode, told.stdout, told.stderr) == (1, "", NOT_OPENED), command
    assert not embedded_postgres.exists(var)


def test_every_command_of_ours_needs_an_office_or_says_why_not():
    import manage

    ours = {
        path.stem
        for app in ("foreman_office", "programs", "builders", "governance")
        for path in (ROOT / app).glob("management/commands/[a-z]*.py")
    }
    needing = ours - manage.BEFORE_THE_FIRST_START - manage.WITHOUT_DATABASE
    assert needing == (TRIED.keys() | OTHERS) - {"createsuperuser", "changepassword"}


@pytest.fixture
def empty_database():
    """Make a database with nothing in it, and return its address."""
    url = embedded_postgres.database_url(throwaway.directory(), embedded_postgres.SUPERUSER)
    name = f"empty_{uuid4().hex}"
    with throwaway.server(), psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield f"{url.removesuffix(embedded_postgres.DATABASE)}{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_database_without_tables_is_not_opened_either(tmp_path, manage, empty_database):
    backup = tmp_path / "office.dump"
    told = manage("backup", backup, DATABASE_URL=empty_database, SECRET_KEY="a secret")
    assert (told.returncode, told.stdout, told.stderr) == (1, "", NOT_OPENED)
    assert not backup.exists()


def test_what_is_not_applied_yet_is_named_save_to_a_backup(monkeypatch, db):
    assert health.reason_to_wait("issue_token") == ""
    missing = ["builders.0001_initial", "governance.0001_initial"]
    monkeypatch.setattr(health, "missing_migrations", lambda: missing)
    assert health.reason_to_wait("issue_token") == (
        "2 migrations are not applied, builders.0001_initial first:"
        " run `make run` or `manage.py migrate`."
    )
    assert health.reason_to_wait("backup") == ""


def test_help_is_given_before_the_first_start(tmp_path, manage):
    helped = manage("issue_token", "--help", var=tmp_path / "var")
    assert helped.returncode == 0
    assert "usage: manage.py issue_token" in helped.stdout
    assert not embedded_postgres.exists(tmp_path / "var")


# --- packages -------------------------------------------------------------------------------------


def install(tmp_path, lock, **variables):
    """Install the lock from an index that nobody can reach."""
    path = tmp_path / "requirements.lock"
    path.write_text(lock)
    plain = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "0", "PIP_RETRIES": "1"}
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": ""}
    return subprocess.run(
        [sys.executable, "-I", packages.__file__, path],
        env=os.environ | plain | nowhere | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


HASH = f"--hash=sha256:{sha256().hexdigest()}"


def test_packages_are_installed_in_one_line(tmp_path):
    done = install(tmp_path, f"pip=={version('pip')} \\\n    {HASH}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Installing 1 package (once) ...\n"


def test_an_index_that_cannot_be_reached_is_said_to_be_so(tmp_path):
    failed = install(tmp_path, f"no-such-package-of-ours==1.0 \\\n    {HASH}\n")
    assert failed.returncode == 1
    reason = "The package index cannot be reached: [Errno 111] Connection refused\n"
    assert failed.stderr == reason


def test_another_error_of_pip_is_shown_as_it_is(tmp_path):
    failed = install(tmp_path, "pip==one or two\n")
    assert failed.returncode == 1
    assert "Invalid requirement" in failed.stderr
    assert "cannot be reached" not in failed.stderr


def test_a_retry_that_helped_is_not_the_reason():
    broken = (
        "WARNING: Retrying (Retry(total={}, connect=None)) after connection broken by"
        " 'ReadTimeoutError(\"Read timed out.\")': /simple/django/\n"
    )
    mismatch = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"
    missing = "ERROR: No matching distribution found for django==1\n"
    assert packages.explain_pip_error(broken.format(3) + mismatch) == broken.format(3) + mismatch
    assert packages.explain_pip_error(broken.format(3) + missing) == broken.format(3) + missing
    assert packages.explain_pip_error(broken.format(0) + missing).startswith(
        "The package index cannot be"
    )


# --- the web server's internals -------------------------------------------------------------------


def test_this_gunicorn_has_what_the_worker_builds_on():
    assert internals.missing() == []
    needed, _ = internals.NEEDED["gunicorn.workers.gthread.ThreadWorker"]
    inherited = {name for name in dir(ThreadWorker) if not name.startswith("__")}
    overridden = {*vars(ReadingWorker), *vars(Worker)} & inherited
    assert overridden == needed.keys()


def test_an_office_without_them_does_not_start_and_says_why(monkeypatch):
    monkeypatch.delattr(ThreadWorker, "_cap_keepalive")
    monkeypatch.setattr(ThreadWorker, "enqueue_req", lambda self, conn, priority: None)
    with pytest.raises(CommandError) as refused:
        call_command("office")
    assert str(refused.value) == (
        f"gunicorn {version('gunicorn')} lacks what the web worker builds on:"
        " gunicorn.workers.gthread.ThreadWorker.enqueue_req(conn),"
        " gunicorn.workers.gthread.ThreadWorker._cap_keepalive(deadline)."
        " Install the version that requirements.lock names."
    )


# --- the end --------------------------------------------------------------------------------------


def test_ctrl_c_closes_what_make_opened_says_so_and_is_no_error(tmp_path, migrated):
    var = tmp_path / "var"
    subprocess.run(["cp", "-a", migrated, var], check=True)  # with its owners
    make = ["make", "--old-file=.venv/installed", "-C", str(ROOT), "--no-print-directory", "run"]
    variables = environment(var, PORT="0", WEB_WORKERS="1")
    child, terminal = pty.fork()
    if not child:
        os.execvpe("make", make, variables)
    said = ""
    deadline = time.monotonic() + PATIENCE
    asked = False
    while select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
        try:
            said += os.read(terminal, 4096).decode()
        except OSError:  # nobody has the terminal open any more
            break
        if "is open at" in said and not asked:
            os.write(terminal, b"\x03")
            asked = True
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, said
    assert said.endswith(f"Foreman Office is closed. Its state is kept in {var}.\r\n")
    assert "***" not in said
    assert embedded_postgres.Server(embedded_postgres.data_directory(var)).postmaster() is None
