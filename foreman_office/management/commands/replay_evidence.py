"""Rebuild the recorded state from the evidence alone, and compare it with the tables.

A record says as much as the rules that write it: these are compared with the release's.
"""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from foreman_office.database_roles.findings import altered_rights
from governance.latest_runs import latest_runs_astray
from governance.replay import Replay, one_moment
from governance.rules_in_force import altered_rules
from governance.sealing.record_check import check_record
from governance.sealing.witness_file import witness_path


class Command(BaseCommand):
    help = (
        "Rebuild every row of every governed table (programs, waves, tasks, builders, pauses,"
        " blockers, violations, validations, runs and their tests, claims, plan notes, tokens) from"
        " the evidence trail alone, and users, groups and rights from the office log, and compare"
        " them with the tables, and the latest runs that are kept with the runs. Compare the rows"
        " with what was sealed, signed and witnessed, and functions, triggers, constraints, owners"
        " and grants with those of this release. Prints the first difference of each table and all"
        " others, and fails, if there are any."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--witness",
            type=Path,
            help="a file of checkpoints that a witness kept; by default the office's own",
        )

    def handle(self, *args: Any, witness: Path | None, **options: Any) -> None:
        with one_moment():
            replay = Replay()
            differences = [*map(str, replay.first_differences()), *latest_runs_astray()]
            try:
                record = check_record(witness or witness_path(), is_named=bool(witness))
            except OSError as error:
                raise CommandError(f"{witness} cannot be read: {error.strerror}.") from error
            altered = [*altered_rules(), *altered_rights()]
        for sentence in (*not_compared(replay), *record.remarks):
            self.stdout.write(sentence)
        if differences or altered or record.differences:
            raise CommandError("\n".join([*differences, *record.differences, *altered]))
        self.stdout.write(
            self.style.SUCCESS(
                f"Replayed {replay.evidence:,} pieces of evidence: {replay.rows:,} rows match them."
            )
        )
        self.stdout.write("Rules, owners and grants are those of this release.")


def not_compared(replay: Replay) -> Iterator[str]:
    """Yield what evidence is too old to tell."""
    for (name, column), rows in replay.not_compared.items():
        yield (
            f"{rows:,} rows ({name}) have evidence from before it told {column}: that cannot be"
            " compared."
        )
