"""What differs between the roles as they are declared and a database, each with its remedy."""

from collections.abc import Iterator

from foreman_office.database_roles.catalog import (
    PUBLIC,
    Catalog,
    DatabaseRole,
    Grants,
    Thing,
    quoted,
)
from foreman_office.database_roles.declared import (
    CALLED_BY_ALL,
    CALLED_BY_MEMBERS,
    CALLED_BY_UPKEEP,
    NUMBERS_TAKEN_BY_ALL,
    RoleNames,
)
from foreman_office.database_roles.difference import Difference
from foreman_office.database_roles.securing import of_policies

ORDER = ("CONNECT", "CREATE", "TEMPORARY", "USAGE", "SELECT", "INSERT", "UPDATE", "DELETE")
PLACES = ("DATABASE", "SCHEMA")
SCHEMA_OWNER = "pg_database_owner"  # whoever owns the database


def differences(names: RoleNames, found: Catalog) -> list[Difference]:
    """Return what differs, in the order in which it can be mended."""
    mine = owned_by(names, found)
    # Whoever is to own a table must be able to make one where it is.
    places = [thing for thing in found.things if thing.kind in PLACES]
    others = [thing for thing in found.things if thing.kind not in PLACES]
    return [
        *(each for name in names.serving for each in of_role(name, found.roles.get(name))),
        *of_owner(names, found.roles.get(names.owner)),
        *(each for thing in places for each in of_ownership(names, thing)),
        *(each for thing in places for each in of_grants(names, thing, mine)),
        *(each for thing in others for each in of_ownership(names, thing)),
        *(each for thing in others for each in of_grants(names, thing, mine)),
        *(each for table in found.tables for each in of_policies(names, table)),
    ]


def owned_by(names: RoleNames, found: Catalog) -> set[str]:
    """Return the roles in whose name the owner grants: its own, and that of its database."""
    owns_database = any(
        thing.kind == "DATABASE" and thing.owner == names.owner for thing in found.things
    )
    return {names.owner, SCHEMA_OWNER} if owns_database else {names.owner}


# --- roles ----------------------------------------------------------------------------------------


def of_role(name: str, role: DatabaseRole | None) -> Iterator[Difference]:
    """Yield what differs in a role that owns nothing."""
    if not role:
        yield absent(name)
        return
    if not role.can_login:
        yield Difference(f"{name} may not log in.", f"ALTER ROLE {quoted(name)} LOGIN")
    for each in role.attributes:
        yield Difference(f"{name} has {each}.", f"ALTER ROLE {quoted(name)} NO{each}")
    for other in role.member_of:
        yield Difference(
            f"{name} is a member of {other}.", f"REVOKE {quoted(other)} FROM {quoted(name)}"
        )


def of_owner(names: RoleNames, owner: DatabaseRole | None) -> Iterator[Difference]:
    """Yield what differs in the owner, which may do what else its server's operator wants."""
    if not owner:
        yield absent(names.owner)
    elif "SUPERUSER" in owner.attributes:
        # Taking that away could shut the operator out.
        yield Difference(
            f"{names.owner} is a superuser, and so would be the functions that it owns: let"
            " another role own the tables.",
            "",
        )


def absent(name: str) -> Difference:
    nothing_else = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"
    return Difference(f"There is no role {name}.", f"CREATE ROLE {quoted(name)} {nothing_else}")


# --- owners ---------------------------------------------------------------------------------------


def of_ownership(names: RoleNames, thing: Thing) -> Iterator[Difference]:
    """Yield whether a thing belongs to another role than the owner."""
    if thing.kind in PLACES:
        # A managed server may keep them; who serves must not have them.
        belongs = thing.owner not in names.serving
    else:
        # A sequence of a table, and what will be made, goes with its owner.
        belongs = thing.owner == names.owner or thing.kind == "DEFAULT" or bool(thing.of_table)
    if not belongs:
        yield Difference(
            f"{thing.kind.lower()} {thing.name} belongs to {thing.owner}, not to {names.owner}.",
            f"ALTER {thing.kind} {thing.name} OWNER TO {quoted(names.owner)}",
        )


# --- grants ---------------------------------------------------------------------------------------


def of_grants(names: RoleNames, thing: Thing, may_grant: set[str]) -> Iterator[Difference]:
    """Yield what a role may do with a thing and should not, and what it should and may not."""
    needed, allowed = wanted(names, thing)
    if thing.owner in may_grant:  # it needs no grant
        needed.pop(names.owner)
    for role in sorted({*thing.grants, *needed}):
        granted = thing.grants.get(role, set())
        has = {each.removesuffix("*") for each in granted}
        too_much = set() if tolerated(names, thing, role) else has - allowed.get(role, set())
        passed_on = {each.removesuffix("*") for each in granted if each.endswith("*")} - too_much
        for verb, word, privileges in (
            ("REVOKE", "FROM", too_much),
            ("REVOKE GRANT OPTION FOR", "FROM", passed_on if role in needed else set()),
            ("GRANT", "TO", needed.get(role, set()) - has),
        ):
            if privileges:
                yield change(
                    names, thing, f"{verb} {in_a_row(privileges)}", f"{word} {as_grantee(role)}"
                )


def tolerated(names: RoleNames, thing: Thing, role: str) -> bool:
    """Return whether what others may do with a thing is not for the office to say."""
    return is_of_others(names, role) and (
        thing.kind == "DATABASE" or (thing.kind == "ROUTINE" and not thing.is_definer)
    )


def is_of_others(names: RoleNames, role: str) -> bool:
    return role not in {PUBLIC, "PUBLIC", names.owner, *names.serving}


def wanted(names: RoleNames, thing: Thing) -> tuple[Grants, Grants]:
    """Return what each role needs of a thing, and what it may have."""
    needed: Grants = {role: set() for role in (PUBLIC, names.owner, *names.serving)}
    allowed_too: Grants = {}
    match thing.kind:
        case "DATABASE":
            needed |= {role: {"CONNECT"} for role in names.serving}
            needed[names.owner] = {"CONNECT", "TEMPORARY"}
            allowed_too = {PUBLIC: {"CONNECT"}, names.owner: {"CREATE"}}
        case "SCHEMA":
            needed |= {role: {"USAGE"} for role in names.serving}
            needed[names.owner] = {"USAGE", "CREATE"}
            allowed_too = {PUBLIC: {"USAGE"}}
            allowed_too |= {role: {"USAGE"} for role in thing.grants if role not in needed}
        case "ROUTINE":
            needed |= of_routine(names, thing)
            if not thing.is_definer:
                allowed_too = {role: {"EXECUTE"} for role in needed}
        case "SEQUENCE":
            needed |= {
                role: of_sequence(names, role, thing.of_table or thing.bare)
                for role in names.serving
            }
        case "DEFAULT" if thing.name == "SEQUENCES":
            needed |= {role: of_sequence(names, role, "") for role in names.serving}
        case "DEFAULT":
            needed |= {role: {*names.may(role, "")} for role in names.serving}
        case _:
            needed |= {role: {*names.may(role, thing.bare)} for role in names.serving}
    return needed, {
        role: needed.get(role, set()) | allowed_too.get(role, set())
        for role in {*needed, *allowed_too}
    }


def of_routine(names: RoleNames, thing: Thing) -> Grants:
    if thing.bare in CALLED_BY_UPKEEP:
        return {role: {"EXECUTE"} if role == names.upkeep else set() for role in names.serving}
    if thing.is_definer:
        is_called = thing.bare in CALLED_BY_ALL
    else:
        is_called = "EXECUTE" not in thing.grants.get(PUBLIC, set())
    called = {role: {"EXECUTE"} if is_called else set() for role in names.serving}
    if names.member and thing.is_definer and thing.bare not in CALLED_BY_MEMBERS:
        called[names.member] = set()
    return called


def of_sequence(names: RoleNames, role: str, of_table: str) -> set[str]:
    """Return what a role may do with a sequence: whoever fills its table takes numbers from it."""
    if "INSERT" in names.may(role, of_table) or of_table in NUMBERS_TAKEN_BY_ALL:
        return {"SELECT", "USAGE"}
    return set() if role == names.member else {"SELECT"}


def change(names: RoleNames, thing: Thing, what: str, whom: str) -> Difference:
    """Return a grant that is missing or too much, as a sentence and as what changes it."""
    kind = "TABLE" if thing.kind.endswith("VIEW") else thing.kind
    before = f"{what} ON {kind} "
    about = f"{thing.kind.lower()} {thing.name}"
    if thing.kind == "DEFAULT":
        before = (
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(names.owner)}"
            f" IN SCHEMA {quoted(names.schema)} {what} ON "
        )
        about = f"{thing.name.lower()} that will be made"
    verb = "lacks" if what.startswith("GRANT") else "has"
    privileges = what.split(maxsplit=1)[1].removeprefix("GRANT OPTION FOR ")
    role = whom.split(maxsplit=1)[1].strip('"')
    option = " with GRANT OPTION" if "OPTION" in what else ""
    return Difference(
        f"{role} {verb} {privileges}{option} on {about}.",
        *(before, thing.name, f" {whom}"),
        granted_by=thing.owner,
        joins=thing.kind != "DEFAULT",
        taken_from=role if verb == "has" and is_of_others(names, role) else "",
    )


def in_a_row(privileges: set[str]) -> str:
    return ", ".join(sorted(privileges, key=lambda each: (place_of(each), each)))


def place_of(privilege: str) -> int:
    return ORDER.index(privilege) if privilege in ORDER else len(ORDER)


def as_grantee(role: str) -> str:
    return quoted(role) if role else "PUBLIC"
