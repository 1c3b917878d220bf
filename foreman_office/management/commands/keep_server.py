import logging
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from foreman_office.kit import embedded

logger = logging.getLogger("foreman.postgres")


class Command(BaseCommand):
    help = "Start the office's own PostgreSQL again whenever it ends, until told to stop."
    requires_system_checks = []  # the office has checked what it starts

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("The database of DATABASE_URL is kept by whoever runs it.")
        embedded.keep(settings.FOREMAN_VAR, logger.warning)
