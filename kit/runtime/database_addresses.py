"""The addresses of the database, one for each of its roles, and which of them is in use.

The owner migrates, the office serves, upkeep watches, backs up and compares. Where only one address
is given, all three are the same. A member's role serves those who belong to an organisation; where
it has no address, there are no organisations.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import dj_database_url
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connection, connections

OWNER, OFFICE, UPKEEP = ROLES = ("owner", "office", "upkeep")
MEMBER = "member"
# The superuser of the office's own server; elsewhere the owner, who may do what it was granted.
ADMINISTRATOR = "administrator"
# What a process of the office that serves need not know: the other roles' passwords.
OWNERS_ADDRESS = "DATABASE_OWNER_URL"
UPKEEPS_ADDRESS = "DATABASE_UPKEEP_URL"
OTHER_ADDRESSES = (OWNERS_ADDRESS, UPKEEPS_ADDRESS)
MEMBERS_ADDRESS = "DATABASE_MEMBER_URL"
DEFAULT_PORT = "5432"
ENGINE = "kit.runtime.database"
LIMITS = {
    "statement_timeout": "60s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}
PARTS = ("USER", "PASSWORD", "HOST", "PORT", "OPTIONS", "DISABLE_SERVER_SIDE_CURSORS")
SUPABASE_POOLER = ".pooler.supabase.com"  # where a user is named ROLE.PROJECT


def of_the_writer(address: str, only_reads: bool = False) -> str:
    """Return an address that is always the writer's, where it names several servers.

    For an office that only reads it is that of a standby, if there is one.

    `postgres://u:p@h1:5501,h2:5502/db`, as libpq takes it, is no address to other readers: the
    servers become parameters. Raises ValueError for what is no address.
    """
    parts = urlsplit(address)
    user, at, servers = parts.netloc.rpartition("@")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if "," in servers:
        hosts, ports = zip(*map(host_and_port, servers.split(",")), strict=True)
        query |= {"host": ",".join(hosts), "port": ",".join(ports)}
        parts = parts._replace(netloc=user + at)
    if "," not in query.get("host", ""):
        return address
    wanted = "prefer-standby" if only_reads else "read-write"
    query.setdefault("target_session_attrs", wanted)
    return urlunsplit(parts._replace(query=urlencode(query, safe=",/")))


def read(variable: str, address: str, only_reads: bool = False) -> dict[str, Any]:
    """Return Django's settings of the database at an address.

    Raises `ImproperlyConfigured` with the variable's name; the address itself holds a password.
    """
    try:
        return {**dj_database_url.parse(of_the_writer(address, only_reads))}
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{variable} is not the address of a database: {error}"
        ) from error


def host_and_port(server: str) -> tuple[str, str]:
    host, colon, port = server.rpartition(":") if not server.endswith("]") else (server, "", "")
    if not colon:
        host, port = server, DEFAULT_PORT
    if not port.isdecimal():
        raise ValueError(f"{server} has no port number after the colon")
    return unquote(host).strip("[]"), port


def limited(database: Mapping[str, Any], pooled: bool) -> dict[str, Any]:
    """Return Django's settings of a database with time limits for whoever connects there."""
    options = {**database.get("OPTIONS", {})}
    # A server that went without a word is noticed by us, not by the network's own quarter of an
    # hour.
    options.setdefault("connect_timeout", 5)
    options.setdefault("tcp_user_timeout", 30_000)
    if not pooled:
        # A statement that can be prepared is: kit/core/prepared_query.
        options.setdefault("prepare_threshold", 0)
        limits = [f"-c {name}={limit}" for name, limit in LIMITS.items()]
        options["options"] = " ".join([options.get("options", ""), *limits]).strip()
    # A transaction pooler refuses startup options and gives every transaction another session, so
    # cursors that outlive one are off there and the timeouts are set on the role (README).
    return {
        **database,
        "ENGINE": ENGINE,
        "OPTIONS": options,
        "DISABLE_SERVER_SIDE_CURSORS": pooled,
    }


def settings_of(role: str) -> dict[str, Any]:
    """Return Django's settings of the database in use, with another role's address."""
    database, office = settings.DATABASE_ROLES[role], settings.DATABASE_ROLES[OFFICE]
    other = connection.settings_dict | {part: database.get(part, "") for part in PARTS}
    if database["NAME"] != office["NAME"]:  # a pooler may have a name of its own for it
        other["NAME"] = database["NAME"]
    return other


def parameters_of(role: str) -> dict[str, Any]:
    """Return the parameters of psycopg for a role's address."""
    other = connections.create_connection(DEFAULT_DB_ALIAS)
    other.settings_dict = settings_of(role)
    parameters: dict[str, Any] = other.get_connection_params()
    return parameters


def learn(role: str, environment: Mapping[str, str]) -> None:
    """Take a role's address from an environment that has one, after the settings were read."""
    variable = f"DATABASE_{role.upper()}_URL"
    if address := environment.get(variable):
        database = read(variable, address, settings.FOREMAN_READ_ONLY)
        settings.DATABASE_ROLES[role] = limited(database, False)


def use(role: str) -> None:
    """Connect as this role from now on."""
    connection.close()
    connection.settings_dict.update(settings_of(role))


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Connect as this role for a while."""
    before = {**connection.settings_dict}
    use(role)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def uses_a_pooler() -> bool:
    """Return whether the address in use is a transaction pooler's."""
    return bool(connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))


def user_of(role: str) -> str:
    """Return the name of the role in the database that an address connects as."""
    return user_at(settings.DATABASE_ROLES[role])


def user_at(database: Mapping[str, Any]) -> str:
    user: str = database["USER"]
    return user.partition(".")[0] if str(database["HOST"]).endswith(SUPABASE_POOLER) else user


def expect_own_user(databases: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse an address for members that has the role of another, which sees everything."""
    for role in ROLES:
        if MEMBER in databases and user_at(databases[MEMBER]) == user_at(databases[role]):
            raise ImproperlyConfigured(
                f"{MEMBERS_ADDRESS} must be the address of a role of its own, and not of"
                f" {user_at(databases[role])}, which serves others (README)."
            )


def has_member() -> bool:
    """Return whether a role serves the members of organisations, which sees only what is theirs."""
    return has_owner() and MEMBER in settings.DATABASE_ROLES


def has_owner() -> bool:
    """Return whether another role owns the tables than the one that serves."""
    return user_of(OWNER) != user_of(OFFICE)
