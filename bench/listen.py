"""The listening client: a process of its own that holds streams open and notes when each is told.

`python -m bench.listen` reads its task as a line of JSON, says when all streams are open, and when
its input ends writes for each stream at which moments of the machine's clock it was told something.
"""

import json
import selectors
import socket
import sys
import time

REQUEST = (
    "GET /live/?topics=*&since={since} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n"
    "Accept: text/event-stream\r\n\r\n"
)


def open_stream(port, cookie):
    """Open a stream; where a process has no room for it, the next connection may meet another."""
    while True:
        connection = socket.create_connection(("localhost", port))
        since = int(time.time()) + 60  # nothing is missed
        connection.sendall(REQUEST.format(since=since, cookie=cookie).encode())
        answer = b""
        while b"\ndata:" not in answer:
            answer += connection.recv(65536)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise AssertionError(answer.decode())
        if b"event: poll" not in answer:
            return connection
        connection.close()


def main():
    task = json.loads(sys.stdin.readline())
    told = [[] for _ in range(task["streams"])]
    with selectors.DefaultSelector() as ready:
        for moments in told:
            connection = open_stream(task["port"], task["cookie"])
            connection.setblocking(False)
            ready.register(connection, selectors.EVENT_READ, moments)
        ready.register(sys.stdin, selectors.EVENT_READ, None)
        sys.stdout.write("open\n")
        sys.stdout.flush()
        while True:
            for key, _ in ready.select():
                if key.data is None:
                    json.dump(told, sys.stdout)
                    return
                chunk = key.fileobj.recv(65536)
                if not chunk:
                    raise ConnectionError("the server ended a stream")
                if b"event: poke" in chunk:
                    key.data.append(time.monotonic())


if __name__ == "__main__":
    main()
