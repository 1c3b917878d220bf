"""Write a program of the office as a plan file."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management import BaseCommand, CommandError, CommandParser

from governance import plans
from programs.models import Program


class Command(BaseCommand):
    help = "Export a program, with its history, as the plan file that import_plan reads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("program", help="its name or its id")
        parser.add_argument("--output", type=Path, help="a file; without it, standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        program = find(options["program"])
        try:
            with plans.export(program) as file:
                if options["output"]:
                    with options["output"].open("wb") as output:
                        shutil.copyfileobj(file, output)
                else:
                    for line in file:
                        self.stdout.write(line.decode(), ending="")
        except (plans.Unwritable, OSError) as error:
            raise CommandError(f"{program} cannot be written: {error}") from error


def find(name: str) -> Program:
    programs = Program.objects.filter(name=name)
    with suppress(ValueError):  # not an id, so a name
        programs |= Program.objects.filter(pk=UUID(name))
    program = programs.first()
    if program is None:
        known = ", ".join(Program.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"There is no program {name!r}. The office has: {known}.")
    return program
