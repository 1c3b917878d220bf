"""The office in one command: what `make run` and `make demo` start."""

import errno
import fcntl
import logging
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection

from foreman_office.demo.scene import set_the_scene, visitor
from foreman_office.kit import pool, statics
from foreman_office.kit.children import Children
from foreman_office.login_link import make_login_link
from foreman_office.metrics import new_directory

DEFAULT_PORTS = range(8000, 8050)
FIRST_REST, LAST_REST = 1, 60  # seconds until a helper that ended is followed by another
RESTS = ", resting"
GRACE = 10  # seconds for requests in flight when the office closes
MIGRATION_LOCK = 0x0FF1CE  # one number that all offices on one database agree on

logger = logging.getLogger("foreman.office")


class Command(BaseCommand):
    help = "Open the office: migrate, collect static files, serve until told to stop."

    def handle(self, *args: Any, **options: Any) -> None:
        with self.only_office_here() as lock, listening_socket() as listener:
            with one_migrating_office():
                call_command("migrate", verbosity=0)
            statics.collect()
            if settings.FOREMAN_SIMULATION:
                set_the_scene(self.stdout)
            address = f"http://{host_for_people(listener)}:{listener.getsockname()[1]}/"
            with Children(grace=GRACE + 5, inherit=[lock.fileno()]) as children:
                children.start(
                    "gunicorn",
                    gunicorn(listener),
                    inherit=[listener.fileno()],
                    env=new_directory(),
                )
                if settings.FOREMAN_SIMULATION:
                    children.start("simulation", manage("simulate", address))
                helpers = {"The watcher": manage("watch")}
                if settings.EMBEDDED:
                    helpers["The keeper of PostgreSQL"] = manage("keep_server")
                for helper, command in helpers.items():
                    children.start(helper, command)
                self.welcome(lock, address)
                name, status = self.outlive(children, helpers)
            raise CommandError(f"{name} ended unexpectedly ({status}), so the office closes.")

    def outlive(self, children: Children, helpers: dict[str, list[str]]) -> tuple[str, int]:
        """Start each helper again whenever it ends, sooner or later; return who else ended."""
        rests = dict.fromkeys(helpers, FIRST_REST)
        begun = dict.fromkeys(helpers, time.monotonic())
        while True:
            name, status = children.wait()
            helper = name.removesuffix(RESTS)
            if helper not in helpers:
                return name, status
            if name == helper:
                if time.monotonic() - begun[name] > LAST_REST:
                    rests[name] = FIRST_REST
                logger.warning("%s ended (%s); another begins in %s s.", name, status, rests[name])
                # A child too, so that we notice meanwhile if any other ends.
                children.start(name + RESTS, ["sleep", str(rests[name])])
                rests[name] = min(2 * rests[name], LAST_REST)
            else:
                begun[helper] = time.monotonic()
                children.start(helper, helpers[helper])

    @contextmanager
    def only_office_here(self) -> Iterator[TextIO]:
        """Be the one office of this var/, after what a killed one left has ended too.

        The first lock is ours alone; the second is inherited by all that we start.
        """
        settings.FOREMAN_VAR.mkdir(parents=True, exist_ok=True)
        with (
            (settings.FOREMAN_VAR / "office.lock").open("a+") as ours,
            (settings.FOREMAN_VAR / "office.children").open("a+") as inherited,
        ):
            try:
                fcntl.flock(ours, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                inherited.seek(0)
                raise CommandError(f"This office is already open: {inherited.read()}") from None
            fcntl.flock(inherited, fcntl.LOCK_EX)
            yield inherited

    def welcome(self, lock: TextIO, address: str) -> None:
        lock.truncate(0)
        lock.write(address)
        lock.flush()
        self.say(f"Foreman Office is open at {address} (Ctrl-C closes it)")
        if settings.FOREMAN_SIMULATION:
            link = address.rstrip("/") + make_login_link(visitor())
            self.say(f"This is a simulation. Log in, once, at {link}")
        elif not get_user_model().objects.exists():
            self.say("Nobody can log in yet: .venv/bin/python manage.py createsuperuser")
        self.stdout.flush()

    def say(self, words: str) -> None:
        """Say something to whoever started the office, or to what collects its lines."""
        if settings.FOREMAN_LOG == "json":
            logger.info(words)
        else:
            self.stdout.write(words)


def listening_socket() -> socket.socket:
    """Take the port that was asked for, or the first free one from 8000 if none was."""
    host, asked = settings.FOREMAN_BIND, settings.PORT
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in DEFAULT_PORTS if asked is None else [asked]:
        try:
            return socket.create_server((host, port), family=family, backlog=2048)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CommandError(f"Cannot listen on {host}, port {port}: {error}") from error
    if asked is None:
        raise CommandError("No port from 8000 is free; choose another with PORT=...")
    raise CommandError(f"Port {asked} is taken; choose another with PORT=...")


def host_for_people(listener: socket.socket) -> str:
    host = settings.FOREMAN_BIND
    if host in ("127.0.0.1", "0.0.0.0", "::1", "::"):  # noqa: S104
        return "localhost"
    return f"[{host}]" if ":" in host else host


@contextmanager
def one_migrating_office() -> Iterator[None]:
    """Let offices that start on one database at once migrate one after the other.

    The lock belongs to a transaction, so it holds behind a transaction pooler too.
    """
    try:
        holder = psycopg.connect(**connection.get_connection_params())
    except psycopg.OperationalError as error:
        raise CommandError(f"The database cannot be reached: {pool.explain(error)}") from error
    with holder:
        for timeout in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            holder.execute(f"SET LOCAL {timeout} = 0")
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        yield


def manage(*command: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *command]


def gunicorn(listener: socket.socket) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "foreman_office.wsgi"),
        *("--chdir", str(settings.BASE_DIR)),
        *("--bind", f"fd://{listener.fileno()}"),
        *("--logger-class", "foreman_office.kit.server.Logger"),
        *("--worker-class", "foreman_office.live.worker.Worker"),
        *("--workers", str(settings.WEB_WORKERS)),
        *("--threads", str(settings.WEB_THREADS + settings.FOREMAN_STREAMS)),
        *("--graceful-timeout", str(GRACE)),
        *("--log-level", "warning"),
        "--no-control-socket",
    ]
