"""Clients that hold their lines: a process of its own that opens connections and sends no more.

`python -m bench.hold` reads its task as JSON from standard input: the port, how many connections,
and the address of a file. A third of them say nothing, a third send half a head, a third ask for
the file again and again and read nothing. What the server closes of the first two is opened again
every two seconds. It says `open`, and ends with its input.
"""

import json
import select
import socket
import sys
from contextlib import suppress

AGAIN = 2  # seconds
HALF = b"POST /api/heartbeat HTTP/1.1\r\nHost: localhost\r\nContent-Le"
ASKED_AT_ONCE = 50
TAKES = 4096  # bytes that the system takes for one that reads nothing


def opened_line(port, sent):
    connection = socket.socket()
    if len(sent) > len(HALF):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TAKES)
    connection.connect(("127.0.0.1", port))
    with suppress(ConnectionError):
        connection.sendall(sent)
    return connection


def is_closed(connection):
    with suppress(BlockingIOError):
        try:
            return not connection.recv(1, socket.MSG_DONTWAIT)
        except ConnectionError:
            return True
    return False


def main():
    task = json.loads(sys.stdin.readline())
    port, each = task["port"], task["connections"] // 3
    unread = f"GET {task['file']} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * ASKED_AT_ONCE
    readers = [opened_line(port, unread) for _ in range(each)]
    held = [(sent, opened_line(port, sent)) for sent in (b"", HALF) for _ in range(each)]
    sys.stdout.write("open\n")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], AGAIN)[0]:
        for number, (sent, connection) in enumerate(held):
            if is_closed(connection):
                connection.close()
                held[number] = sent, opened_line(port, sent)
    for connection in [*readers, *(connection for _, connection in held)]:
        connection.close()


if __name__ == "__main__":
    main()
