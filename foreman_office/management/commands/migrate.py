"""Django's migrate, for rules too (kit/core/rules.py), and for the history before the baseline.

After it the roles of the database are granted what the migrations brought.
"""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections, transaction

from foreman_office.baseline import forget_old_names, old_names
from foreman_office.database_roles.applying import grant_again
from kit.core.rules import Autodetector


class Command(migrate.Command):
    autodetector = Autodetector

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with transaction.atomic(using=connection.alias):
            names = old_names(connection)
            only_looks = options["plan"] or options["check_unapplied"]
            if names and not only_looks:
                forget_old_names(connection, names)
        super().handle(*args, **options)
        if not only_looks:
            grant_again(self.stderr.write)
