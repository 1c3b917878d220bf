"""Check an office: the checks of `foreman_office/checks.py`, a line each."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.checks import ERROR, CheckMessage
from django.core.management import BaseCommand, CommandError

from foreman_office.checks import examine


class Command(BaseCommand):
    help = (
        "List what is unsafe, has no effect or is out of order, each with a remedy. Fails"
        " if there is a fault; a warning alone does not."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="as a list of objects"
        )

    def handle(self, *args: Any, as_json: bool, **options: Any) -> None:
        found = examine()
        if as_json:
            self.stdout.write(json.dumps([as_object(finding) for finding in found]))
        else:
            for finding in found:
                style = self.style.ERROR if finding.is_serious() else self.style.WARNING
                level = level_of(finding).upper()
                self.stdout.write(f"{style(level)} {finding.obj}: {finding.msg}")
        faults = sum(finding.is_serious() for finding in found)
        if faults:
            raise CommandError(f"{faults} fault{'s' if faults > 1 else ''}.")
        if not as_json:
            self.stdout.write(self.style.SUCCESS("No fault."))


def level_of(finding: CheckMessage) -> str:
    return "fault" if finding.level >= ERROR else "warning"


def as_object(finding: CheckMessage) -> dict[str, str]:
    return {
        "level": level_of(finding),
        "id": finding.id,
        "about": finding.obj,
        "sentence": finding.msg,
    }
