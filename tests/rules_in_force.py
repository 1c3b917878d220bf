"""Write what a database of this release has (governance/rules_in_force.json): `make lock`."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable

from django.db import connection, transaction

from governance import rules_in_force


def write() -> None:
    """Migrate a database of nobody, in a process of its own, and write down its rules."""
    with tempfile.TemporaryDirectory(prefix="rules-") as var:
        environ = os.environ | {"FOREMAN_VAR": var, "FOREMAN_SIMULATION": "true"}
        environ |= {"DATABASE_URL": "", "DATABASE_OWNER_URL": "", "DATABASE_UPKEEP_URL": ""}
        subprocess.run([sys.executable, "-m", "tests.rules_in_force"], env=environ, check=True)


def rules_of_database(execute: Callable[[str], object] | None = None) -> rules_in_force.Rules:
    """Return the rules of the database in use, with the bodies that a restored one has.

    `execute` runs a statement as the owner of the functions.
    """
    rules = rules_in_force.read_rules()
    with transaction.atomic():
        for definition in dumped_functions():
            if execute:
                execute(definition)
            else:
                with connection.cursor() as cursor:
                    cursor.execute(definition)
        restored = rules_in_force.read_rules()
        transaction.set_rollback(True)
    for thing, facts in rules.items():
        if facts.get("body") != restored[thing].get("body"):
            facts[rules_in_force.RESTORED] = restored[thing]["body"]
    return rules


def dumped_functions() -> list[str]:
    """Return the functions in SQL as a dump has them, with every name in full."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        [schema] = cursor.fetchone()
        cursor.execute("SELECT set_config('search_path', '', true)")
        cursor.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc"
            " WHERE pronamespace = %s::regnamespace AND prosqlbody IS NOT NULL",
            [schema],
        )
        found = [definition for (definition,) in cursor.fetchall()]
        cursor.execute("SELECT set_config('search_path', quote_ident(%s), true)", [schema])
        return found


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foreman_office.settings")

    import django  # the settings are read from the environment

    django.setup()

    from django.conf import settings
    from django.core.management import call_command

    from kit.runtime import embedded_postgres
    from kit.runtime.database_addresses import OWNER, use

    with embedded_postgres.running(settings.FOREMAN_VAR):
        use(OWNER)
        call_command("migrate", verbosity=0)
        text = rules_in_force.rules_as_text(rules_of_database())
    rules_in_force.RELEASE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
