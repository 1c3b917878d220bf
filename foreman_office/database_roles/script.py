"""The SQL that makes a database's roles what they are declared to be."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from django.conf import settings

from foreman_office.database_roles.catalog import quoted
from foreman_office.database_roles.declared import RoleNames
from foreman_office.database_roles.difference import Difference
from kit.runtime.database_addresses import MEMBER, ROLES

# A role that is no superuser may give something to the owner, and grant in its name, as a member.
JOIN = """
DO $$ BEGIN
    IF NOT pg_has_role(current_user, {literal}, 'USAGE') THEN
        GRANT {owner} TO CURRENT_USER;
        PERFORM set_config('foreman.joined', 'yes', true);
    END IF;
END $$;
"""
LEAVE = """
DO $$ BEGIN
    IF current_setting('foreman.joined', true) = 'yes' THEN
        REVOKE {owner} FROM CURRENT_USER;
    END IF;
END $$;
"""
ROUNDS = 4096


def script_of(names: RoleNames, found: Iterable[Difference]) -> str:
    """Return the statements that end these differences, all of them or none."""
    found = [each for each in found if each.statement]
    roles = [each for each in found if each.before.startswith(("CREATE ROLE", "ALTER ROLE"))]
    owner = {"owner": quoted(names.owner), "literal": literal(names.owner)}
    others = gathered([each for each in found if each not in roles])
    parts = [
        "BEGIN;",
        "SET LOCAL lock_timeout = '10s';",
        *(with_password(each) for each in roles),
        *([JOIN.format(**owner).strip(), *others, LEAVE.format(**owner).strip()] if others else []),
        "COMMIT;",
    ]
    return "\n".join(parts) + "\n"


def gathered(found: Iterable[Difference]) -> list[str]:
    """Return the statements; one for all grants that differ only in what they are on."""
    statements: dict[tuple[str, str, str], list[str]] = {}
    for each in found:
        alone = "" if each.joins else each.middle
        statements.setdefault((each.before, alone, each.after), []).append(each.middle)
    return [
        f"{before}{', '.join(things)}{after};" for (before, _, after), things in statements.items()
    ]


# --- passwords ------------------------------------------------------------------------------------


def with_password(change: Difference) -> str:
    """Return the statement, with the password of a role's address if it creates that role."""
    if not change.before.startswith("CREATE ROLE"):
        return change.statement
    password = password_of(change.before)
    if password and password.isascii():
        # A verifier: whoever reads it cannot log in with it.
        return f"{change.before} PASSWORD {literal(verifier(password, secrets.token_bytes(16)))};"
    return f"{change.statement}  -- it has no password yet: \\password ROLE in psql sets one"


def password_of(statement: str) -> str:
    for role in (*ROLES, MEMBER):
        address = settings.DATABASE_ROLES.get(role, {})
        name = str(address.get("USER", "")).partition(".")[0]
        if statement.startswith(f"CREATE ROLE {quoted(name)} "):
            return str(address.get("PASSWORD") or "")
    return ""


def verifier(password: str, salt: bytes) -> str:
    """Return a password as PostgreSQL stores it (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    stored = hashlib.sha256(client).digest()
    said = [base64.b64encode(each).decode() for each in (salt, stored, server)]
    return f"SCRAM-SHA-256${ROUNDS}:{said[0]}${said[1]}:{said[2]}"


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
