"""The load client: a process of its own that sends heartbeats over kept connections.

It does not use Django and does little in Python: on a small machine every cycle that it takes is
missing from the server, which would skew the ratio. `python -m bench.load` reads its task as JSON
from standard input and writes what it measured to standard output.
"""

import json
import re
import select
import socket
import sys
import time
from collections import Counter
from itertools import count, cycle, islice

from bench.figures import percentile

PROGRESS_EVERY = 10
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Sender:
    """One builder, however many connections it speaks over."""

    def __init__(self, path, token, builder_id, task_id):
        self.head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )
        self.beat = {"builder_id": builder_id, "task_id": task_id, "status": "active"}
        self.numbers = count(1)

    def next_request(self):
        # Progress goes with every tenth beat alone, so that it changes exactly so often, in
        # whatever order the connections are heard.
        number = next(self.numbers)
        beat = self.beat | {"message": f"step {number}."}
        if number % PROGRESS_EVERY == 0:
            beat["progress_percentage"] = number // PROGRESS_EVERY % 100
        body = json.dumps(beat)
        return f"{self.head}{len(body)}\r\n\r\n{body}".encode()


def status_of_answer(connection):
    """Read one whole answer, and return its status."""
    answer = connection.recv(65536)
    while (end := answer.find(b"\r\n\r\n")) < 0 or len(answer) < end + 4 + length(answer):
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the server hung up in the middle of an answer")
        answer += more
    return int(answer[9:12])


def length(answer):
    return int(LENGTH.search(answer)[1])


def send(port, senders, connections, seconds):
    """Send from all connections at once, each its next beat when the last is answered.

    One thread sends all: it sleeps until the system reports an answer, so no thread waits for the
    interpreter's lock.
    """
    latencies, statuses = [], Counter()
    opened = {}
    for sender in islice(cycle(senders), connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened[connection.fileno()] = connection, sender
    answered = select.epoll()
    sent_at = {}
    began = time.perf_counter()
    deadline = began + seconds
    for number, (connection, sender) in opened.items():
        answered.register(number, select.EPOLLIN)
        sent_at[number] = time.perf_counter()
        connection.sendall(sender.next_request())
    while sent_at:
        for number, _ in answered.poll():
            connection, sender = opened[number]
            statuses[status_of_answer(connection)] += 1
            now = time.perf_counter()
            latencies.append(now - sent_at.pop(number))
            if now < deadline:
                sent_at[number] = now
                connection.sendall(sender.next_request())
            else:
                # The server closes it before long, while another may still wait for its answer.
                answered.unregister(number)
    took = time.perf_counter() - began
    answered.close()
    for connection, _ in opened.values():
        connection.close()
    return {
        "statuses": statuses,
        "rate": len(latencies) / took,
        "p50": percentile(latencies, 50) * 1000,
        "p99": percentile(latencies, 99) * 1000,
    }


def main():
    task = json.load(sys.stdin)
    senders = [Sender(task["path"], **sender) for sender in task["senders"]]
    json.dump(send(task["port"], senders, task["connections"], task["seconds"]), sys.stdout)


if __name__ == "__main__":
    main()
