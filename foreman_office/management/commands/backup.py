"""Back up the office to a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from kit.runtime import backup


class Command(BaseCommand):
    help = (
        "Write all data of the office's database to a file, in pg_dump's custom format,"
        " while the office is running. An existing file is replaced once the new one is complete."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            backup.backup(file)
        except backup.DumpError as error:
            raise CommandError(str(error)) from error
        size = file.stat().st_size
        self.stdout.write(self.style.SUCCESS(f"{file} holds the office ({size:,} bytes)."))
