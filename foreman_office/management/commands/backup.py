"""Keep the office in a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from foreman_office.kit import dumps


class Command(BaseCommand):
    help = (
        "Write all that the database of the office holds to a file, in pg_dump's custom format,"
        " while the office is at work. A file of that name is replaced once the new one is whole."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            dumps.backup(file)
        except dumps.DumpError as error:
            raise CommandError(str(error)) from error
        size = file.stat().st_size
        self.stdout.write(self.style.SUCCESS(f"{file} holds the office ({size:,} bytes)."))
