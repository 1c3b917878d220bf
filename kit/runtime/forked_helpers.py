"""What works beside the web server, forked from it once it is loaded: they share their memory.

The web server forks each helper before it has threads, connections or workers. The helper then
waits for the supervisor of the office, of which it becomes a child, and which tells it what the
web server must not know: the address of the database that it works with.
"""

import ctypes
import json
import os
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

from kit.runtime import parent_death_signal
from kit.runtime.process_group import close_files_but, end_as_child, leave_signals_to_python

FORKS = "FOREMAN_FORKS"  # the commands that the server forks, each with its file and its role
PR_SET_NAME, PR_SET_CHILD_SUBREAPER = 15, 36
LONGEST = 64 * 1024  # bytes of what a helper is told


class Fork(NamedTuple):
    """A helper that the web server forks: its command, its role, and the ends of its socket."""

    command: str
    role: str
    ours: socket.socket
    theirs: socket.socket


# Elsewhere the office could not become the parent of what its web server forks.
CAN_FORK = sys.platform == "linux"


def become_parent_of_orphans() -> None:
    """Become the parent of what a child forks and leaves from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if CAN_FORK and libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "The office cannot become the parent of its helpers")


def to_fork(command: str, role: str) -> Fork:
    return Fork(command, role, *socket.socketpair())


def environment_of(forks: Sequence[Fork]) -> dict[str, str]:
    """Return what tells a web server, which inherits their sockets, what it forks."""
    told = {fork.command: [fork.theirs.fileno(), fork.role] for fork in forks}
    return {FORKS: json.dumps(told)}


# --- in the supervisor ----------------------------------------------------------------------------


def release(file: int, env: Mapping[str, str], inherited: Sequence[int]) -> int | None:
    """Start the work of a helper, and return its number; None if there is none."""
    with socket.socket(fileno=file) as helper:
        number = helper.recv(20)
        if number:
            told = {"parent": os.getpid(), "env": dict(env), "inherited": [*inherited]}
            helper.sendall(json.dumps(told).encode())
    return int(number) if number else None


# --- in the web server ----------------------------------------------------------------------------


def fork_helpers() -> None:
    """Fork what this web server was told to, once it is loaded and before it starts its workers."""
    for command, (file, role) in json.loads(os.environ.pop(FORKS, "{}")).items():
        # With threads a fork is not safe: then the supervisor starts a process of its own.
        if threading.active_count() == 1:
            between = os.fork()
            if not between:
                if os.fork():
                    os._exit(0)  # the helper is an orphan, and becomes a child of the supervisor
                end_as_child(partial(help_out, file, command, role))
            os.waitpid(between, 0)
        os.close(file)


def help_out(file: int, command: str, role: str) -> None:
    """Wait for the supervisor, and then be the process of a command."""
    os.setpgid(0, 0)
    with socket.socket(fileno=file) as supervisor:
        supervisor.sendall(str(os.getpid()).encode())
        told = supervisor.recv(LONGEST)
    if not told:
        sys.exit("The office ended before its helper began.")
    office = json.loads(told)
    parent_death_signal.set_for(office["parent"])
    close_files_but(office["inherited"])
    leave_signals_to_python()
    ctypes.CDLL(None).prctl(PR_SET_NAME, f"foreman-{command}".encode(), 0, 0, 0)
    os.environ.update(office["env"])
    run_command(command, role)


def run_command(command: str, role: str) -> None:
    from django.conf import settings
    from django.core.management import call_command

    from kit.runtime import database_addresses, embedded_postgres

    database_addresses.learn(role, os.environ)
    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
    database_addresses.use(role)
    own: Any = embedded_postgres.running(settings.FOREMAN_VAR)
    with own if settings.EMBEDDED else nullcontext():
        call_command(command)
