"""The roles of the database: print, check or apply what each of them may do."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import Error, OperationalError

from foreman_office.database_roles.applying import compared, for_a_new_database, run_script
from foreman_office.database_roles.declared import RoleNames
from foreman_office.database_roles.difference import Difference
from foreman_office.database_roles.script import script_of
from kit.runtime import pool
from kit.runtime.database_addresses import ADMINISTRATOR, acting_as, has_owner

BY_HAND = "manage.py roles | psql ADDRESS-OF-AN-ADMINISTRATOR"


class Command(BaseCommand):
    help = (
        "Print the SQL that gives the database its roles: the owner, who migrates, the"
        " office, and upkeep. With --check, name what differs; with --apply, run the SQL."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        does = parser.add_mutually_exclusive_group()
        does.add_argument(
            "--check", action="store_true", help="name what differs, and fail if anything does"
        )
        does.add_argument(
            "--apply", action="store_true", help="run the SQL, as DATABASE_OWNER_URL's role"
        )

    def handle(self, *args: Any, check: bool, apply: bool, **options: Any) -> None:
        try:
            names, different = self.look()
        except OperationalError as error:
            if check or apply:
                raise CommandError(
                    f"The database cannot be used: {pool.explain_connection_error(error)}\n"
                    f"An administrator of the server makes the roles: {BY_HAND}"
                ) from error
            names, different = for_a_new_database()
            self.stdout.write("-- The database cannot be reached with the office's addresses yet.")
        if check:
            self.check_that_nothing(different)
        elif apply:
            self.apply(names, different)
        else:
            self.print_sql(names, different)

    def look(self) -> tuple[RoleNames, list[Difference]]:
        """Compare, as the office, or as the owner where the office has no role yet."""
        try:
            names, _, different = compared()
        except OperationalError:
            with acting_as(ADMINISTRATOR):
                names, _, different = compared()
        return names, different

    def check_that_nothing(self, different: list[Difference]) -> None:
        for each in different:
            self.stdout.write(each.sentence)
        if different:
            raise CommandError(f"{len(different)} differences. manage.py roles prints the SQL.")
        self.stdout.write(self.style.SUCCESS("Roles, owners and grants are as declared."))

    def print_sql(self, names: RoleNames, different: list[Difference]) -> None:
        for each in different:
            if not each.statement:
                self.stdout.write(f"-- {each.sentence}")
        self.stdout.write(script_of(names, different) if different else "-- Nothing differs.")
        if not has_owner():
            self.stdout.write(
                "-- Afterwards set DATABASE_OWNER_URL, DATABASE_URL and DATABASE_UPKEEP_URL to the"
                f" addresses of {names.owner}, {names.office} and {names.upkeep}."
            )

    def apply(self, names: RoleNames, different: list[Difference]) -> None:
        try:
            with acting_as(ADMINISTRATOR):
                run_script(script_of(names, different))
                _, _, left = compared()
        except Error as error:
            role = settings.DATABASE_ROLES[ADMINISTRATOR]["USER"]
            raise CommandError(
                f"{role} may not do that, and nothing was changed: {str(error).strip()}\n"
                f"An administrator of the server may: {BY_HAND}"
            ) from error
        self.check_that_nothing(left)
