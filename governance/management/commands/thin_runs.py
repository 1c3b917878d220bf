from collections import deque
from datetime import timedelta

from django.core.management import BaseCommand, CommandError

from governance.thinning import prune_known_tests, tests_kept_for, thin_runs


class Command(BaseCommand):
    help = (
        "Remove the passed and skipped tests of old runs in small batches, as the watcher does"
        " every hour, and the names of tests that no run has any more. What failed is kept, and so"
        " are the first and the latest two runs of each suite and those that work began with, was"
        " completed with or was claimed with."
    )

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="count them and remove nothing")
        parser.add_argument(
            "--days", type=int, help="days to keep, instead of FOREMAN_TEST_RETENTION_DAYS"
        )

    def handle(self, *args, dry_run, days, **options):
        if days is not None and days < 1:
            raise CommandError("The tests of at least one day are kept.")
        older_than = tests_kept_for() if days is None else timedelta(days=days)
        steps = list(thin_runs(older_than, dry=dry_run))
        if not dry_run:
            deque(prune_known_tests(), maxlen=0)
        runs, tests = sum(step.runs for step in steps), sum(step.tests for step in steps)
        verb = "would be removed" if dry_run else "removed"
        self.stdout.write(
            f"Passed and skipped tests older than {older_than.days} days {verb}: {tests},"
            f" of {runs} runs"
        )
