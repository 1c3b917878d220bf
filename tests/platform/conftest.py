"""Offices and users of a server as real processes, each in a var/ of its own."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest

from kit.runtime import embedded_postgres
from tests import throwaway

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds: whoever waits in vain has failed, and nobody else waits so long

USER = """
import sys
from pathlib import Path
from kit.runtime import embedded_postgres
with embedded_postgres.running(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""

COLLECT = "from kit.runtime import statics; statics.collect()"

OURS = re.compile("FOREMAN_|DATABASE_|DJANGO_|WEB_|(ALLOWED_HOSTS|PORT)$")
PLAIN = {"DATABASE_URL": "", "SECRET_KEY": "", "DEBUG": "false", "HTTPS": "false"}


def environment(var: Path, **variables: str) -> dict[str, str]:
    """Return what a fresh shell would say, with nothing of this run or of a developer's .env."""
    kept = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    return {**kept, **PLAIN, "FOREMAN_VAR": str(var), **variables}


def place() -> Path:
    """Make a directory among those of this run.

    Not among pytest's own: each new pytest closes root's to everybody else, and so to the
    PostgreSQL that another one runs there as another user.
    """
    return Path(tempfile.mkdtemp(prefix="place-", dir=throwaway.directory()))


@pytest.fixture
def tmp_path():
    return place()


@pytest.fixture
def manage(tmp_path):
    """Run a command of the office to its end."""

    def run(*arguments, var=tmp_path / "var", **variables):
        return subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments],
            env=environment(var, **variables),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    return run


class Process:
    """A process of ours, with all that it started."""

    def __init__(self, command, env):
        self.popen = subprocess.Popen(
            command,
            env=env,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, text):
        """Read on until a line says the text; return the line."""
        said = []
        alarm = threading.Timer(PATIENCE, self.popen.kill)
        alarm.start()
        try:
            for line in self.popen.stdout:
                said.append(line)
                if text in line:
                    return line
        finally:
            alarm.cancel()
        raise AssertionError(f"never said {text!r}, but:\n{''.join(said)}")

    def descendants(self):
        return psutil.Process(self.popen.pid).children(recursive=True)

    def end(self, number=signal.SIGINT):
        self.popen.send_signal(number)
        return self.popen.wait(PATIENCE)


@contextmanager
def starting():
    """Start processes, and leave none of them behind."""
    started = []

    def start(command, env):
        process = Process(command, env)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.popen.poll() is None:
            process.end()
        process.popen.stdout.close()
        process.popen.stdin.close()


@pytest.fixture
def start():
    with starting() as start:
        yield start


@pytest.fixture
def use_server(start):
    """Start a process that uses the server of a var/ until its input ends."""

    def use(var):
        return start([sys.executable, "-c", USER, str(var)], environment(var))

    return use


@pytest.fixture(scope="session")
def set_up():
    """Set up an empty server once; a copy of its directory is there at once."""

    def prepare(var):
        with embedded_postgres.running(var):
            pass

    return throwaway.once("set_up", prepare)


def copied(source, var):
    """Copy the directory of a server that does not run."""
    subprocess.run(["cp", "-a", source, var], check=True)  # with its owners
    return var


@pytest.fixture(scope="session")
def migrated():
    """Migrate and collect static files once; an office that opens on a copy opens sooner."""

    def prepare(var):
        for command in (["migrate"], ["shell", "--no-imports", "-c", COLLECT]):
            command = [sys.executable, ROOT / "manage.py", *command]
            subprocess.run(command, env=environment(var), check=True, capture_output=True)

    return throwaway.once("migrated", prepare)


def gone(processes):
    """Return whether all of these processes end within a timeout."""
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE)
    return not alive


class Office:
    def __init__(self, process, var):
        self.process, self.var = process, var
        self.address = re.search(r"http://\S+/", process.wait_for("is open at"))[0]
        assert self.is_open()
        self.server = embedded_postgres.Server(embedded_postgres.data_directory(var)).postmaster()
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
                if child.name() == "foreman-watch" or child.cmdline()[-1:] == ["watch"]:
                    return child
        return None


def opened(start, migrated, var, **variables):
    if not var.exists():
        copied(migrated, var)
    command = [sys.executable, ROOT / "manage.py", "office"]
    variables = {"PORT": "0", "WEB_WORKERS": "1"} | variables  # one is enough to be an office
    return Office(start(command, environment(var, **variables)), var)


@pytest.fixture
def open_office(start, migrated):
    return partial(opened, start, migrated)
