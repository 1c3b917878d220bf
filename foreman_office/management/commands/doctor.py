"""Look an office over."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from foreman_office.doctor import Level, examine


class Command(BaseCommand):
    help = (
        "Name what is unsafe, without effect or out of order, each with what to do about it. Fails"
        " if there is a fault; a warning alone does not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="as a list of objects"
        )

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        found = examine()
        if as_json:
            self.stdout.write(json.dumps([finding._asdict() for finding in found]))
        else:
            for level, about, sentence in found:
                style = self.style.ERROR if level == Level.FAULT else self.style.WARNING
                self.stdout.write(f"{style(level.upper())} {about}: {sentence}")
        faults = sum(finding.level == Level.FAULT for finding in found)
        if faults:
            raise CommandError(f"{faults} fault{'s' if faults > 1 else ''}.")
        if not as_json:
            self.stdout.write(self.style.SUCCESS("No fault."))
