"""The office in one command: what `make run` and `make demo` start."""

import errno
import fcntl
import logging
import os
import socket
import sys
from collections.abc import Collection, Iterator
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
from kit.runtime import embedded_postgres, internals, statics
from kit.runtime.connection import MOST_OF_NETWORK
from kit.runtime.database_addresses import (
    OFFICE,
    OTHER_ADDRESSES,
    OWNER,
    OWNERS_ADDRESS,
    UPKEEP,
    UPKEEPS_ADDRESS,
    acting_as,
)
from kit.runtime.first_answer import wait_for_answer
from kit.runtime.forked_helpers import (
    CAN_FORK,
    Fork,
    become_parent_of_orphans,
    environment_of,
    to_fork,
)
from kit.runtime.process_group import Children
from kit.runtime.start_gate import StartGate
from kit.runtime.supervisor import SupervisedOffice
from kit.runtime.terminal import keys_reach_us_alone

DEFAULT_PORTS = range(8000, 8050)
WATCHED = {"FOREMAN_OFFICE_HAS_A_WATCHER": "true"}
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
        with keys_reach_us_alone() as group:
            try:
                self.open(group)
            except KeyboardInterrupt:
                self.say_last(CLOSED)  # as was asked for, so this is a good end
            except SystemExit:
                self.say_last(CLOSED)
                raise

    def open(self, group: int | None) -> None:
        """Open the office, and become the supervisor that keeps it open."""
        postgres = embedded_postgres.running(settings.FOREMAN_VAR)
        with (
            self.only_office_here() as (ours, inherited),
            listening_socket() as listener,
            Children(grace=GRACE + 5, inherit=[inherited.fileno()]) as children,
            StartGate() as gate,
        ):
            forks = helpers_to_fork()
            statics.collect(self.say)  # the web server looks through them when it loads
            start_web_server(children, listener, gate, forks.values())
            # It loads while the rest is prepared.
            self.check()
            # The children end before the server that they use.
            with postgres if settings.EMBEDDED else nullcontext() as users, children:
                self.prepare()
                become_parent_of_orphans()  # of the helpers, and not of the database's server
                gate.open()
                # The others load once a page is answered, for which people wait.
                is_alive = partial(children.is_alive, WEB_SERVER)
                if not wait_for_answer(listener, is_alive, a_host()):
                    name, status = children.wait()
                    raise CommandError(f"{name} ended unexpectedly ({status}); the office closes.")
                address = f"http://{host_for_people(listener)}:{listener.getsockname()[1]}/"
                if settings.FOREMAN_SIMULATION:
                    command = manage("simulate", address)
                    children.start("simulation", command, env=without(*OTHER_ADDRESSES))
                inherited.truncate(0)
                inherited.write(address)
                inherited.flush()
                SupervisedOffice(
                    children={name: child.pid for name, child in children.running.items()},
                    helpers=helper_commands(),
                    forked={name: fork.ours.fileno() for name, fork in forks.items()},
                    grace=children.grace,
                    inherited=[inherited.fileno()],
                    kept=[ours.fileno()],
                    passed=[] if users is None else [users],
                    var=str(settings.FOREMAN_VAR) if settings.EMBEDDED else "",
                    log=settings.FOREMAN_LOG,
                    welcome=self.welcome(address),
                    closed=CLOSED,
                    group=group,
                    python_path=os.environ.get("PYTHONPATH"),
                ).become_supervisor()

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

    @contextmanager
    def only_office_here(self) -> Iterator[tuple[TextIO, TextIO]]:
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
            yield ours, inherited

    def welcome(self, address: str) -> list[str]:
        """Return the lines that the supervisor says once all is running."""
        said = [f"Foreman Office is open at {address} (Ctrl-C closes it)"]
        if settings.FOREMAN_SIMULATION:
            said.append(self.welcome_visitor(address))
        elif not get_user_model().objects.exists():
            said.append("No user can log in yet: run .venv/bin/python manage.py createsuperuser")
        return said

    def welcome_visitor(self, address: str) -> str:
        """Return a login link for the terminal; a log is for more eyes, and has none."""
        if settings.FOREMAN_LOG == "json":
            return f"This is a simulation. For a login link: manage.py login_link {visitor()}"
        link = address.rstrip("/") + make_login_link(visitor())
        return f"This is a simulation. Log in with this one-time link: {link}"

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


def helpers_to_fork() -> dict[str, Fork]:
    """Return the helpers that the web server forks, where it is possible to become their parent."""
    if settings.FOREMAN_READ_ONLY or not CAN_FORK:
        return {}
    return {name: to_fork(*command) for name, command in WRITERS.items()}


def start_web_server(
    children: Children, listener: socket.socket, gate: StartGate, forks: Collection[Fork]
) -> None:
    children.start(
        WEB_SERVER,
        gunicorn(listener),
        inherit=[listener.fileno(), gate.reader, *(fork.theirs.fileno() for fork in forks)],
        env=new_directory()
        | FEW_ARENAS
        | ({} if settings.FOREMAN_READ_ONLY else WATCHED)
        | {MOST_OF_NETWORK: most_of_network()}
        | gate.env
        | environment_of(forks)
        | without(*OTHER_ADDRESSES),
    )


def helper_commands() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return each helper's command and environment: the addresses of its role alone."""
    if settings.FOREMAN_READ_ONLY:
        return {}
    return {
        name: (
            manage(command),
            (without(*OTHER_ADDRESSES) if role == OFFICE else only_upkeep()) | FEW_ARENAS,
        )
        for name, (command, role) in WRITERS.items()
    }


def only_upkeep() -> dict[str, str]:
    """Return an environment with the address of upkeep, as it is in ours, and not the owner's."""
    return without(OWNERS_ADDRESS) | {
        name: value for name, value in os.environ.items() if name == UPKEEPS_ADDRESS
    }


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


def manage(*command: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *command]


WEB_SERVER = "gunicorn"
WRITERS = {
    "The watcher": ("watch", UPKEEP),
    "The worker of messages": ("deliver", OFFICE),
}


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
