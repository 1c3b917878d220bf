"""Read a plan file into the office."""

from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from foreman_office import plan_files
from foreman_office.plan_files.difference import plural
from foreman_office.plan_files.plan import KINDS
from kit.core.acts import Refused
from kit.core.snapshot import snapshot


class Command(BaseCommand):
    help = "Import a plan file. It is checked first, then written completely or not at all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="show the difference and write nothing"
        )
        parser.add_argument(
            "--history",
            metavar="REASON",
            default="",
            help="also set live values of rows that exist (state, progress, times, evidence"
            " location; of tasks under way acceptance criteria, QA suite and architecture"
            " reference): an override, whose reason stays in the evidence",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        history = options["history"].strip()
        if self.stdout.isatty():
            self.stdout.write(f"Reading {file} ...", ending="\r")
            self.stdout.flush()
        try:
            with file.open("rb") as stream:
                plan = plan_files.read_plan(stream, str(file))
            with plan:
                if options["dry_run"]:
                    with snapshot(read_only=False):
                        found = plan_files.difference(plan, history=bool(history))
                else:
                    found = plan_files.apply(plan, by=None, progress=self.progress, history=history)
                self.tell(found, options)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        except plan_files.PlanErrors as errors:
            raise CommandError(str(errors)) from errors
        except Refused as refused:
            raise CommandError(f"{file}: {refused.message} ({refused.rule})") from refused

    def tell(self, found: plan_files.PlanDifference, options: dict[str, Any]) -> None:
        """Write what was changed, or would be."""
        plan = found.plan
        limit = None if options["verbosity"] > 1 else 20
        for line in found.lines(limit):
            self.stdout.write(line)
        contents = ", ".join(
            f"{number:,} {plural(kind, number)}" for kind in KINDS if (number := plan.count(kind))
        )
        if found.withheld:
            self.stdout.write(
                self.style.WARNING(
                    "Live values stay as the office has them (lines with !): --history REASON sets"
                    " them too."
                )
            )
        if not found:
            self.stdout.write(f"Nothing to change: the office has {contents}.")
        elif options["dry_run"]:
            self.stdout.write(f"A dry run: nothing is written. The file holds {contents}.")
        else:
            self.stdout.write(self.style.SUCCESS(f"Imported {plan.name}: {contents}."))

    def progress(self, kind: str, done: int, total: int) -> None:
        """Show how far the writing is: a bar on a terminal, otherwise a line at each end."""
        words = f"{plural(kind, 2)} {done:,} of {total:,}"
        if self.stdout.isatty():
            bar = "█" * (20 * done // total)
            self.stdout.write(f"\r{bar:░<20} {words:<40}", ending="\n" if done == total else "")
            self.stdout.flush()
        elif done == total:
            self.stdout.write(words)
