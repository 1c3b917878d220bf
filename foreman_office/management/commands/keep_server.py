import logging
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from kit.runtime import embedded_postgres

logger = logging.getLogger("foreman.postgres")


class Command(BaseCommand):
    help = "Restart the office's own PostgreSQL whenever it ends, until stopped."
    requires_system_checks = []  # the office has checked what it starts

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError("DATABASE_URL is set: that server is not supervised by the office.")
        embedded_postgres.keep(settings.FOREMAN_VAR, logger.warning)
