"""What a database's catalog says of roles, owners and grants."""

import json
from typing import NamedTuple

from django.db import connection

from foreman_office.database_roles.declared import RoleNames
from foreman_office.database_roles.policies import Policy

PUBLIC = ""  # the name of nobody in particular

# Everything in the office's schema that no extension brought, with its owner and its grants.
THINGS = """
    WITH things (catalog, oid, kind, name, bare, owner, of_table, is_definer, acl) AS (
        SELECT 'pg_database'::regclass, oid, 'DATABASE', quote_ident(datname), datname, datdba, '',
            false, coalesce(datacl, acldefault('d', datdba))
        FROM pg_database WHERE datname = current_database()
        UNION ALL
        SELECT 'pg_namespace'::regclass, oid, 'SCHEMA', quote_ident(nspname), nspname, nspowner, '',
            false, coalesce(nspacl, acldefault('n', nspowner))
        FROM pg_namespace WHERE nspname = %(schema)s
        UNION ALL
        SELECT 'pg_class'::regclass, pg_class.oid,
            CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW'
                WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
            format('%%I.%%I', nspname, relname), relname, relowner,
            coalesce((SELECT its_table.relname FROM pg_depend
                JOIN pg_class AS its_table ON its_table.oid = refobjid
                WHERE pg_class.relkind = 'S' AND classid = 'pg_class'::regclass
                    AND objid = pg_class.oid AND refclassid = 'pg_class'::regclass
                    AND deptype IN ('a', 'i')), ''),
            false,
            coalesce(relacl,
                acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = %(schema)s AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        UNION ALL
        SELECT 'pg_proc'::regclass, pg_proc.oid, 'ROUTINE',
            format('%%I.%%I(%%s)', nspname, proname,
                pg_get_function_identity_arguments(pg_proc.oid)),
            proname, proowner, '', prosecdef, coalesce(proacl, acldefault('f', proowner))
        FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
        WHERE nspname = %(schema)s
        UNION ALL
        SELECT 'pg_default_acl'::regclass, pg_roles.oid, 'DEFAULT', words, '', pg_roles.oid, '',
            false, defaclacl
        FROM pg_roles
        CROSS JOIN (VALUES ('r'::"char", 'TABLES'), ('S', 'SEQUENCES')) AS made_later (kind, words)
        LEFT JOIN pg_default_acl ON defaclrole = pg_roles.oid AND defaclobjtype = kind
            AND defaclnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
        WHERE rolname = %(owner)s
    ), grants (catalog, oid, grantee, privilege) AS (
        SELECT catalog, things.oid, grantee,
            privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END
        FROM things, aclexplode(acl) WHERE grantee <> owner AND kind <> 'DEFAULT'
        UNION ALL
        SELECT 'pg_class'::regclass, attrelid, grantee, format('%%s (%%I)', privilege_type, attname)
        FROM pg_attribute, aclexplode(attacl)
        WHERE attrelid IN (SELECT oid FROM things WHERE catalog = 'pg_class'::regclass)
    )
    SELECT kind, name, bare, pg_get_userbyid(owner)::text, of_table, is_definer,
        (SELECT coalesce(jsonb_agg(jsonb_build_array(
            CASE grantee WHEN 0 THEN '' ELSE pg_get_userbyid(grantee) END, privilege)), '[]')
        FROM (
            SELECT grantee, privilege FROM grants
            WHERE grants.catalog = things.catalog AND grants.oid = things.oid
            UNION ALL
            SELECT grantee, privilege_type FROM aclexplode(acl)
            WHERE kind = 'DEFAULT' AND grantee <> owner
        ) AS its_grants)::text
    FROM things
    WHERE NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = things.catalog AND objid = things.oid AND deptype = 'e'
    )
    ORDER BY kind, name
"""
ATTRIBUTES = {
    "SUPERUSER": "rolsuper",
    "CREATEROLE": "rolcreaterole",
    "CREATEDB": "rolcreatedb",
    "REPLICATION": "rolreplication",
    "BYPASSRLS": "rolbypassrls",
}
ROLES = f"""
    SELECT rolname, rolcanlogin, ARRAY[{", ".join(ATTRIBUTES.values())}],
        ARRAY(
            SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members
            WHERE member = pg_roles.oid ORDER BY 1
        )
    FROM pg_roles WHERE rolname = ANY (%s)
"""  # noqa: S608  our own names

SECURITY = """
    SELECT format('%%I.%%I', nspname, relname), relname,
        -- Before the migration that makes what policies speak of there are none.
        to_regprocedure(format('%%I.current_user_org_id()', nspname)) IS NOT NULL AND (
            relname IN ('builders', 'builder_pauses', 'staged_records', 'delivery_notices',
                'usage_sessions', 'usage_arrivals', 'idempotency_keys', 'ci_idempotency_keys')
            OR EXISTS (SELECT FROM pg_attribute
                WHERE attrelid = pg_class.oid AND attname = 'organisation_id')
        ),
        relrowsecurity,
        (SELECT coalesce(jsonb_agg(jsonb_build_array(polname, polcmd, polpermissive,
            ARRAY(SELECT CASE role WHEN 0 THEN 'public' ELSE pg_get_userbyid(role) END
                FROM unnest(polroles) AS role),
            pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))), '[]')
        FROM pg_policy WHERE polrelid = pg_class.oid)::text
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = %(schema)s AND relkind IN ('r', 'p')
    ORDER BY relname
"""
COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}

Grants = dict[str, set[str]]  # a role -> what it may do


class Thing(NamedTuple):
    """A database, schema, table, sequence or routine, or what will be made later."""

    kind: str
    name: str  # as SQL writes it
    bare: str
    owner: str
    of_table: str  # whose sequence it is
    is_definer: bool
    grants: Grants  # of all but its owner; a star where it may be passed on


class DatabaseRole(NamedTuple):
    name: str
    can_login: bool
    attributes: list[str]
    member_of: list[str]


class PolicyFound(NamedTuple):
    """A policy of a table, as the catalog has it."""

    policy: Policy
    permissive: bool
    roles: frozenset[str]


class TableSecurity(NamedTuple):
    """Whether a table has row level security, and its policies by their names."""

    name: str  # as SQL writes it
    bare: str
    is_ready: bool
    is_secured: bool
    policies: dict[str, PolicyFound]


class Catalog(NamedTuple):
    roles: dict[str, DatabaseRole]
    things: list[Thing]
    tables: list[TableSecurity]


def read_catalog(names: RoleNames) -> Catalog:
    """Return what the database in use has of these roles, and everything in the schema."""
    with connection.cursor() as cursor:
        cursor.execute(ROLES, [[names.owner, *names.serving]])
        roles = {
            name: DatabaseRole(
                name, can_login, [a for a, has in zip(ATTRIBUTES, those, strict=True) if has], of
            )
            for name, can_login, those, of in cursor.fetchall()
        }
        cursor.execute(THINGS, {"schema": names.schema, "owner": names.owner})
        things = [as_thing(*row) for row in cursor.fetchall()]
        cursor.execute(SECURITY, {"schema": names.schema})
        tables = [as_security(*row) for row in cursor.fetchall()]
    if names.owner not in roles:
        things += made_later(names)
    return Catalog(roles, things, tables)


def as_thing(
    kind: str, name: str, bare: str, owner: str, of_table: str, is_definer: bool, granted: str
) -> Thing:
    grants: Grants = {}
    for grantee, privilege in json.loads(granted):
        grants.setdefault(grantee, set()).add(privilege)
    return Thing(kind, name, bare, owner, of_table, is_definer, grants)


def as_security(
    name: str, bare: str, is_ready: bool, is_secured: bool, policies: str
) -> TableSecurity:
    found = {
        named: PolicyFound(
            Policy(named, COMMANDS[command], without_breaks(using), without_breaks(check)),
            permissive,
            frozenset(roles),
        )
        for named, command, permissive, roles, using, check in json.loads(policies)
    }
    return TableSecurity(name, bare, is_ready, is_secured, found)


def without_breaks(expression: str | None) -> str:
    return " ".join((expression or "").split())


def new_catalog(names: RoleNames) -> Catalog:
    """Return the catalog of a new database on a server that has none of the roles."""
    on_database: Grants = {PUBLIC: {"CONNECT", "TEMPORARY"}}
    on_schema: Grants = {PUBLIC: {"USAGE", "CREATE"}}
    things = [
        Thing("DATABASE", quoted(names.database), names.database, "", "", False, on_database),
        Thing("SCHEMA", quoted(names.schema), names.schema, "", "", False, on_schema),
    ]
    return Catalog({}, things + made_later(names), [])


def made_later(names: RoleNames) -> list[Thing]:
    """Return what a new owner will make, on which nothing is granted yet."""
    return [
        Thing("DEFAULT", kind, "", names.owner, "", False, {}) for kind in ("SEQUENCES", "TABLES")
    ]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
