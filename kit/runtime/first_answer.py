"""Wait until a web server that is starting answers its first page."""

import select
import socket
from collections.abc import Callable

LOOK_SECONDS = 0.2  # between two looks at whether the server is still there
PAGE = "/login/"


def wait_for_answer(
    listener: socket.socket, is_alive: Callable[[], bool], host: str = "localhost"
) -> bool:
    """Return True once a page is answered, whatever its status; False if the server has ended.

    The socket listens before the server does, so the request waits there to be accepted.
    """
    request = f"GET {PAGE} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(listener.getsockname()[:2]) as connection:
        connection.sendall(request.encode())
        while not select.select([connection], [], [], LOOK_SECONDS)[0]:
            if not is_alive():
                return False
        return True
