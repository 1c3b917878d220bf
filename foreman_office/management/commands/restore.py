"""Bring an office back from a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from foreman_office.kit import dumps


class Command(BaseCommand):
    help = (
        "Fill an empty database from a file that backup wrote, wholly or not at all. A database"
        " with anything in it is refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            dumps.restore(file)
        except dumps.DumpError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            self.style.SUCCESS(
                f"The office is back from {file}, with {len(dumps.tables())} tables."
            )
        )
        self.stdout.write("Whether its record replays: manage.py replay_evidence")
