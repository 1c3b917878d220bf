from datetime import timedelta

from django.core.management import BaseCommand, CommandError

from builders.retention import count_old_heartbeats, prune_heartbeats, retention


class Command(BaseCommand):
    help = "Remove old heartbeats in small batches, as the watcher does every hour."

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="count them and remove nothing")
        parser.add_argument(
            "--days",
            type=int,
            help="days to keep, instead of FOREMAN_HEARTBEAT_RETENTION_DAYS",
        )

    def handle(self, *args, dry_run, days, **options):
        if days is not None and days < 1:
            raise CommandError("The heartbeats of at least one day are kept.")
        older_than = retention() if days is None else timedelta(days=days)
        if dry_run:
            verb, count = "would be removed", count_old_heartbeats(older_than)
        else:
            verb, count = "removed", sum(prune_heartbeats(older_than))
        self.stdout.write(f"Heartbeats older than {older_than.days} days {verb}: {count}")
