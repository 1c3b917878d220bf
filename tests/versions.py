"""Run tests on the other versions of PostgreSQL that are installed: `make versions`.

The suite runs on 18, which the office brings. Debian and Ubuntu put others in /usr/lib/postgresql.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.runtime import embedded_postgres
from tests.throwaway import free_port

SUPPORTED = (15, 16, 17)
DEBIANS = Path("/usr/lib/postgresql")
SETTINGS = ("fsync=off", "listen_addresses=127.0.0.1", "max_connections=200", "timezone=UTC")


def installed() -> dict[int, Path]:
    """Return the programs of each supported version that is here."""
    found = {version: DEBIANS / str(version) / "bin" for version in SUPPORTED}
    return {
        version: programs for version, programs in found.items() if (programs / "initdb").exists()
    }


@contextmanager
def server(programs: Path) -> Iterator[str]:
    """Run a server that holds nothing and is thrown away, and yield its address."""
    owner, port = embedded_postgres._owner(), free_port()
    as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}

    def run(program: str, *arguments: object) -> None:
        command = [programs / program, "-D", data, *map(str, arguments)]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, **as_owner)

    with tempfile.TemporaryDirectory(prefix="postgres-") as directory:
        data = Path(directory) / "data"
        os.chmod(directory, 0o711)
        embedded_postgres._own_private_directory(data, owner)
        run("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        settings = " ".join(f"-c {setting}" for setting in SETTINGS)
        run("pg_ctl", "start", "-w", "-l", data / "log", "-o", f"-p {port} -k {data} {settings}")
        try:
            yield f"postgres://postgres@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "-w", "-m", "fast")


def main(pytest: list[str]) -> int:
    versions = installed()
    if not versions:
        names = ", ".join(map(str, SUPPORTED))
        sys.exit(f"No PostgreSQL {names} is installed (Debian, Ubuntu: apt install postgresql).")
    status = 0
    for version, programs in versions.items():
        sys.stdout.write(f"PostgreSQL {version}\n")
        sys.stdout.flush()
        with server(programs) as address:
            command = [sys.executable, "-m", "pytest", *pytest]
            status |= subprocess.run(command, env=os.environ | {"DATABASE_URL": address}).returncode
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
