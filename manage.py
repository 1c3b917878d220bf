#!/usr/bin/env python3
"""Run a command of the office, with the office's own PostgreSQL around it where it has one."""

import os
import signal
import sys
from contextlib import nullcontext

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError
from environs import EnvError

from foreman_office.kit import embedded, pool

WITHOUT_DATABASE = {"check", "collectstatic", "diffsettings", "findstatic", "help", "version"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foreman_office.settings")
    from django.conf import settings

    try:
        needs_server = settings.EMBEDDED and WITHOUT_DATABASE.isdisjoint(sys.argv[1:2])
    except (ImproperlyConfigured, EnvError) as error:
        sys.exit(f"The office cannot start: {error}")

    # A command is one thread: what a pool keeps for others would only hide why there is none.
    settings.DATABASES["default"]["OPTIONS"].pop("pool", None)

    # A polite kill unwinds like Ctrl-C, so that the last one out stops the server.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" has it ignored
    try:
        with embedded.running(settings.FOREMAN_VAR) if needs_server else nullcontext():
            execute_from_command_line(sys.argv)
    except embedded.ServerError as error:
        sys.exit(f"The office cannot start: {error}")
    except OperationalError as error:
        sys.exit(f"The database cannot be used: {pool.explain(error)}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    main()
