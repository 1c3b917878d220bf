"""PgBouncer in transaction mode before a server, as Debian ships it."""

import os
import shutil
import socket
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

from foreman_office.kit import embedded
from tests.races import until

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
def bouncer(var, directory, ignored=""):
    """Keep PgBouncer running before the server of `var`, and yield its port."""
    owner = embedded._owner()
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "PgBouncer is missing: apt install pgbouncer"
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = free.getsockname()[1]
    config = directory / "pgbouncer.ini"
    config.write_text(
        CONFIG.format(
            sockets=embedded.socket_directory(embedded.data_directory(var)),
            port=embedded.PORT,
            user=embedded.USER,
            listen=listen,
            ignored=ignored,
        )
    )
    embedded._let_through(config, owner)
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
