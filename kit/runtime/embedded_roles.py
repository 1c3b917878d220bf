"""The roles of the office's own server: made with it, or given to one that was made before.

Until there were roles, the one that served was the superuser that `initdb` makes, and owned all. A
superuser cannot lose that right, so it gets another name, and its old name goes to a role that may
only serve. All of that is one transaction: a conversion that was broken off has changed nothing,
and is begun anew at the next start.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

SUPERUSER = "postgres"  # made by initdb; nothing of the office works as this role
USERS = {
    "owner": "foreman_owner",
    "office": "foreman",
    "upkeep": "foreman_upkeep",
    "member": "foreman_member",
}
DATABASE = "foreman"
OWNER, OFFICE, UPKEEP, MEMBER = USERS.values()
ALL = ", ".join(USERS.values())

# A line each: PostgreSQL in single-user mode ends a statement with its line.
ROLES = [f"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE" for name in USERS.values()]
RIGHTS = [
    f"REVOKE TEMPORARY ON DATABASE {DATABASE} FROM PUBLIC",
    f"GRANT CONNECT ON DATABASE {DATABASE} TO {ALL}",
]
MAKE = [*ROLES, f"CREATE DATABASE {DATABASE} OWNER {OWNER}", *RIGHTS]

CONVERTER = "foreman_conversion"  # a superuser, for as long as it takes
IS_OLD = f"""
    SELECT pg_get_userbyid(10) = '{OFFICE}',
        EXISTS (SELECT FROM pg_roles WHERE rolname = '{CONVERTER}'),
        EXISTS (SELECT FROM pg_roles WHERE rolname = '{MEMBER}')
"""  # noqa: S608  our own names
HAND_OVER = f"""
    DO $$
    DECLARE
        statement text;
    BEGIN
        FOR statement IN
            SELECT format('ALTER %s %s OWNER TO {OWNER}', kind, name)
            FROM (
                SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW'
                        WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
                    pg_class.oid::regclass::text, relnamespace, relowner, pg_class.oid
                FROM pg_class
                WHERE relkind IN ('r', 'p', 'v', 'm') OR relkind = 'S' AND NOT EXISTS (
                    SELECT FROM pg_depend
                    WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid
                        AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')
                )
                UNION ALL
                SELECT 'ROUTINE', oid::regprocedure::text, pronamespace, proowner, oid FROM pg_proc
            ) AS things (kind, name, namespace, owner, oid)
            WHERE owner = 10 AND namespace = 'public'::regnamespace AND NOT EXISTS (
                SELECT FROM pg_depend WHERE pg_depend.objid = things.oid AND deptype = 'e'
            )
        LOOP
            EXECUTE statement;
        END LOOP;
    END $$
"""  # noqa: S608  our own names
CONVERSION = [
    f"ALTER ROLE {OFFICE} RENAME TO {SUPERUSER}",
    *ROLES,
    f"ALTER DATABASE {DATABASE} OWNER TO {OWNER}",
    *RIGHTS,
    HAND_OVER,
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER}",
    f"GRANT USAGE ON SCHEMA public TO {OFFICE}, {UPKEEP}",
    # As before, until the office migrates and grants what is declared.
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {OFFICE}",
    f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {OFFICE}",
    f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {UPKEEP}",
    f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {UPKEEP}",
]
# A server from before there were organisations has the other roles.
MAKE_MEMBER = [ROLES[-1], f"GRANT CONNECT ON DATABASE {DATABASE} TO {MEMBER}"]


class ConversionError(Exception):
    """The server cannot be given its roles; the sentence says why."""


def convert(
    address: dict[str, Any], copy: Path, pg_dump: Path, say: Callable[[str], object]
) -> None:
    """Divide the rights of an old server among roles; one that has them is left as it is.

    Before anything is changed, `copy` becomes a backup of the database.
    """
    import psycopg  # here, for who only waits for a server never needs it

    def session(user: str) -> psycopg.Connection:
        return psycopg.connect(**address, user=user, dbname=DATABASE, autocommit=True)

    try:
        with session(OFFICE) as connection:
            found = connection.execute(IS_OLD).fetchone()
            is_old, has_converter, has_member = found or (False, False, True)
    except psycopg.OperationalError:
        return  # whoever works with the server says what is wrong with it
    try:
        if is_old:
            back_up(address, copy, pg_dump)
            say(f"The database gets roles of its own; a backup of it is in {copy}.\n")
            if not has_converter:
                with session(OFFICE) as connection:
                    connection.execute(f"CREATE ROLE {CONVERTER} LOGIN SUPERUSER")
            with session(CONVERTER) as connection, connection.transaction():
                for statement in CONVERSION:
                    connection.execute(statement)
        if is_old or has_converter:
            with session(SUPERUSER) as connection:
                connection.execute(f"DROP ROLE {CONVERTER}")
        elif not has_member:
            with session(SUPERUSER) as connection, connection.transaction():
                for statement in MAKE_MEMBER:
                    connection.execute(statement)
    except psycopg.Error as error:
        raise ConversionError(
            f"The server cannot be given its roles, and is unchanged: {str(error).strip()}"
        ) from error


def back_up(address: dict[str, Any], file: Path, pg_dump: Path) -> None:
    """Write the database to a file that only its owner may read, completely or not at all.

    One process at a time does this. The draft of one that was killed is replaced: its pg_dump,
    which may live on, holds that file open and never opens another.
    """
    draft = file.with_name(f".{file.name}.new")
    place = ["-h", str(address["host"]), "-p", str(address["port"]), "-U", OFFICE]
    try:
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
            done = subprocess.run(
                [pg_dump, "--format=custom", "--no-password", *place, DATABASE],
                stdout=output,
                stderr=subprocess.PIPE,
                text=True,
            )
        if done.returncode:
            raise ConversionError(f"The server cannot be backed up: {done.stderr.strip()}")
        draft.replace(file)
    except OSError as error:
        raise ConversionError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
