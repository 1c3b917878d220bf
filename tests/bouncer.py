"""PgBouncer in transaction mode before a server, as Debian ships it."""

import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

from kit.runtime import embedded_postgres
from tests.choice import find_tool
from tests.races import until
from tests.throwaway import free_port

CONFIG = """
[databases]
* = host={sockets} port={port} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 300
default_pool_size = 20
ignore_startup_parameters = {ignored}
"""


@contextmanager
def bouncer(var, directory, ignored="", more=""):
    """Keep PgBouncer running before the server of `var`, and yield its port."""
    owner = embedded_postgres._owner()
    program = find_tool("PgBouncer")
    assert program, "PgBouncer is missing: apt install pgbouncer"
    listen = free_port()
    config = directory / "pgbouncer.ini"
    config.write_text(
        CONFIG.format(
            sockets=embedded_postgres.socket_directory(embedded_postgres.data_directory(var)),
            port=embedded_postgres.PORT,
            user=embedded_postgres.USER,
            listen=listen,
            ignored=ignored,
        )
        + more
    )
    embedded_postgres._let_through(config, owner)
    config.chmod(0o644)
    # It refuses to run as root, like the server itself; both run as the same user.
    as_owner = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    with Path(directory / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "--quiet", config], stdout=log, stderr=log, cwd="/", **as_owner
        )
    try:

        def listens():
            assert process.poll() is None, (directory / "pgbouncer.log").read_text()
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", listen)):
                return True
            return False

        until(listens)
        yield listen
    finally:
        process.terminate()
        process.wait(20)
