"""Write a program of the office as a plan file."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management import BaseCommand, CommandError, CommandParser

from foreman_office import plan_files
from programs.models import Program


class Command(BaseCommand):
    help = "Export a program, with its history, as the plan file that import_plan reads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("program", help="the name or id of the program")
        parser.add_argument(
            "--output", type=Path, help="the file to write; default: standard output"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        program = program_to_export(options["program"])
        try:
            with plan_files.export(program) as file:
                if options["output"]:
                    with options["output"].open("wb") as output:
                        shutil.copyfileobj(file, output)
                else:
                    for line in file:
                        self.stdout.write(line.decode(), ending="")
        except (plan_files.Unwritable, OSError) as error:
            raise CommandError(f"{program} cannot be written: {error}") from error


def program_to_export(name: str) -> Program:
    programs = Program.objects.filter(name=name)
    with suppress(ValueError):  # not an id, so a name
        programs |= Program.objects.filter(pk=UUID(name))
    program = programs.first()
    if program is None:
        known = ", ".join(Program.objects.values_list("name", flat=True)) or "none"
        raise CommandError(f"No program is called {name!r}. The office has: {known}.")
    return program
