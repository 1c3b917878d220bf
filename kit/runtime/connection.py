"""A client's connection to a web worker, and what can be told of it without waiting for it."""

import fcntl
import socket
import struct
import termios
from collections import Counter
from typing import Any

from gunicorn.workers.gthread import TConn

from kit.runtime.short_cut import HEAD_ENDS, Head
from kit.web.client_address import network_of

# The variable with the most connections that a process keeps of one address, of IPv6 a /64; 0 for
# no such limit. Beyond it, an address loses its own connections first.
MOST_OF_NETWORK = "FOREMAN_CONNECTIONS_PER_ADDRESS"


class Connection(TConn):
    """A connection that is counted for the network of its client until it is closed."""

    def __init__(
        self, cfg: Any, sock: socket.socket, peer: Any, server: Any, of_networks: Counter[str]
    ) -> None:
        super().__init__(cfg, sock, peer, server)
        self.network = network_of(peer[0]) if peer else ""
        self.of_networks, self.is_counted = of_networks, True
        # Of a request that may take a short cut: kit.runtime.short_cut_worker.
        self.head: Head | None = None
        self.asked: Any = None
        self.complete_at = 0.0
        of_networks[self.network] += 1

    def close(self, graceful: bool = False) -> None:
        if self.is_counted:
            self.is_counted = False
            self.of_networks[self.network] -= 1
            if not self.of_networks[self.network]:
                del self.of_networks[self.network]
        super().close(graceful)


def has_not_spoken(conn: TConn) -> bool:
    """Return whether a head is incomplete, with all that has arrived but was not read yet."""
    if HEAD_ENDS in conn.received:
        return False
    try:
        return not conn.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:  # there is nothing, or the client is gone
        return True


def bytes_unsent(sock: socket.socket) -> int:
    """Return how much of what was written the client has not taken yet."""
    answer = bytearray(4)
    try:
        fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, answer)
    except (OSError, ValueError):  # it was closed just now
        return 0
    return struct.unpack("i", answer)[0]
