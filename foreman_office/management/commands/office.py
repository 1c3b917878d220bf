"""The office in one command: what `make run` and `make demo` start."""

import errno
import fcntl
import logging
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from functools import partial
from typing import Any, TextIO

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError
from django.db import connection

from foreman_office.login_link import make_login_link
from foreman_office.management import migrating
from foreman_office.metrics import new_directory
from foreman_office.simulation.scene import set_the_scene, visitor
from governance.watch import note_absences
from kit.runtime import embedded_postgres, internals, postgres_keeper, statics
from kit.runtime.connection import MOST_OF_NETWORK
from kit.runtime.database_addresses import (
    MEMBERS_ADDRESS,
    OTHER_ADDRESSES,
    OWNER,
    OWNERS_ADDRESS,
    acting_as,
)
from kit.runtime.first_answer import wait_for_answer
from kit.runtime.process_group import Children
from kit.runtime.start_gate import StartGate
from kit.runtime.terminal import keys_reach_us_alone

DEFAULT_PORTS = range(8000, 8050)
WATCHED = {"FOREMAN_OFFICE_HAS_A_WATCHER": "true"}
FIRST_REST, LAST_REST = 1, 60  # seconds until a helper that ended is followed by another
RESTS = ", resting"
# Threads share two heaps of the C library: with one each, what is free in one is lost to others.
FEW_ARENAS = {"MALLOC_ARENA_MAX": "2"}
GRACE = 10  # seconds for requests in flight when the office closes
CLOSED = "Foreman Office is closed. Its state is kept in {}.".format(
    settings.FOREMAN_VAR if settings.EMBEDDED else "its database"
)

logger = logging.getLogger("foreman.office")


class Command(BaseCommand):
    help = "Open the office: migrate, collect static files, and serve until stopped."
    requires_system_checks = []  # checked while the web server loads

    def handle(self, *args: Any, **options: Any) -> None:
        if lacking := internals.missing():
            raise CommandError(internals.explain_missing(lacking))
        with keys_reach_us_alone():
            try:
                self.open()
            except KeyboardInterrupt:
                self.say_last(CLOSED)  # as was asked for, so this is a good end
            except SystemExit:
                self.say_last(CLOSED)
                raise

    def open(self) -> None:
        """Run the office until an exception ends it, whatever the cause."""
        postgres = embedded_postgres.running(settings.FOREMAN_VAR)
        with (
            self.only_office_here() as lock,
            listening_socket() as listener,
            Children(grace=GRACE + 5, inherit=[lock.fileno()]) as children,
            StartGate() as gate,
        ):
            statics.collect(self.say)  # the web server looks through them when it loads
            start_web_server(children, listener, gate)
            # It loads while the rest is prepared.
            self.check()
            # The children end before the server that they use.
            with postgres if settings.EMBEDDED else nullcontext(), children:
                self.prepare()
                gate.open()
                # The others load once a page is answered, for which people wait.
                is_alive = partial(children.is_alive, WEB_SERVER)
                if wait_for_answer(listener, is_alive, a_host()):
                    name, status = self.run(children, lock, listener)
                else:
                    name, status = children.wait()
            raise CommandError(f"{name} ended unexpectedly ({status}); the office closes.")

    def prepare(self) -> None:
        """Bring the database to the state that this release needs."""
        if not settings.FOREMAN_READ_ONLY:
            with acting_as(OWNER):
                migrating.migrate(self.say)
            # Before the first page: nobody is silent because the office was closed.
            note_absences(shortest=3 * timedelta(seconds=settings.FOREMAN_SWEEP_SECONDS))
        connection.close()
        if settings.FOREMAN_SIMULATION:
            set_the_scene(self.stdout)

    def run(self, children: Children, lock: TextIO, listener: socket.socket) -> tuple[str, int]:
        """Start what works beside the web server; return which child ended that must not."""
        address = f"http://{host_for_people(listener)}:{listener.getsockname()[1]}/"
        if settings.FOREMAN_SIMULATION:
            children.start(
                "simulation",
                manage("simulate", address),
                env=without(MEMBERS_ADDRESS, *OTHER_ADDRESSES),
            )
        helpers = {} if settings.FOREMAN_READ_ONLY else {**WRITERS}
        if settings.EMBEDDED:
            helpers[KEEPER] = postgres_keeper.command(settings.FOREMAN_VAR, settings.FOREMAN_LOG)
        for helper, command in helpers.items():
            children.start(helper, command, env=env_of(helper))
        self.welcome(lock, address)
        try:
            return self.outlive(children, helpers)
        except (KeyboardInterrupt, SystemExit):
            self.say_last("\nClosing ..." if sys.stdout.isatty() else "Closing ...")
            raise

    def outlive(self, children: Children, helpers: dict[str, list[str]]) -> tuple[str, int]:
        """Restart each helper whenever it ends; return which other child ended."""
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
                logger.warning("%s ended (%s); it restarts in %s s.", name, status, rests[name])
                # A child too, so that we notice meanwhile if any other ends.
                children.start(name + RESTS, ["sleep", str(rests[name])])
                rests[name] = min(2 * rests[name], LAST_REST)
            else:
                begun[helper] = time.monotonic()
                children.start(helper, helpers[helper], env=env_of(helper))

    @contextmanager
    def only_office_here(self) -> Iterator[TextIO]:
        """Lock this var/ for one office, after the processes of a killed one have ended too.

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
            self.welcome_visitor(address)
        elif not get_user_model().objects.exists():
            self.say("No user can log in yet: run .venv/bin/python manage.py createsuperuser")

    def welcome_visitor(self, address: str) -> None:
        """Print a login link for the terminal; a log is for more eyes, and has none."""
        if settings.FOREMAN_LOG == "json":
            self.say(f"This is a simulation. For a login link: manage.py login_link {visitor()}")
        else:
            link = address.rstrip("/") + make_login_link(visitor())
            self.say(f"This is a simulation. Log in with this one-time link: {link}")

    def say_last(self, words: str) -> None:
        """Write a line whose readers may have gone, with their terminal."""
        with suppress(OSError):
            self.say(words)

    def say(self, words: str) -> None:
        """Write a line for the terminal, or for what collects the lines."""
        if settings.FOREMAN_LOG == "json":
            logger.info(words)
        else:
            self.stdout.write(words)
            self.stdout.flush()


def start_web_server(children: Children, listener: socket.socket, gate: StartGate) -> None:
    children.start(
        WEB_SERVER,
        gunicorn(listener),
        inherit=[listener.fileno(), gate.reader],
        env=new_directory()
        | FEW_ARENAS
        | ({} if settings.FOREMAN_READ_ONLY else WATCHED)
        | {MOST_OF_NETWORK: most_of_network()}
        | gate.env
        | without(*OTHER_ADDRESSES),
    )


def listening_socket() -> socket.socket:
    """Bind the port that was requested, or the first free one from 8000."""
    host, asked = settings.FOREMAN_BIND, settings.PORT
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in DEFAULT_PORTS if asked is None else [asked]:
        try:
            return socket.create_server((host, port), family=family, backlog=2048)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CommandError(f"Cannot listen on {host}, port {port}: {error}") from error
    if asked is None:
        raise CommandError("No port from 8000 to 8049 is free; choose one with PORT=...")
    raise CommandError(f"Port {asked} is taken; choose another with PORT=...")


def a_host() -> str:
    """Return a name that requests to this office may call it by."""
    names = (name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*")
    return next(names, "localhost")


def host_for_people(listener: socket.socket) -> str:
    host = settings.FOREMAN_BIND
    if host in ("127.0.0.1", "0.0.0.0", "::1", "::"):  # noqa: S104
        return "localhost"
    return f"[{host}]" if ":" in host else host


def most_of_network() -> str:
    """Return how many connections one address may have; behind a proxy, which has all, 0."""
    return str(0 if settings.FOREMAN_PROXIES else settings.FOREMAN_CONNECTIONS_PER_ADDRESS)


def without(*addresses: str) -> dict[str, str]:
    """Return an environment that keeps addresses of the database from a child."""
    return dict.fromkeys(addresses, "")


def env_of(helper: str) -> dict[str, str]:
    """Return what a helper is started with; who delivers acts as the office."""
    if helper == MESSENGER:
        return without(MEMBERS_ADDRESS, *OTHER_ADDRESSES) | FEW_ARENAS
    if helper == KEEPER:
        addresses = OWNERS_ADDRESS, MEMBERS_ADDRESS, *OTHER_ADDRESSES
        return without(*addresses) | {"PYTHONPATH": str(settings.BASE_DIR)}
    return without(OWNERS_ADDRESS, MEMBERS_ADDRESS)


def manage(*command: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *command]


WEB_SERVER = "gunicorn"
MESSENGER = "The worker of messages"
KEEPER = "The PostgreSQL supervisor"
WRITERS = {"The watcher": manage("watch"), MESSENGER: manage("deliver")}


def gunicorn(listener: socket.socket) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "foreman_office.wsgi"),
        *("--config", "python:kit.runtime.start_gate"),
        *("--chdir", str(settings.BASE_DIR)),
        *("--bind", f"fd://{listener.fileno()}"),
        *("--logger-class", "kit.runtime.server.Logger"),
        *("--worker-class", "kit.live.worker.Worker"),
        *("--workers", str(settings.WEB_WORKERS)),
        *("--threads", str(settings.WEB_THREADS + settings.FOREMAN_STREAMS)),
        *("--graceful-timeout", str(GRACE)),
        *("--log-level", "warning"),
        "--preload",  # its workers share what is loaded, and are there sooner
        "--no-control-socket",
    ]
