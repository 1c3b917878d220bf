"""Compare the roles of the database in use with their declaration, and make them so."""

from collections.abc import Callable

from django.db import connection, transaction

from foreman_office.database_roles.catalog import PUBLIC, Catalog, new_catalog, read_catalog
from foreman_office.database_roles.declared import RoleNames, declared_names
from foreman_office.database_roles.difference import Difference
from foreman_office.database_roles.differences import differences, owned_by
from kit.runtime.database_addresses import has_owner


def names_here() -> RoleNames:
    """Return the names for the database in use, whose schema may be another than public."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return declared_names(cursor.fetchone()[0] or "public")


def compared() -> tuple[RoleNames, Catalog, list[Difference]]:
    """Return what is declared, what is there, and what differs."""
    names = names_here()
    found = read_catalog(names)
    return names, found, differences(names, found)


def for_a_new_database() -> tuple[RoleNames, list[Difference]]:
    """Return what it takes to prepare a database that cannot be reached yet."""
    names = declared_names("public")
    return names, differences(names, new_catalog(names))


def run_script(text: str) -> None:
    """Run a script of `script`, which is one transaction."""
    with connection.cursor() as cursor:
        cursor.execute(text)


def grant_again(say: Callable[[str], object]) -> None:
    """Grant what a migration left ungranted, as the owner, who migrates.

    What only an administrator may change is left to `manage.py roles`.
    """
    if not has_owner():
        close_definers()
        return
    with transaction.atomic():
        names, found, different = compared()
        if absent := [name for name in names.serving if name not in found.roles]:
            say(f"There is no role {absent[0]}, so nothing is granted to it: run manage.py roles.")
            return
        mine = owned_by(names, found)
        if granted := [each for each in different if each.granted_by in mine]:
            with connection.cursor() as cursor:
                cursor.execute("".join(each.statement for each in granted))
    if others := sorted({each.taken_from for each in granted} - {""}):
        say(
            f"What {', '.join(others)} had been granted was revoked: only the office's own roles"
            " have grants. A role that shall read is given pg_read_all_data."
        )


def close_definers() -> None:
    """Revoke from everybody what runs with the rights of the role in use, which owns all.

    A backup has no grants, so whoever restores it grants again what functions are granted to when
    they are made: everybody.
    """
    names = names_here()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user::text")
        me = cursor.fetchone()[0]
        for thing in read_catalog(names).things:
            if thing.is_definer and thing.owner == me and PUBLIC in thing.grants:
                cursor.execute(f"REVOKE EXECUTE ON ROUTINE {thing.name} FROM PUBLIC")
