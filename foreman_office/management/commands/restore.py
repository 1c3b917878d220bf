"""Restore an office from a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from foreman_office.database_roles.applying import grant_again
from kit.runtime import backup


class Command(BaseCommand):
    help = (
        "Fill an empty database from a file that backup wrote, wholly or not at all. A database"
        " with anything in it is refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            backup.restore(file)
        except backup.DumpError as error:
            raise CommandError(str(error)) from error
        grant_again(self.stderr.write)
        self.stdout.write(
            self.style.SUCCESS(f"Restored the office from {file}: {len(backup.tables())} tables.")
        )
        self.stdout.write("Check that its evidence replays: manage.py replay_evidence")
