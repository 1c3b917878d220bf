"""Write the evidence of a program as an archive that a stranger can check."""

import os
import shutil
from getpass import getuser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.utils.text import slugify

from foreman_office.dashboard.evidence_archive.archive import CannotExportError, write_archive
from foreman_office.management.commands.export_plan import program_to_export
from governance.attestations.signer import office_signer
from governance.sealing.keys import CannotSealError
from governance.sealing.notes import TreeHead, parted
from governance.sealing.witness_file import notes_in


class Command(BaseCommand):
    help = (
        "Write all evidence of a program as a ZIP file that anybody can check without the office:"
        " rows, proofs, signed checkpoints, certificates, a page to read, and a verifier."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--program", required=True, help="the name or id of the program")
        parser.add_argument(
            "--output", type=Path, help="the file to write; default: evidence-NAME.zip"
        )
        parser.add_argument(
            "--since",
            type=Path,
            help="a file of checkpoints that the reader has kept: the archive goes on from them",
        )
        parser.add_argument("--by", help="who exports; default: the user of this machine")

    def handle(self, *args: Any, **options: Any) -> None:
        program = program_to_export(options["program"])
        output = options["output"] or Path(f"evidence-{slugify(program.name)[:60]}.zip")
        person = options["by"] or f"{getuser()}, at the command line"
        try:
            witnessed = sizes_in(options["since"].read_text()) if options["since"] else []
            with write_archive(
                program, office_signer(), person=person, witnessed=witnessed
            ) as archive:
                save_archive(archive, output)
        except (CannotExportError, CannotSealError, OSError) as error:
            raise CommandError(f"{program} cannot be exported: {error}") from error
        self.stdout.write(self.style.SUCCESS(f"{output} holds the evidence of {program}."))


def sizes_in(text: str) -> set[int]:
    """Return the sizes of the trees of all checkpoints in a text."""
    return {TreeHead.parsed(parted(note)[0]).size for note in notes_in(text)}


def save_archive(archive: Any, output: Path) -> None:
    """Put an archive in its place once it is complete."""
    draft = output.with_name(f"{output.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            shutil.copyfileobj(archive, file)
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
