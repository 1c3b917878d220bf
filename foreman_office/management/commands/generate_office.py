"""Fill an empty office with generated data."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import connection
from django.utils.timezone import now

from bench.generator.size import LARGE, Size
from bench.generator.writing import TABLES, generate
from programs.models import Program


class Command(BaseCommand):
    help = (
        "Fill an empty office with programs, waves, tasks, heartbeats and evidence, generated"
        " from a seed: the same seed makes the same office, ending now."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1)
        for name, number in asdict(LARGE).items():
            parser.add_argument(f"--{name}", type=int, default=number, metavar="N")

    def handle(self, *args: Any, seed: int, **options: Any) -> None:
        try:
            size = Size(**{name: options[name] for name in asdict(LARGE)})
        except ValueError as error:
            raise CommandError(str(error)) from error
        if Program.objects.exists():
            raise CommandError("This office has programs; only an empty office can be filled.")
        generate(size, seed=seed, now=now())
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")
            for table in TABLES:
                cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  our own names
                self.stdout.write(f"{cursor.fetchone()[0]:>12,} {table}")
