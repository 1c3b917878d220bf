"""Rebuild the recorded state from the evidence alone, and compare it with the tables."""

from typing import Any

from django.core.management import BaseCommand, CommandError

from governance.replay import Replay, one_moment


class Command(BaseCommand):
    help = (
        "Rebuild every program, wave, task, builder and blocker from the evidence trail alone and"
        " compare them with the tables. Names the first difference and fails, if there is one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with one_moment():
            replay = Replay()
            difference = replay.first_difference()
        if difference:
            raise CommandError(str(difference))
        self.stdout.write(
            self.style.SUCCESS(
                f"Replayed {replay.evidence:,} pieces of evidence:"
                f" {replay.rows:,} rows are as they tell."
            )
        )
