"""Read a plan file into the office."""

import sqlite3
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from foreman_office.kit.acts import Refused
from foreman_office.kit.unavailable import NO_ROOM, lacks_room
from governance import plans
from governance.plans.difference import plural
from governance.plans.plan import KINDS


class Command(BaseCommand):
    help = "Import a plan file: checked first, then written as a whole or not at all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="show the difference and write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        if self.stdout.isatty():
            self.stdout.write(f"Reading {file} ...", ending="\r")
            self.stdout.flush()
        try:
            with file.open("rb") as stream:
                plan = plans.read(stream, str(file))
            if options["dry_run"]:
                with plans.looking():
                    found = plans.difference(plan)
            else:
                found = plans.apply(plan, by=None, progress=self.progress)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        except sqlite3.OperationalError as error:
            if not lacks_room(error):
                raise
            raise CommandError(f"{file}: {NO_ROOM[1]} ({NO_ROOM[0]})") from error
        except plans.PlanErrors as errors:
            raise CommandError(str(errors)) from errors
        except Refused as refused:
            raise CommandError(f"{file}: {refused.message} ({refused.rule})") from refused

        limit = None if options["verbosity"] > 1 else 20
        for line in found.lines(limit):
            self.stdout.write(line)
        contents = ", ".join(
            f"{number:,} {plural(kind, number)}" for kind in KINDS if (number := plan.count(kind))
        )
        if not found:
            self.stdout.write(f"Nothing to change: the office has {contents}.")
        elif options["dry_run"]:
            self.stdout.write(f"A dry run: nothing is written. The file holds {contents}.")
        else:
            self.stdout.write(self.style.SUCCESS(f"Imported {file}: {contents}."))

    def progress(self, kind: str, done: int, total: int) -> None:
        """Show how far the writing is: a bar on a terminal, otherwise a line at each end."""
        words = f"{plural(kind, 2)} {done:,} of {total:,}"
        if self.stdout.isatty():
            bar = "█" * (20 * done // total)
            self.stdout.write(f"\r{bar:░<20} {words:<40}", ending="\n" if done == total else "")
            self.stdout.flush()
        elif done == total:
            self.stdout.write(words)
