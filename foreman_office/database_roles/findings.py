"""What the system checks say of the roles and the rules of the database."""

from collections import Counter
from collections.abc import Iterator

import psycopg
from django.core.checks import CheckMessage
from django.db import connection

from foreman_office.database_roles.applying import compared
from governance.rules_in_force import altered_rules
from kit.core.findings import fault, warning
from kit.runtime.database_addresses import (
    MEMBER,
    MEMBERS_ADDRESS,
    OFFICE,
    OWNER,
    UPKEEP,
    has_member,
    has_owner,
    parameters_of,
    user_of,
)
from programs.models import Organisation

MOST = 20  # of the altered rules are named
REMEDY = (
    "Find out who changed it. A restored backup, or a new database that the migrations made, shows"
    " how it was."
)
OWNED = ("TABLE", "SEQUENCE", "ROUTINE", "VIEW", "MATERIALIZED VIEW")
SAME = "SELECT current_database()::text, pg_postmaster_start_time()"


def findings_of_roles() -> Iterator[CheckMessage]:
    """Yield findings about the roles of the database, and about their addresses."""
    if has_owner():
        yield from other_addresses()
        yield from as_declared()
    else:
        yield from one_role()


def one_role() -> Iterator[CheckMessage]:
    """Yield what it costs that the office serves with the role that owns its tables."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, EXISTS (SELECT FROM pg_class WHERE pg_has_role(relowner, 'USAGE')"
            " AND oid = to_regclass('django_migrations')) FROM pg_roles"
            " WHERE rolname = current_user"
        )
        is_superuser, is_owner = cursor.fetchone()
    if not is_owner:
        return
    who = "as a superuser" if is_superuser else "with the role that owns its tables"
    yield warning(
        33,
        "DATABASE_URL",
        f"The office serves {who}: with its address, or from one of its sessions, every rule can be"
        " switched off and the evidence rewritten. manage.py roles prints how to give it roles that"
        " cannot, and README says which addresses to set then.",
    )


def other_addresses() -> Iterator[CheckMessage]:
    """Yield which of the other roles' addresses does not lead to the same database."""
    with connection.cursor() as cursor:
        cursor.execute(SAME)
        here = cursor.fetchone()
    members = [(29, MEMBER)] if has_member() else []
    for number, role in ((27, OWNER), (28, UPKEEP), *members):
        about = f"DATABASE_{role.upper()}_URL"
        if user_of(role) == user_of(OFFICE):
            continue
        try:
            with psycopg.connect(**parameters_of(role)) as session:
                if session.execute(SAME).fetchone() != here:
                    sentence = "It is the address of another database than DATABASE_URL."
                    yield fault(number, about, sentence)
        except psycopg.OperationalError as error:
            yield fault(number, about, f"The database cannot be used there: {str(error).strip()}")


def findings_of_members() -> Iterator[CheckMessage]:
    """Yield that no role serves the members of organisations."""
    if not has_member() and Organisation.objects.exists():
        first = "" if has_owner() else "give the office its other roles first (README), then "
        yield fault(
            44,
            MEMBERS_ADDRESS,
            f"There are organisations, and no role of the database serves their members: {first}set"
            " it to the address of a role of its own, and run manage.py roles --apply.",
        )


def findings_of_rules() -> Iterator[CheckMessage]:
    """Yield each rule of the database that is not as this release made it."""
    altered = altered_rules()
    for sentence in altered[:MOST]:
        yield fault(39, "rules", f"{sentence} {REMEDY}")
    if len(altered) > MOST:
        yield fault(39, "rules", f"{len(altered) - MOST} more rules are not as released. {REMEDY}")


def altered_rights() -> list[str]:
    """Return a sentence for each owner and each grant that is not as declared.

    Where the office has one role, which owns everything, for each other owner.
    """
    _, found, different = compared()
    if has_owner():
        return [each.sentence for each in different]
    owners = Counter(thing.owner for thing in found.things if thing.kind == "TABLE")
    owner = owners.most_common(1)[0][0]
    things = [thing for thing in found.things if thing.kind in OWNED and thing.owner != owner]
    return [
        f"{thing.kind.lower()} {thing.name} belongs to {thing.owner}, not to {owner}."
        for thing in things
    ]


def as_declared() -> Iterator[CheckMessage]:
    """Yield that something in the catalog is not as declared."""
    _, _, different = compared()
    if different:
        more = f" (and {len(different) - 1} more)" if len(different) > 1 else ""
        yield fault(
            38,
            "roles",
            f"{different[0].sentence}{more} manage.py roles --check names each difference, and"
            " manage.py roles prints the SQL that ends them.",
        )
