#!/usr/bin/env python3
"""Run a command of the office, and its own PostgreSQL around it if it has one."""

import os
import signal
import sys
from contextlib import nullcontext

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line, get_commands
from django.db import OperationalError
from environs import EnvError

from kit.runtime import database_addresses, embedded_postgres, pool
from kit.runtime.database_addresses import OFFICE, OWNER, UPKEEP
from kit.runtime.process_group import leave_signals_to_python

WITHOUT_DATABASE = {"check", "collectstatic", "diffsettings", "findstatic", "help", "version"}
# They bring their own server, or make an office, or look at one as it is. All others need one.
BEFORE_THE_FIRST_START = {
    *("office", "migrate", "restore", "doctor", "roles"),
    *("makemigrations", "optimizemigration", "showmigrations", "sqlmigrate", "squashmigrations"),
    *("dbshell", "inspectdb", "shell"),
}
# The role of the database that a command works as, if not as the office.
WORKS_AS = {
    **dict.fromkeys(("migrate", "restore", "generate_office", "flush"), OWNER),
    **dict.fromkeys(("watch", "backup", "prune_heartbeats", "thin_runs"), UPKEEP),
    **dict.fromkeys(("replay_evidence", "export_evidence", "evidence_key"), UPKEEP),
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foreman_office.settings")
    from django.conf import settings

    command = "help" if {"-h", "--help"} & {*sys.argv} else (sys.argv[1:] or ["help"])[0]
    without_database = WITHOUT_DATABASE - ({"check"} if asks_the_database(sys.argv) else set())
    try:
        # The office itself starts its server once it has a port.
        needs_server = settings.EMBEDDED and command not in without_database | {"office"}
    except (ImproperlyConfigured, EnvError) as error:
        sys.exit(f"The office cannot start: {error}")

    # A command is one thread: what a pool keeps for others would only hide why there is none.
    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)
    database_addresses.use(WORKS_AS.get(command, OFFICE))

    leave_signals_to_python()  # so that the last one out stops the server
    try:
        django.setup()
        from foreman_office import health

        needs_office = command in {*get_commands()} - WITHOUT_DATABASE - BEFORE_THE_FIRST_START
        # Asked before the server starts, too: no command makes one only to say that it is empty.
        if needs_office and needs_server and not embedded_postgres.exists(settings.FOREMAN_VAR):
            sys.exit(health.NOT_OPENED)
        with embedded_postgres.running(settings.FOREMAN_VAR) if needs_server else nullcontext():
            if needs_office and (reason := health.reason_to_wait(command)):
                sys.exit(reason)
            execute_from_command_line(sys.argv)
    except embedded_postgres.ServerError as error:
        sys.exit(f"The office cannot start: {error}")
    except OperationalError as error:
        sys.exit(f"The database cannot be used: {pool.explain_connection_error(error)}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


def asks_the_database(arguments: list[str]) -> bool:
    """Return whether `check` includes the database: by its alias, or for a tag."""
    return any(each.startswith(("--database", "--tag", "-t")) for each in arguments)


if __name__ == "__main__":
    main()
